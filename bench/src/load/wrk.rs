//! Throughput by `wrk`. A generated script asks for random keys and prints the figures as one line for us.

use std::{fmt::Write as _, fs, net::SocketAddr, path::Path, process::Command};

use crate::{process::Server, store::Failure, workload::Values};

/// What is asked: the same command with random keys.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// Everything before the key; `{random}` stands for a random number below a million.
    pub target: &'static str,
    /// Keys are random among this many.
    pub rows: u64,
    /// Length of the body of a PUT; `None` is a GET.
    pub body_bytes: Option<usize>,
}

impl Script {
    /// GET of a random kv pair.
    pub fn get(rows: u64) -> Script {
        Script { target: "/hustdb/get?key=", rows, body_bytes: None }
    }

    /// PUT of a random kv pair.
    pub fn put(rows: u64, value_bytes: usize) -> Script {
        Script { target: "/hustdb/put?key=", rows, body_bytes: Some(value_bytes) }
    }
}

/// What `wrk` saw, and what the server spent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Throughput {
    /// Requests a second.
    pub rate: f64,
    /// Median latency of the closed loop, microseconds.
    pub p50_us: f64,
    /// 99th percentile of the closed loop, microseconds.
    pub p99_us: f64,
    /// Server CPU a request, microseconds.
    pub cpu_us: f64,
}

/// Runs `wrk` against `server` with one thread for `seconds`. Errors and answers other than 2xx are failures.
pub fn wrk(
    server: &Server,
    script: Script,
    connections: usize,
    seconds: f64,
    seed: u64,
    dir: &Path,
) -> Result<Throughput, Failure> {
    let path = dir.join("wrk.lua");
    fs::write(&path, lua(script, seed, dir)?)?;
    let before_us = server.cpu_us()?;
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{connections}"), &format!("-d{}s", seconds.ceil().max(1.0)), "-s"])
        .arg(&path)
        .arg(url(server.address))
        .output()
        .map_err(|error| format!("wrk: {error}"))?;
    let spent_us = server.cpu_us()? - before_us;
    let text = String::from_utf8_lossy(&output.stdout);
    let (mut seen, requests) =
        parse(&text).ok_or_else(|| format!("wrk: {text} {}", String::from_utf8_lossy(&output.stderr)))??;
    seen.cpu_us = spent_us as f64 / requests.max(1.0);
    Ok(seen)
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/")
}

/// The script. Bodies are binary, so they lie in a file beside it.
fn lua(script: Script, seed: u64, dir: &Path) -> Result<String, Failure> {
    let mut lua = String::new();
    // wrk's LuaJIT counts in doubles.
    writeln!(lua, "math.randomseed({})", seed % (1 << 31))?;
    let target = script.target.replace("{random}", "' .. math.random(0, 999999) .. '");
    let key = format!("string.format('key:%012d', math.random(0, {}))", script.rows.saturating_sub(1));
    match script.body_bytes {
        None => write!(lua, "function request()\n  return wrk.format('GET', '{target}' .. {key})\nend\n")?,
        Some(bytes) => {
            let path = dir.join("body");
            fs::write(&path, Values::new(seed).next(0, bytes))?;
            write!(
                lua,
                "local file = assert(io.open([[{}]], 'rb'))\nlocal body = file:read('*a')\nfile:close()\n\
                 function request()\n  return wrk.format('PUT', '{target}' .. {key}, nil, body)\nend\n",
                path.display()
            )?;
        }
    }
    lua.push_str(
        "function done(summary, latency, requests)\n  local e = summary.errors\n  \
         io.write(string.format('figures %d %d %d %d %d\\n', summary.requests, summary.duration, \
         latency:percentile(50), latency:percentile(99), \
         e.connect + e.read + e.write + e.status + e.timeout))\nend\n",
    );
    Ok(lua)
}

/// The figures and the number of requests in wrk's output; `None` if they are not there, an error if requests failed.
fn parse(output: &str) -> Option<Result<(Throughput, f64), Failure>> {
    let line = output.lines().find_map(|line| line.strip_prefix("figures "))?;
    let numbers: Vec<f64> = line.split(' ').map_while(|number| number.parse().ok()).collect();
    let [requests, duration_us, p50_us, p99_us, errors] = numbers[..] else { return None };
    if errors > 0.0 {
        return Some(Err(format!("wrk: {errors} of {requests} requests failed: {output}").into()));
    }
    let rate = requests * 1e6 / duration_us.max(1.0);
    Some(Ok((Throughput { rate, p50_us, p99_us, cpu_us: 0.0 }, requests)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_and_errors_seen() {
        let (seen, requests) = parse("Running\nfigures 5000 2000000 40 90 0\n").unwrap().unwrap();
        assert_eq!((seen.rate, seen.p50_us, seen.p99_us, requests), (2500.0, 40.0, 90.0, 5000.0));
        assert!(parse("figures 5000 2000000 40 90 3\n").unwrap().is_err());
        assert!(parse("figures 5000 2000000 40\n").is_none());
        assert!(parse("unable to connect\n").is_none());
    }
}
