//! Memory of connections that had one request and then nothing more: to the proxy, and to a node.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{add_ours, cast::Cast};
use crate::{
    args::Context,
    load::{Client, get_target},
    process::Server,
    report::{Goal, Line, Report},
    store::Failure,
    workload::text_key,
};

const CONNECTIONS: usize = 5_000;
/// Most memory of a connection, KiB.
const GOAL_KIB: f64 = 16.0;

/// Lets this program, and those it starts from now on, have as many connections open as this suite needs.
pub fn allow_many_files() -> Result<(), Failure> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

/// Measures both.
pub fn measure(context: &Context, report: &mut Report, cast: &Cast) -> Result<(), Failure> {
    let connections = if context.common.quick { CONNECTIONS / 10 } else { CONNECTIONS };
    let target = get_target(&text_key(0));
    let of_proxy = target.replace("/hustdb/", "/");
    for (name, server, target) in [("proxy", &*cast.proxy, &of_proxy), ("node", &cast.nodes[1], &target)] {
        let line = Line::less(format!("idle connection to the {name}, of {connections}"), "KiB");
        let bytes = each(server, target, connections)?;
        add_ours(report, &line.goal(Goal::Figure(GOAL_KIB)), bytes / 1024.0);
    }
    Ok(())
}

/// Anonymous memory a connection.
fn each(server: &Server, target: &str, connections: usize) -> Result<f64, Failure> {
    let before = server.anonymous_bytes()?;
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut client = Client::connect(server.address)?;
        let status = client.get(target)?.status;
        if status != 200 {
            return Err(format!("GET {target}: status {status}").into());
        }
        open.push(client);
    }
    let after = server.anonymous_bytes()?;
    drop(open);
    Ok(after.saturating_sub(before) as f64 / connections as f64)
}
