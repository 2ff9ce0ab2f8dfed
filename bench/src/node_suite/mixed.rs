//! Reads and writes mixed, uniform and by Zipf, on few and on many records: ours and Redis with an append-only file
//! that nobody syncs. Then ours with less memory than data, where a control group can see to that.

use std::{collections::HashMap, path::Path, rc::Rc, sync::Arc, time::Duration};

use super::{peer, redis, rest::rest, start_ours};
use crate::{
    args::{Context, Node},
    load::{Asker, Client, Messages, Mix, Records, Resp, closed_mix, fill_in_batches, open_mix},
    process::Server,
    report::{Goal, Line, OURS, Report},
    store::Failure,
    workload::Choice,
};

mod group;

use group::Group;

const REDIS: &str = "redis";

/// Writes in a hundred requests.
const WRITES: [u64; 2] = [5, 50];

/// Slowest of a hundred over the median, open loop.
const TAIL_GOAL: f64 = 3.0;
/// CPU a request with many records over that with the fewest.
const FLAT_GOAL: f64 = 1.25;

/// Longest wait for rest after the records are stored.
const REST_LIMIT: Duration = Duration::from_secs(60);

/// What the command line says.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Numbers of records, the fewest first
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000, 10_000_000])]
    pub keys: Vec<u64>,
    /// Length of a value, at least 9; with enough of it the data pass the memory of the machine
    #[arg(long, default_value_t = 256)]
    pub value_bytes: usize,
    /// Requests a second of the open loop
    #[arg(long, default_value_t = 4000.0)]
    pub rate: f64,
    /// Memory in MiB of the part with more data than memory; 0 leaves it out
    #[arg(long, default_value_t = 1024)]
    pub memory_mib: u64,
}

/// A store that has its records.
struct Contender {
    name: &'static str,
    server: Rc<Server>,
}

/// CPU a request by contender and mix, with the fewest records.
type Fewest = HashMap<(&'static str, String), Vec<f64>>;

/// Measures all mixes on all numbers of records.
pub fn run(context: &Context, node: &Node, options: &Options) -> Result<Report, Failure> {
    let mut report = Report::new("node-mixed", None);
    let values = Arc::new(Messages::new(context.seed, options.value_bytes));
    let mut suite = Suite { context, node, options, report: &mut report, values, fewest: Fewest::new() };
    suite.report.note("kvrocks is not in Debian, left out");
    let less = if context.common.quick { 10 } else { 1 };
    let keys: Vec<u64> = options.keys.iter().map(|keys| (keys / less).max(1)).collect();
    for count in &keys {
        let contenders = suite.start(*count)?;
        for (name, mix) in suite.mixes(*count) {
            for _ in 0..context.common.rounds {
                for contender in &contenders {
                    suite.measure(contender, &mix, &name, *count)?;
                }
            }
        }
        drop(contenders);
        if Some(count) == keys.last() && options.memory_mib > 0 {
            suite.beyond_memory(*count)?;
        }
        for folder in [folder(*count), format!("redis-{count}")] {
            let dir = context.dir.path().join(folder);
            if dir.exists() {
                std::fs::remove_dir_all(dir)?;
            }
        }
    }
    Ok(report)
}

fn folder(keys: u64) -> String {
    format!("hust-{keys}")
}

/// What all parts need.
struct Suite<'a> {
    context: &'a Context,
    node: &'a Node,
    options: &'a Options,
    report: &'a mut Report,
    values: Arc<Messages>,
    fewest: Fewest,
}

