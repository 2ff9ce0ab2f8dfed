//! Runs every fuzz target for some seconds on mutated real inputs. Needs nothing but a stable compiler.
//!
//! `smoke [--seconds N] [--target NAME] [--seed N] [--case N]`. A panic, or a case that takes longer than ten seconds,
//! is a failure; the command that repeats it is printed.

use std::{panic::catch_unwind, process::ExitCode, time::Duration};

use hust_engine::clock::{Clock, SystemClock};
use hust_fuzz::{Random, TARGETS, Target, mutate};

const SLOW: Duration = Duration::from_secs(10);

struct Args {
    seconds: u64,
    target: Option<String>,
    /// Number of the first case; every case is a function of its number.
    seed: u64,
    /// Only this one.
    case: Option<u64>,
}

fn args() -> Result<Args, String> {
    let mut args = Args { seconds: 20, target: None, seed: 1, case: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or(format!("{word}: no value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{word}: not a number"));
        match word.as_str() {
            "--seconds" => args.seconds = number()?,
            "--seed" => args.seed = number()?,
            "--case" => args.case = Some(number()?),
            "--target" if TARGETS.iter().any(|target| target.name == value) => args.target = Some(value),
            "--target" => {
                let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
                return Err(format!("--target: one of {}", names.join(", ")));
            }
            _ => return Err(format!("{word}: unknown; see tools/fuzz/src/bin/smoke.rs")),
        }
    }
    Ok(args)
}

/// Runs cases until the time is over. Answers how many, or which one failed.
fn run(target: Target, args: &Args, clock: &SystemClock) -> Result<u64, u64> {
    let seeds = (target.seeds)();
    if args.case.is_none() {
        seeds.iter().for_each(|seed| (target.run)(seed));
    }
    let until = clock.monotonic() + Duration::from_secs(args.seconds);
    let mut case = args.case.unwrap_or_else(|| args.seed.wrapping_mul(1 << 32));
    let mut done = 0;
    loop {
        let started = clock.monotonic();
        let outcome = catch_unwind(|| (target.run)(&mutate(&seeds, &mut Random::new(case))));
        if clock.monotonic() - started > SLOW {
            println!("{}: case {case} is slow", target.name);
            return Err(case);
        }
        outcome.map_err(|_| case)?;
        done += 1;
        case = case.wrapping_add(1);
        if args.case.is_some() || clock.monotonic() >= until {
            return Ok(done);
        }
    }
}

fn main() -> ExitCode {
    let args = match args() {
        Ok(args) => args,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let clock = SystemClock::new();
    for target in TARGETS.into_iter().filter(|t| args.target.as_ref().is_none_or(|name| t.name == name)) {
        match run(target, &args, &clock) {
            Ok(cases) => println!("{}: seed {}, {cases} cases", target.name, args.seed),
            Err(case) => {
                println!("{}: FAILED. To repeat: tools/smoke-fuzz --target {0} --case {case}", target.name);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
