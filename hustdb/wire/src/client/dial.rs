//! Makes a connection: resolves the name, tries its addresses in order, encrypts if that is wanted.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout_at},
};

use super::{Failure, Trust, socket::Socket};
use crate::host::{Host, Place};

/// At most so many addresses of one name are tried.
const ADDRESSES_MAX: usize = 8;

/// A connected socket, by `until` or not at all, encrypted as `trust` says. Each address gets an equal part of the time that is left, so that one
/// that swallows packets does not hide the next.
pub async fn dial(host: &Host, trust: &Trust, until: Instant) -> Result<Socket, Failure> {
    let addresses = match host.place() {
        Place::Address(address) => vec![SocketAddr::new(*address, host.port())],
        Place::Name(name) => resolve(name, host.port(), until).await?,
    };
    let mut failure = Failure::unreachable("resolve: no address");
    for (tried, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let share = until.saturating_duration_since(now) / (addresses.len() - tried) as u32;
        match connect(*address, now + share).await {
            Ok(socket) => return secure(host, trust, socket, until).await,
            Err(error) => failure = Failure::unreachable(format!("connect {address}: {error}")),
        }
    }
    Err(failure)
}

async fn secure(host: &Host, trust: &Trust, socket: TcpStream, until: Instant) -> Result<Socket, Failure> {
    let secured = timeout_at(until, trust.secure(host, socket)).await;
    secured
        .unwrap_or_else(|_| Err("timed out".into()))
        .map_err(|cause| Failure::unreachable(format!("tls {host}: {cause}")))
}

async fn resolve(name: &str, port: u16, until: Instant) -> Result<Vec<SocketAddr>, Failure> {
    match timeout_at(until, lookup_host((name, port))).await {
        Ok(Ok(addresses)) => Ok(addresses.take(ADDRESSES_MAX).map(canonical).collect()),
        Ok(Err(error)) => Err(Failure::unreachable(format!("resolve {name}: {error}"))),
        Err(_) => Err(Failure::unreachable(format!("resolve {name}: timed out"))),
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = address.ip().to_canonical();
    if ip == address.ip() { address } else { SocketAddr::new(ip, address.port()) }
}

async fn connect(address: SocketAddr, until: Instant) -> io::Result<TcpStream> {
    let socket = timeout_at(until, TcpStream::connect(address))
        .await
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "timed out")))?;
    socket.set_nodelay(true)?;
    Ok(socket)
}