impl Suite<'_> {
    /// Starts the contenders and stores their records.
    fn start(&mut self, keys: u64) -> Result<Vec<Contender>, Failure> {
        let (context, value_bytes) = (self.context, self.options.value_bytes);
        let mut contenders = Vec::new();
        if let Some(server) = start_ours(context, self.node, self.report, &folder(keys), "os")? {
            fill_in_batches(server.address, keys, value_bytes, 4, context.seed)?;
            contenders.push(Contender { name: OURS, server: server.into() });
        }
        if let Some(program) = peer(self.report, "redis-server") {
            let dir = context.dir.path().join(format!("redis-{keys}"));
            let server = redis::start(&program, &dir, Some("no"))?;
            redis::fill(server.address, keys, value_bytes, context.seed)?;
            contenders.push(Contender { name: REDIS, server: server.into() });
        }
        rest(self.report, &format!("{keys} keys"), context.dir.path(), REST_LIMIT);
        Ok(contenders)
    }

    /// All mixes, with their names.
    fn mixes(&self, keys: u64) -> Vec<(String, Mix)> {
        let choices = [("uniform", Choice::Uniform(keys)), ("Zipf", Choice::zipf(keys))];
        let mix = |(writes, (name, choice)): (u64, (&str, Choice))| {
            (format!("{}/{writes} {name}", 100 - writes), Mix { choice, writes, seed: self.context.seed })
        };
        WRITES
            .into_iter()
            .flat_map(|writes| choices.clone().map(|choice| (writes, choice)))
            .map(mix)
            .collect()
    }

    /// One round of one contender with its data in memory.
    fn measure(&mut self, contender: &Contender, mix: &Mix, name: &str, keys: u64) -> Result<(), Failure> {
        let what = format!("{name}, {keys} keys");
        let cpu_us = self.closed(contender, mix, &what)?;
        let seen = open_mix(self.askers(contender)?, mix, self.options.rate, self.context.common.seconds)?;
        let line = |percentile| Line::less(format!("{what}, open loop {percentile}"), "us");
        self.report.add(&line("p50"), contender.name, seen.p50_us as f64);
        self.report.add(&line("p99"), contender.name, seen.p99_us as f64);
        let tail = Line::less(format!("{what}, open loop p99 over p50"), "x").goal(Goal::Figure(TAIL_GOAL));
        self.report.add(&tail, contender.name, seen.p99_us as f64 / (seen.p50_us as f64).max(1.0));
        let of_fewest = self.fewest.entry((contender.name, name.to_owned())).or_default();
        if of_fewest.len() < self.context.common.rounds {
            of_fewest.push(cpu_us);
            return Ok(());
        }
        let base_us = of_fewest.iter().sum::<f64>() / of_fewest.len() as f64;
        let flat = Line::less(format!("{what}, CPU over that with the fewest keys"), "x");
        self.report.add(&flat.goal(Goal::Figure(FLAT_GOAL)), contender.name, cpu_us / base_us.max(0.001));
        Ok(())
    }

    /// A closed loop; answers the server's CPU a request, microseconds.
    fn closed(&mut self, contender: &Contender, mix: &Mix, what: &str) -> Result<f64, Failure> {
        let askers = self.askers(contender)?;
        let before_us = contender.server.cpu_us()?;
        let (count, seconds) = closed_mix(askers, mix, self.context.common.seconds)
            .map_err(|error| format!("{what}, {}: {error}", contender.name))?;
        let cpu_us = (contender.server.cpu_us()? - before_us) as f64 / (count as f64).max(1.0);
        let rate = Line::more(format!("{what}, throughput"), "req/s");
        self.report.add(&rate, contender.name, count as f64 / seconds);
        self.report.add(&Line::less(format!("{what}, server CPU"), "us/req"), contender.name, cpu_us);
        Ok(cpu_us)
    }

    fn askers(&self, contender: &Contender) -> Result<Vec<Asker>, Failure> {
        let address = contender.server.address;
        let asker = |_| -> Result<Asker, Failure> {
            let records = match contender.name {
                REDIS => Records::Redis(Resp::connect(address)?),
                _ => Records::Http(Client::connect(address)?),
            };
            Ok(Asker::new(records, self.values.clone()))
        };
        (0..self.node.connections).map(asker).collect()
    }

    /// Ours again on the same data in a control group with less memory than data.
    fn beyond_memory(&mut self, keys: u64) -> Result<(), Failure> {
        let memory_mib = self.options.memory_mib;
        let group = match Group::create(Path::new(group::ROOT), memory_mib << 20) {
            Ok(group) => group,
            Err(error) => {
                self.report.note(format!("more data than memory: {error}, left out; --keys or --value-bytes can pass the machine's memory"));
                return Ok(());
            }
        };
        let dir = self.context.dir.path().join(folder(keys));
        group::forget_cache(&dir)?;
        let Some(server) = start_ours(self.context, self.node, self.report, &folder(keys), "os")? else {
            return Ok(());
        };
        group.add(server.id())?;
        let contender = Contender { name: OURS, server: server.into() };
        for (name, mix) in self.mixes(keys) {
            for _ in 0..self.context.common.rounds {
                self.closed(&contender, &mix, &format!("{name}, {keys} keys in {memory_mib} MiB"))?;
            }
        }
        Ok(())
    }
}
