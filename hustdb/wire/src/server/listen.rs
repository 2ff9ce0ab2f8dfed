//! Listeners: one a worker, all on the same port.
//!
//! SO_REUSEPORT lets a process of the same user listen on it too, which is how a program is replaced without a gap.
//! A program that must have its port for itself asks [`assert_free`] first, a probe without SO_REUSEPORT.

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

/// Refuses a port on which anybody listens.
pub fn assert_free(config: &ServerConfig) -> Result<(), StartError> {
    let wanted = resolve(&config.listen)?;
    let probe = || {
        let socket = Socket::new(Domain::for_address(wanted), Type::STREAM, Some(Protocol::TCP))?;
        // Connections of a process that has ended are no obstacle.
        socket.set_reuse_address(true)?;
        socket.bind(&SockAddr::from(wanted))
    };
    probe().map_err(StartError::io(format!("server.listen: {wanted}")))
}

/// The address a configuration names.
pub fn resolve(listen: &str) -> Result<SocketAddr, Invalid> {
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
