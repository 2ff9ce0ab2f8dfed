//! Throughput of GET with one master down, over that with both up; the master that dies is the one that is read from.

use std::time::Duration;

use super::{
    super::{Contender, Load},
    add_ours,
    cast::Cast,
};
use crate::{
    args::{Context, Node},
    clock::wait_at_most,
    load::{Client, Script},
    report::{Goal, Line, OURS, Report},
    store::Failure,
};

/// Throughput with one master down over that with both up.
const GOAL: f64 = 0.9;
const NOTICED_LIMIT: Duration = Duration::from_secs(60);

/// Measures all rounds with both up, kills master 1, and measures them again.
pub fn measure(context: &Context, node: &Node, report: &mut Report, cast: &mut Cast) -> Result<(), Failure> {
    let load = Load::Http(Script { target: "/get?key=", rows: super::ROWS, body_bytes: None });
    let ours = Contender { name: OURS, server: cast.proxy.clone(), load };
    let rounds = || -> Result<Vec<f64>, Failure> {
        (0..context.common.rounds).map(|_| Ok(ours.run(context, node.connections)?.rate)).collect()
    };
    let both = rounds()?;
    cast.nodes.remove(0).kill()?;
    let noticed = wait_at_most(NOTICED_LIMIT, || {
        let mut client = Client::connect(cast.proxy.address).ok()?;
        let shown = client.get("/backends").ok()?;
        let text = String::from_utf8_lossy(shown.body);
        (text.matches("\"state\":\"up\"").count() == 1).then_some(())
    });
    noticed.ok_or("the proxy does not notice that a node is gone")?;
    let line = Line::more("GET 256 B, one master down / both up", "x").goal(Goal::Figure(GOAL));
    for (one, both) in rounds()?.into_iter().zip(both) {
        add_ours(report, &line, one / both);
    }
    Ok(())
}
