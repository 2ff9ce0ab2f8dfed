//! Addresses for programs under test: each given once, and found again after a restart.
//!
//! Whether one is free is asked with a socket that is bound and never listens. A test that starts a program meanwhile
//! lends it a copy of every descriptor until it executes; the copy of a listener would keep the port from whoever it
//! was looked up for, that of a socket that only allows reuse does not.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt::set_socket_reuseaddr};

/// Where [`free_address`] looks: ports that systems do not give to whoever asks for none, so that no connection takes
/// one between the look and the use.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// An address nobody listens on, another each time; a program that listens there finds it again after a restart.
pub fn free_address() -> io::Result<SocketAddr> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let width = PORTS.len() as u32;
    // Another process that tests begins elsewhere.
    let begin = std::process::id().wrapping_mul(977);
    for _ in PORTS {
        let step = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % width;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, PORTS.start + step as u16));
        if is_free(address)? {
            return Ok(address);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no port of those for tests is free"))
}

fn is_free(address: SocketAddr) -> io::Result<bool> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_reuseaddr(&socket, true)?;
    Ok(bind(&socket, &address).is_ok())
}

#[cfg(test)]
mod tests {
    use std::{
        net::TcpListener,
        process::Command,
        sync::atomic::{AtomicBool, Ordering::SeqCst},
        thread,
    };

    use super::*;

    #[test]
    fn free_until_taken() {
        let address = free_address().unwrap();
        assert!(is_free(address).unwrap());
        let listener = TcpListener::bind(address).unwrap();
        assert!(!is_free(address).unwrap());
        drop(listener);
        assert!(is_free(address).unwrap());
    }

    #[test]
    fn free_while_programs_start() {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(SeqCst) {
                        // Whether the program succeeds does not matter.
                        let _ = Command::new("true").status();
                    }
                });
            }
            let taken = (0..5000).filter(|_| TcpListener::bind(free_address().unwrap()).is_err()).count();
            done.store(true, SeqCst);
            assert_eq!(taken, 0);
        });
    }
}
