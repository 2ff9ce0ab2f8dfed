//! A TCP relay that does to connections what networks do: a node gets one address that stays, and faults on demand.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use rustix::net::{listen, shutdown};

use crate::{address::free_address, wait::wait_until};

/// A listener that refuses is looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What the relay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Passes everything on.
    None,
    /// Passes what clients send on after a while.
    Delay(Duration),
    /// Closes connections at once, new ones after they were taken.
    Cut,
    /// Closes connections and refuses new ones, as a machine without the process does.
    Refuse,
    /// Takes connections and what clients send, and passes nothing on, either way.
    Swallow,
    /// Passes what clients send on, and nothing back.
    Mute,
    /// Passes so many bytes of what the node says on each connection, then closes it.
    Truncate(usize),
}

/// A relay; closes all connections when dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    listener: TcpListener,
    target: Mutex<SocketAddr>,
    fault: Mutex<Fault>,
    open: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relay {
    /// A relay to `target`.
    pub fn start(target: SocketAddr) -> io::Result<Relay> {
        // A port that was asked for by its number is kept while the listener is shut down.
        let address = free_address()?;
        let listener = TcpListener::bind(address)?;
        let shared = Arc::new(Shared {
            listener,
            target: Mutex::new(target),
            fault: Mutex::new(Fault::None),
            open: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        thread::Builder::new().name("relay".into()).spawn(move || accept(&accepting))?;
        Ok(Relay { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads new connections somewhere else.
    pub fn lead_to(&self, target: SocketAddr) {
        *lock(&self.shared.target) = target;
    }

    /// Does this from now on, also to connections there are; [`Fault::Cut`] closes them.
    pub fn set(&self, fault: Fault) {
        let before = std::mem::replace(&mut *lock(&self.shared.fault), fault);
        // A listener that is shut down keeps its port, and may listen again.
        match (before == Fault::Refuse, fault == Fault::Refuse) {
            (false, true) => drop(shutdown(&self.shared.listener, rustix::net::Shutdown::Both)),
            (true, false) => drop(listen(&self.shared.listener, 128)),
            _ => {}
        }
        if matches!(fault, Fault::Cut | Fault::Refuse) {
            self.cut();
        }
    }

    /// Closes all connections there are.
    pub fn cut(&self) {
        for stream in lock(&self.shared.open).drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.ended.store(true, SeqCst);
        self.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(shared: &Arc<Shared>) {
    while !shared.ended.load(SeqCst) {
        match shared.listener.accept() {
            // One connection that fails is no matter of the others.
            Ok((client, _)) if !shared.ended.load(SeqCst) => drop(join(client, shared)),
            Ok(_) => return,
            Err(_) => {
                let goes_on = || *lock(&shared.fault) != Fault::Refuse || shared.ended.load(SeqCst);
                wait_until(LOOK_AGAIN, goes_on);
            }
        }
    }
}

/// Connects a client with the node.
fn join(client: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    if matches!(*lock(&shared.fault), Fault::Cut | Fault::Refuse) {
        return Ok(());
    }
    let target = *lock(&shared.target);
    let node = TcpStream::connect(target)?;
    for stream in [&client, &node] {
        stream.set_nodelay(true)?;
        lock(&shared.open).push(stream.try_clone()?);
    }
    let (client_2, node_2) = (client.try_clone()?, node.try_clone()?);
    let there = shared.clone();
    thread::Builder::new().name("relay-there".into()).spawn(move || carry(client, node, &there, true))?;
    let back = shared.clone();
    thread::Builder::new().name("relay-back".into()).spawn(move || carry(node_2, client_2, &back, false))?;
    Ok(())
}

/// Carries bytes one way until an end, or a fault.
fn carry(mut from: TcpStream, mut to: TcpStream, shared: &Shared, there: bool) {
    let mut buffer = vec![0; 64 << 10];
    let mut passed = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let fault = *lock(&shared.fault);
        let mut pass = read;
        match fault {
            Fault::None => {}
            Fault::Delay(time) if there => {
                wait_until(time, || shared.ended.load(SeqCst));
            }
            Fault::Delay(_) => {}
            Fault::Cut | Fault::Refuse => break,
            Fault::Swallow => pass = 0,
            Fault::Mute if !there => pass = 0,
            Fault::Mute => {}
            Fault::Truncate(limit) if !there => pass = read.min(limit.saturating_sub(passed)),
            Fault::Truncate(_) => {}
        }
        let Some(bytes) = buffer.get(..pass) else { break };
        if to.write_all(bytes).is_err() {
            break;
        }
        passed += pass;
        if matches!(fault, Fault::Truncate(_)) && pass < read {
            break;
        }
    }
    for stream in [&from, &to] {
        // It may have ended by itself.
        let _ = stream.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_and_listens_again() {
        let target = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay::start(target.local_addr().unwrap()).unwrap();
        for _ in 0..3 {
            let mut client = TcpStream::connect(relay.address()).unwrap();
            let (mut node, _) = target.accept().unwrap();
            client.write_all(b"x").unwrap();
            assert_eq!(node.read(&mut [0; 9]).unwrap(), 1);
            relay.set(Fault::Refuse);
            relay.set(Fault::Refuse);
            assert_eq!(node.read(&mut [0; 9]).unwrap(), 0, "it was closed");
            let refused = TcpStream::connect(relay.address()).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            relay.set(Fault::None);
        }
    }
}
