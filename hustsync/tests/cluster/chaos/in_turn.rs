//! Every kind of fault that strikes a master, one after another, at either master, while two proxies write.

use super::{
    Run,
    plan::{Harm, Mode, Plan, Step},
};

fn each_fault_at(node: usize) {
    let harms = [
        Harm::Kill(node),
        Harm::Terminate(node),
        Harm::Refuse(node),
        Harm::Cut(node),
        Harm::Blink(node),
        Harm::Truncate(node, 700),
        Harm::Delay(node, 60),
        Harm::Stop(node),
        Harm::Mute(node),
        Harm::Swallow(node),
        Harm::Delay(node, 2300),
    ];
    let step = |harm| Step { before: 30, harm, during: 60, sync_dies: false };
    let rounds = vec![harms.map(step).to_vec()];
    let seed = 0x7ea1 + node as u64;
    Run::new(Plan { seed, mode: Mode::Single, nodes: 2, proxies: 2, clients: 6, rounds }).run();
}

#[test]
fn each_fault_at_master_1() {
    each_fault_at(0);
}

#[test]
fn each_fault_at_master_2() {
    each_fault_at(1);
}
