//! Who takes part: two nodes, the proxy before both, nginx before the first.

use std::{fs, net::SocketAddr, path::Path, process::Command, rc::Rc};

use super::super::{Contender, Load, peer, start_ours};
use crate::{
    args::{Context, Node},
    process::{Server, accepts, free_address},
    report::{OURS, Report},
    store::Failure,
};

/// The name of nginx in the report.
pub const NGINX: &str = "nginx";

/// The programs; the first node is master 1 of all slots.
pub struct Cast {
    pub proxy: Rc<Server>,
    pub nginx: Option<Rc<Server>>,
    pub nodes: Vec<Server>,
}

impl Cast {
    /// Starts all of them in folders of this name; what is not installed is left out with a note.
    pub fn start(context: &Context, node: &Node, report: &mut Report, name: &str) -> Result<Cast, Failure> {
        let mut nodes = Vec::new();
        for number in [1, 2] {
            let folder = format!("{name}-node{number}");
            let node = start_ours(context, node, report, &folder, "os")?;
            nodes.push(node.ok_or("without hustdb there is nothing to put a proxy before")?);
        }
        let dir = context.dir.path().join(name);
        fs::create_dir_all(&dir)?;
        let hustha = node.binary()?.with_file_name("hustha");
        if !hustha.is_file() {
            return Err(format!("hustha: no binary at {}", hustha.display()).into());
        }
        let proxy = Rc::new(hustha_at(&hustha, &dir, [nodes[0].address, nodes[1].address])?);
        let nginx = match peer(report, "nginx") {
            Some(program) => Some(Rc::new(nginx_at(&program, &dir.join("nginx"), nodes[0].address)?)),
            None => None,
        };
        Ok(Cast { proxy, nginx, nodes })
    }

    /// The proxy and nginx under this load.
    pub fn contenders(&self, load: Load) -> Vec<Contender> {
        let ours = Contender { name: OURS, server: self.proxy.clone(), load };
        let nginx = self.nginx.iter().map(|server| Contender { name: NGINX, server: server.clone(), load });
        [ours].into_iter().chain(nginx).collect()
    }
}

fn hustha_at(program: &Path, dir: &Path, [one, two]: [SocketAddr; 2]) -> Result<Server, Failure> {
    let table = dir.join("table.json");
    fs::write(
        &table,
        format!("{{\"table\":[{{\"item\":{{\"key\":[0,1024],\"val\":[\"{one}\",\"{two}\"]}}}}]}}"),
    )?;
    let settings = [
        format!("table={}", table.display()),
        format!("hints.dir={}", dir.join("hints").display()),
        "server.workers=2".into(),
        "server.log_level=error".into(),
        "health.interval_ms=1000".into(),
    ];
    let mut command = Command::new(program);
    command.args(["--listen", "127.0.0.1:0"]);
    for setting in settings {
        command.args(["--set", &setting]);
    }
    Server::announced(command, "hustha listening on ")
}

/// nginx with two workers, handing everything on to a node over kept connections.
fn nginx_at(program: &Path, dir: &Path, node: SocketAddr) -> Result<Server, Failure> {
    fs::create_dir_all(dir)?;
    let address = free_address()?;
    let here = dir.display();
    let config = format!(
        "daemon off;\nuser root;\nworker_processes 2;\npid {here}/pid;\nerror_log {here}/error.log;\n\
         events {{ worker_connections 8192; }}\n\
         http {{\n  access_log off;\n  tcp_nodelay on;\n  keepalive_requests 1000000000;\n  \
         client_body_temp_path {here}/body;\n  proxy_temp_path {here}/proxy;\n  fastcgi_temp_path {here}/fastcgi;\n  \
         uwsgi_temp_path {here}/uwsgi;\n  scgi_temp_path {here}/scgi;\n  \
         client_body_buffer_size 128k;\n  proxy_buffers 16 8k;\n  \
         upstream node {{ server {node}; keepalive 256; keepalive_requests 1000000000; }}\n  \
         server {{\n    listen {address} reuseport;\n    proxy_http_version 1.1;\n    \
         proxy_set_header Connection '';\n    location / {{ proxy_pass http://node/hustdb/; }}\n  }}\n}}\n"
    );
    fs::write(dir.join("nginx.conf"), config)?;
    let mut command = Command::new(program);
    command.arg("-p").arg(dir).arg("-c").arg(dir.join("nginx.conf")).arg("-e").arg(dir.join("error.log"));
    Server::at(command, address, accepts)
}
