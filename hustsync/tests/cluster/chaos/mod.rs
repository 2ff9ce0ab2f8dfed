//! Faults composed at random under a random load. What the programs acknowledged is compared with what they have.
//!
//! `HUST_CHAOS_SEED` runs one seed, `HUST_CHAOS_MINUTES` goes on from it (or 1) for so long. A seed fixes the plan and
//! what each client asks for; how both meet is up to the machine, so a seed that failed may have to run several times.

mod client;
mod faults;
mod in_turn;
mod link;
mod oracle;
mod plan;
mod record;
mod verify;

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

use hust_testkit::{Cluster, Shape, wait_until};

use crate::support::{HEALING, LONG, are_equal, ask, drain, now_ms, scrub, start};
use client::{Client, Shared, Tally};
use plan::{Harm, Mode, Plan, Step};

/// Seeds of the gate: one of each mode, with two and with three nodes.
const SEEDS: [u64; 2] = [1, 2];

/// Tells clients to stop, also when something has failed.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

struct Run {
    plan: Plan,
    cluster: Cluster,
    clients: Vec<Client>,
    shared: Shared,
}

impl Run {
    fn new(plan: Plan) -> Run {
        println!("{plan:#?}");
        println!("again: HUST_CHAOS_SEED={} cargo test -p hustsync --test cluster chaos", plan.seed);
        let cluster = start(&Shape { nodes: plan.nodes, proxies: plan.proxies, ..Shape::default() });
        let proxies: Vec<_> = cluster.proxies.iter().map(|proxy| proxy.address()).collect();
        for at in 0..proxies.len() {
            assert_eq!(
                ask(&cluster.proxies[at], "GET", &format!("/put?key=swapped{at}&val=0"), b"").status,
                200
            );
        }
        let strict = plan.mode == Mode::Single;
        let clients =
            (0..plan.clients).map(|number| Client::new(plan.seed, number, proxies.clone(), strict)).collect();
        Run { plan, cluster, clients, shared: Shared::default() }
    }

    fn round(&mut self, steps: &[Step]) {
        let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
        let Run { plan, cluster, clients, .. } = self;
        thread::scope(|scope| {
            let _stop = Stop(&stop);
            for client in clients.iter_mut() {
                let (stop, done) = (&stop, &done);
                scope.spawn(move || {
                    // A client that has failed ends the round.
                    let _stop = Stop(stop);
                    client.work(stop, done);
                });
            }
            let more = |count: usize| {
                let goal = done.load(SeqCst) + count;
                let reached = wait_until(2 * LONG, || done.load(SeqCst) >= goal || stop.load(SeqCst));
                assert!(reached, "the clients stand still");
            };
            for step in steps {
                more(step.before);
                println!("{:?}", step.harm);
                faults::begin(cluster, step.harm);
                more(step.during);
                faults::end(cluster, step.harm);
                if step.sync_dies {
                    faults::begin(cluster, Harm::KillSync);
                    faults::end(cluster, Harm::KillSync);
                }
                if plan.mode == Mode::Single {
                    drain(cluster);
                }
            }
            more(20);
        });
    }

    /// Waits until the masters are equal; what nobody noticed takes a scrub.
    fn heal(&self, steps: &[Step], doubtful: u64) {
        let late_until_ms = self.clients.iter().map(|client| client.late_until_ms).max().unwrap_or(0);
        assert!(wait_until(3 * LONG, || now_ms() > late_until_ms));
        drain(&self.cluster);
        let unnoticed = |step: &Step| matches!(step.harm, Harm::KillProxy(_) | Harm::KillAll);
        if doubtful > 0 || self.plan.mode == Mode::Overlapping || steps.iter().any(unnoticed) {
            scrub(&self.cluster);
        }
        assert!(wait_until(HEALING, || are_equal(&self.cluster)), "the masters stay different");
        drain(&self.cluster);
    }

    fn run(mut self) -> Tally {
        let mut doubted = 0;
        for steps in self.plan.rounds.clone() {
            self.round(&steps);
            for client in &mut self.clients {
                self.shared.join(&mut client.shared);
            }
            let doubtful = self.clients.iter().map(|client| client.tally.doubtful).sum();
            self.heal(&steps, doubtful - doubted);
            doubted = doubtful;
            verify::all(&self.cluster, self.plan.mode, &mut self.clients, &mut self.shared);
        }
        let mut tally = Tally::default();
        self.clients.iter().for_each(|client| tally.join(client.tally));
        tally
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long the test has run")]
fn random_faults_under_random_load() {
    let (seed, minutes) = (number("HUST_CHAOS_SEED"), number("HUST_CHAOS_MINUTES"));
    let seeds: Box<dyn Iterator<Item = u64>> = match (seed, minutes) {
        (None, None) => Box::new(SEEDS.into_iter()),
        (Some(seed), None) => Box::new(std::iter::once(seed)),
        (first, Some(_)) => Box::new(first.unwrap_or(1)..),
    };
    let limit = minutes.map(|minutes| Duration::from_secs(minutes * 60));
    let begun = Instant::now();
    let (mut tally, mut runs, mut rounds, mut faults) = (Tally::default(), 0, 0, 0);
    for seed in seeds {
        if limit.is_some_and(|limit| begun.elapsed() > limit) {
            break;
        }
        let plan = Plan::of(seed);
        (runs, rounds) = (runs + 1, rounds + plan.rounds.len());
        faults += plan.rounds.iter().map(Vec::len).sum::<usize>();
        tally.join(Run::new(plan).run());
        println!("{runs} seeds, {rounds} rounds, {faults} faults in {:?}: {tally:?}", begun.elapsed());
    }
}
