//! Listeners: one a worker, all on the same port.
//!
//! The port is taken exclusively first, by a probe without SO_REUSEPORT, only to learn whether a stranger holds it;
//! a process of the same user that drains may hold it too, which is how a program is replaced without a gap.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::StartError;
use crate::config::{Invalid, ServerConfig};

const BACKLOG: i32 = 4096;

/// Binds a listener for each worker; with port 0 all get the port the first got.
pub fn bind(config: &ServerConfig) -> Result<(SocketAddr, Vec<TcpListener>), StartError> {
    let wanted = resolve(&config.listen)?;
    let failed = || format!("server.listen: {wanted}");
    let first = listener(wanted).map_err(StartError::io(failed()))?;
    let address = first.local_addr().map_err(StartError::io(failed()))?;
    let mut listeners = vec![first];
    for _ in 1..config.worker_count() {
        listeners.push(listener(address).map_err(StartError::io(failed()))?);
    }
    Ok((address, listeners))
}

fn resolve(listen: &str) -> Result<SocketAddr, Invalid> {
    let invalid = || Invalid::new(format!("server.listen: {listen:?} is no address:port"));
    listen.to_socket_addrs().ok().and_then(|mut all| all.next()).ok_or_else(invalid)
}

fn listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
