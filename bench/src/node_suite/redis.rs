//! Redis: started with the durability asked for, filled through its protocol, loaded by redis-benchmark.

use std::{
    fs,
    io::{self, BufRead, BufReader, BufWriter, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
};

use crate::{
    load::Throughput,
    process::{Server, free_address},
    store::Failure,
    workload::{Values, text_key},
};

/// Requests of the run that finds out how many a second there will be.
const TRIAL: u64 = 5_000;

/// SETs sent before their answers are read.
const WINDOW: u64 = 512;

/// What redis-benchmark does.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// SET instead of GET.
    pub writes: bool,
    /// Keys are random among this many.
    pub rows: u64,
    /// Length of a value.
    pub value_bytes: usize,
}

/// Starts Redis on `dir`; `fsync` is the policy of its append-only file, `None` runs without one. Snapshots and
/// rewrites of the file are off.
pub fn start(program: &Path, dir: &Path, fsync: Option<&str>) -> Result<Server, Failure> {
    fs::create_dir_all(dir)?;
    let address = free_address()?;
    let mut command = Command::new(program);
    command
        .args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--save", "", "--dir"])
        .arg(dir);
    command.args(["--appendonly", if fsync.is_some() { "yes" } else { "no" }]);
    command.args(["--appendfsync", fsync.unwrap_or("no"), "--auto-aof-rewrite-percentage", "0"]);
    Server::at(command, address, serves)
}

/// Whether it answers PONG; while it loads its file it does not.
fn serves(address: SocketAddr) -> bool {
    let ping = || -> io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"PING\r\n")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    };
    ping().is_ok_and(|line| line == "+PONG\r\n")
}

/// SETs records `0..rows`, pipelined.
pub fn fill(address: SocketAddr, rows: u64, value_bytes: usize, seed: u64) -> Result<(), Failure> {
    let stream = TcpStream::connect(address)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut requests = BufWriter::with_capacity(1 << 20, stream);
    let mut values = Values::new(seed);
    let mut unanswered = 0;
    for row in 0..rows {
        let key = text_key(row);
        write!(requests, "*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${value_bytes}\r\n", key.len())?;
        requests.write_all(values.next(row, value_bytes))?;
        requests.write_all(b"\r\n")?;
        unanswered += 1;
        if unanswered == WINDOW || row + 1 == rows {
            requests.flush()?;
            for _ in 0..unanswered {
                let mut line = String::new();
                answers.read_line(&mut line)?;
                if line != "+OK\r\n" {
                    return Err(format!("redis: SET of record {row}: {line:?}").into());
                }
            }
            unanswered = 0;
        }
    }
    Ok(())
}

/// Runs redis-benchmark without pipelining for about `seconds`.
pub fn benchmark(
    server: &Server,
    load: Load,
    connections: usize,
    seconds: f64,
) -> Result<Throughput, Failure> {
    let trial = run(server.address, load, connections, TRIAL)?;
    let requests = ((trial.rate * seconds) as u64).max(TRIAL);
    let before_us = server.cpu_us()?;
    let seen = run(server.address, load, connections, requests)?;
    Ok(Throughput { cpu_us: (server.cpu_us()? - before_us) as f64 / requests as f64, ..seen })
}

fn run(address: SocketAddr, load: Load, connections: usize, requests: u64) -> Result<Throughput, Failure> {
    let output = Command::new("redis-benchmark")
        .args(["--csv", "-P", "1", "-h", "127.0.0.1", "-p", &address.port().to_string()])
        .args(["-c", &connections.to_string(), "-n", &requests.to_string()])
        .args(["-r", &load.rows.to_string(), "-d", &load.value_bytes.to_string()])
        .args(["-t", if load.writes { "set" } else { "get" }])
        .output()
        .map_err(|error| format!("redis-benchmark: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text).ok_or_else(|| format!("redis-benchmark: {text}").into())
}

/// The line of figures: name, requests a second, then latencies in ms: mean, least, p50, p95, p99, greatest.
fn parse(csv: &str) -> Option<Throughput> {
    let line = csv.lines().rfind(|line| line.starts_with('"') && !line.starts_with("\"test\""))?;
    let cell = |n: usize| line.split(',').nth(n)?.trim_matches('"').parse::<f64>().ok();
    Some(Throughput { rate: cell(1)?, p50_us: cell(4)? * 1e3, p99_us: cell(6)? * 1e3, cpu_us: 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_below_the_head() {
        let csv = "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\"p95_latency_ms\",\
                   \"p99_latency_ms\",\"max_latency_ms\"\n\
                   \"GET\",\"80000.00\",\"0.6\",\"0.1\",\"0.5\",\"0.9\",\"1.25\",\"3.0\"\n";
        let seen = parse(csv).unwrap();
        assert_eq!((seen.rate, seen.p50_us, seen.p99_us), (80000.0, 500.0, 1250.0));
        assert!(parse("Could not connect\n").is_none());
    }
}
