//! nginx serving one static file at the path of our GET.

use std::{fs, path::Path, process::Command};

use crate::{
    process::{Server, accepts, free_address},
    store::Failure,
    workload::Values,
};

/// Starts nginx with two workers in `dir`, answering GETs with a file of `value_bytes`.
pub fn start(program: &Path, dir: &Path, value_bytes: usize) -> Result<Server, Failure> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join("value"), Values::new(1).next(0, value_bytes))?;
    let address = free_address()?;
    let here = dir.display();
    let config = format!(
        "daemon off;\nuser root;\nworker_processes 2;\npid {here}/pid;\nerror_log {here}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  open_file_cache max=16;\n  \
         keepalive_requests 1000000000;\n  \
         client_body_temp_path {here}/body;\n  proxy_temp_path {here}/proxy;\n  fastcgi_temp_path {here}/fastcgi;\n  \
         uwsgi_temp_path {here}/uwsgi;\n  scgi_temp_path {here}/scgi;\n  \
         server {{\n    listen {address} reuseport;\n    location = /hustdb/get {{ alias {here}/value; }}\n  }}\n}}\n"
    );
    fs::write(dir.join("nginx.conf"), config)?;
    let mut command = Command::new(program);
    command.arg("-p").arg(dir).arg("-c").arg(dir.join("nginx.conf")).arg("-e").arg(dir.join("error.log"));
    Server::at(command, address, accepts)
}
