//! Listeners: one a worker, all on the same port (SO_REUSEPORT).
//!
//! That alone would let a second process share the port unnoticed. A program that must not, probes first with a socket
//! that shares nothing; one that may is replaced without a gap: the new process binds, the old one drains.

use std::{
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    os::fd::AsFd,
};

use socket2::{Domain, Protocol, SockAddr, SockFilter, SockRef, Socket, Type};

use super::{Program, StartError};
use crate::config::{Invalid, ServerConfig};

const BACKLOG: i32 = 4096;

/// Binds a listener for each worker; with port 0 all get the port the first got.
pub fn bind(program: Program, config: &ServerConfig) -> Result<(SocketAddr, Vec<TcpListener>), StartError> {
    let wanted = resolve(&config.listen)?;
    let failed = || format!("server.listen: {wanted}");
    if !program.shares_port {
        probe(wanted).map_err(StartError::io(failed()))?;
    }
    let first = listener(wanted).map_err(StartError::io(failed()))?;
    let address = first.local_addr().map_err(StartError::io(failed()))?;
    let mut listeners = vec![first];
    for _ in 1..config.worker_count() {
        listeners.push(listener(address).map_err(StartError::io(failed()))?);
    }
    Ok((address, listeners))
}

/// The address a configuration names.
pub fn resolve(listen: &str) -> Result<SocketAddr, Invalid> {
    let invalid = || Invalid::new(format!("server.listen: {listen:?} is no address:port"));
    listen.to_socket_addrs().ok().and_then(|mut all| all.next()).ok_or_else(invalid)
}

/// Fails where somebody listens on `address`.
fn probe(address: SocketAddr) -> std::io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&SockAddr::from(address))
}

/// A filter that lets through all but what opens a connection: SYN without ACK, of the flags in a TCP header's byte 13.
const NO_MORE: [SockFilter; 5] = [
    SockFilter::new(0x30, 0, 0, 13),
    SockFilter::new(0x54, 0, 0, 0x12),
    SockFilter::new(0x15, 1, 0, 0x02),
    SockFilter::new(0x06, 0, 0, u32::MAX),
    SockFilter::new(0x06, 0, 0, 0),
];

/// Has the kernel take no new connection for this listener, which would reset those it has taken when it closes. Who
/// connects meanwhile is not refused, but tries again after a second, and then finds another listener of the port.
pub fn take_no_more(listener: &impl AsFd) -> std::io::Result<()> {
    SockRef::from(listener).attach_filter(&NO_MORE)
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
