//! Does what a plan says to a cluster, and undoes it.

use std::time::Duration;

use hust_testkit::{Cluster, Fault, Signal};

use super::plan::Harm;

/// Begins a fault.
pub fn begin(cluster: &mut Cluster, harm: Harm) {
    match harm {
        Harm::Kill(node) => cluster.kill(node).unwrap(),
        Harm::Terminate(node) => {
            assert!(cluster.nodes[node].stop().unwrap().success());
            cluster.relays[node].set(Fault::Refuse);
        }
        Harm::Stop(node) => cluster.nodes[node].signal(Signal::STOP).unwrap(),
        Harm::Refuse(node) => cluster.relays[node].set(Fault::Refuse),
        Harm::Delay(node, ms) => cluster.relays[node].set(Fault::Delay(Duration::from_millis(ms))),
        Harm::Cut(node) => cluster.relays[node].set(Fault::Cut),
        Harm::Blink(node) => cluster.relays[node].cut(),
        Harm::Swallow(node) => cluster.relays[node].set(Fault::Swallow),
        Harm::Mute(node) => cluster.relays[node].set(Fault::Mute),
        Harm::Truncate(node, bytes) => cluster.relays[node].set(Fault::Truncate(bytes)),
        Harm::KillProxy(proxy) => cluster.proxies[proxy].kill().unwrap(),
        Harm::StopProxy(proxy) => cluster.proxies[proxy].signal(Signal::STOP).unwrap(),
        Harm::KillSync => cluster.sync.kill().unwrap(),
        Harm::KillAll => {
            for node in 0..cluster.nodes.len() {
                cluster.kill(node).unwrap();
            }
            for proxy in &mut cluster.proxies {
                proxy.kill().unwrap();
            }
            cluster.sync.kill().unwrap();
        }
    }
}

/// Ends a fault.
pub fn end(cluster: &mut Cluster, harm: Harm) {
    match harm {
        Harm::Kill(node) | Harm::Terminate(node) => cluster.revive(node).unwrap(),
        Harm::Stop(node) => cluster.nodes[node].signal(Signal::CONT).unwrap(),
        // What is late still arrives.
        Harm::Refuse(node) | Harm::Delay(node, _) | Harm::Cut(node) => cluster.relays[node].set(Fault::None),
        Harm::Blink(node) => cluster.relays[node].cut(),
        Harm::Swallow(node) | Harm::Mute(node) | Harm::Truncate(node, _) => {
            // No network passes a part of what was said on a connection and, later, more of it.
            cluster.relays[node].set(Fault::Cut);
            cluster.relays[node].set(Fault::None);
        }
        Harm::KillProxy(proxy) => cluster.proxies[proxy].restart().unwrap(),
        Harm::StopProxy(proxy) => cluster.proxies[proxy].signal(Signal::CONT).unwrap(),
        Harm::KillSync => cluster.sync.restart().unwrap(),
        Harm::KillAll => {
            for node in 0..cluster.nodes.len() {
                cluster.revive(node).unwrap();
            }
            for proxy in &mut cluster.proxies {
                proxy.restart().unwrap();
            }
            cluster.sync.restart().unwrap();
        }
    }
}
