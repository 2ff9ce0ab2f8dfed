//! What a seed stands for: a cluster, clients, and faults in their order. Pure: the same seed, the same plan.

use hust_testkit::Random;

/// How faults follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The next begins when everything is made good. All promises hold.
    Single,
    /// They overlap. What is acknowledged is not lost; reads may be old.
    Overlapping,
}

/// Something bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// A node is killed.
    Kill(usize),
    /// A node is ended by SIGTERM.
    Terminate(usize),
    /// A node stands still.
    Stop(usize),
    /// A node lives, and its host refuses connections.
    Refuse(usize),
    /// What is sent to a node takes so many ms.
    Delay(usize, u64),
    /// Connections to a node are closed as soon as they are made.
    Cut(usize),
    /// Connections to a node are lost now and then.
    Blink(usize),
    /// What is sent to a node does not arrive.
    Swallow(usize),
    /// A node is heard no more.
    Mute(usize),
    /// A node is heard for so many bytes of each connection.
    Truncate(usize, usize),
    /// A proxy is killed: between the two writes of a pair, if it is doing any.
    KillProxy(usize),
    /// A proxy stands still.
    StopProxy(usize),
    /// The repairer is killed.
    KillSync,
    /// Everything is killed.
    KillAll,
}

/// A fault and the load around it, in answered requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Requests before it.
    pub before: usize,
    pub harm: Harm,
    /// Requests while it lasts.
    pub during: usize,
    /// Whether the repairer is killed too, while what was missed is made good.
    pub sync_dies: bool,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    pub mode: Mode,
    pub nodes: u16,
    pub proxies: usize,
    pub clients: u64,
    /// After each everything is compared.
    pub rounds: Vec<Vec<Step>>,
}

impl Plan {
    pub fn of(seed: u64) -> Plan {
        let mut random = Random(seed);
        let mode = if random.chance(75) { Mode::Single } else { Mode::Overlapping };
        let nodes = if random.chance(70) { 2 } else { 3 };
        let proxies = 1 + random.place(2);
        let clients = 3 + random.below(4);
        let rounds = (0..2)
            .map(|_| {
                let steps = 1 + random.place(3);
                (0..steps).map(|_| step(&mut random, mode, usize::from(nodes), proxies)).collect()
            })
            .collect();
        Plan { seed, mode, nodes, proxies, clients, rounds }
    }
}

fn step(random: &mut Random, mode: Mode, nodes: usize, proxies: usize) -> Step {
    let harm = harm(random, mode, nodes, proxies);
    // Where each request is slow there are fewer.
    let during = if matches!(harm, Harm::Delay(..)) { 10 + random.place(40) } else { 30 + random.place(400) };
    Step { before: random.place(150), harm, during, sync_dies: random.chance(25) }
}

fn harm(random: &mut Random, mode: Mode, nodes: usize, proxies: usize) -> Harm {
    let node = random.place(nodes);
    match random.below(16) {
        0 | 1 => Harm::Kill(node),
        2 => Harm::Terminate(node),
        3 => Harm::Stop(node),
        4 => Harm::Refuse(node),
        // Some longer than a proxy waits: what it gave up arrives late.
        5 => Harm::Delay(node, 5 + random.below(300)),
        6 => Harm::Delay(node, 2100 + random.below(400)),
        7 => Harm::Cut(node),
        8 => Harm::Blink(node),
        9 => Harm::Swallow(node),
        10 => Harm::Mute(node),
        11 => Harm::Truncate(node, random.place(4000)),
        12 => Harm::KillProxy(random.place(proxies)),
        13 if proxies > 1 => Harm::StopProxy(random.place(proxies)),
        14 => Harm::KillSync,
        15 if mode == Mode::Overlapping => Harm::KillAll,
        _ => Harm::KillProxy(random.place(proxies)),
    }
}

#[test]
fn seeds_are_plans() {
    let plans: Vec<Plan> = (0..200).map(Plan::of).collect();
    assert!(plans.iter().all(|plan| *plan == Plan::of(plan.seed)));
    let steps: Vec<(Mode, Step)> =
        plans.iter().flat_map(|plan| plan.rounds.iter().flatten().map(|step| (plan.mode, *step))).collect();
    let kinds: std::collections::HashSet<_> =
        steps.iter().map(|(_, step)| std::mem::discriminant(&step.harm)).collect();
    assert_eq!(kinds.len(), 14, "each kind of fault is met");
    assert!(!steps.iter().any(|(mode, step)| *mode == Mode::Single && step.harm == Harm::KillAll));
}
