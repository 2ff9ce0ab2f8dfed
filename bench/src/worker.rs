//! A process with one open store, driven line by line (see `task`). The suite starts one for each store, asks them
//! in turn, and kills them when it wants to see a recovery; memory and written bytes are each process's own.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{self, Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Instant,
};

use crate::{
    proc,
    store::{BUDGET, Failure, Kind, Store},
    task::{Ask, Told},
};

mod run;

/// The worker's side: opens the store, says how long that took, then answers until it is told to close.
pub fn serve(kind: Kind, dir: &Path, seed: u64, synced: bool) -> Result<(), Failure> {
    let before_bytes = proc::anonymous_bytes(process::id())?;
    let memory = proc::PeakMemory::watch()?;
    let complete = |mut told: Told, cpu_before_us: u64| -> io::Result<Told> {
        told.written_bytes = proc::written_bytes()?;
        told.peak_bytes = memory.bytes().saturating_sub(before_bytes);
        told.cpu_us = proc::cpu_us(process::id())? - cpu_before_us;
        Ok(told)
    };
    let start = Instant::now();
    let mut store = Some(kind.open(dir, BUDGET, synced)?);
    answer(&complete(Told { seconds: start.elapsed().as_secs_f64(), ..Told::default() }, 0)?)?;
    for line in io::stdin().lock().lines() {
        let ask: Ask = serde_json::from_str(&line?)?;
        let cpu_before_us = proc::cpu_us(process::id())?;
        let start = Instant::now();
        let done = match (&ask, &store) {
            (Ask::Close, Some(open)) => {
                let closed = open.close();
                // The last reference: a peer closes here.
                store = None;
                closed.map(|()| Told::default())
            }
            (_, Some(store)) => run::run(store, &ask, seed),
            (_, None) => Err("the store is closed".into()),
        };
        let mut told =
            done.unwrap_or_else(|error| Told { error: Some(error.to_string()), ..Told::default() });
        if told.seconds == 0.0 {
            told.seconds = start.elapsed().as_secs_f64();
        }
        answer(&complete(told, cpu_before_us)?)?;
        if store.is_none() {
            break;
        }
    }
    Ok(())
}

fn answer(told: &Told) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, told)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// The suite's side.
pub struct Worker {
    /// Which store.
    pub kind: Kind,
    /// How long opening took.
    pub open_seconds: f64,
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts a worker on `dir` and waits until its store is open; `synced` as for [`Kind::open`].
    pub fn start(kind: Kind, dir: &Path, seed: u64, synced: bool) -> Result<Worker, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["worker", "--store", kind.name(), "--seed", &seed.to_string(), "--dir"])
            .arg(dir)
            .args(synced.then_some("--synced"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(asks), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the worker has no pipes".into());
        };
        let mut worker = Worker { kind, open_seconds: 0.0, child, asks, answers: BufReader::new(answers) };
        worker.open_seconds = worker.read_answer()?.seconds;
        Ok(worker)
    }

    /// Asks and waits for the answer.
    pub fn ask(&mut self, ask: &Ask) -> Result<Told, Failure> {
        let mut line = serde_json::to_vec(ask)?;
        line.push(b'\n');
        self.asks.write_all(&line)?;
        self.read_answer()
    }

    fn read_answer(&mut self) -> Result<Told, Failure> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("the worker of {} ended", self.kind.name()).into());
        }
        let told: Told = serde_json::from_str(&line)?;
        match told.error {
            Some(error) => Err(format!("{}: {error}", self.kind.name()).into()),
            None => Ok(told),
        }
    }

    /// Closes the store and waits for the process to end.
    pub fn close(mut self) -> Result<Told, Failure> {
        let told = self.ask(&Ask::Close)?;
        self.child.wait()?;
        Ok(told)
    }
}

impl Drop for Worker {
    /// `kill -9`, unless it has ended already.
    fn drop(&mut self) {
        // An error says that there is nothing left to kill or to wait for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A store as the tasks share it among threads.
type Shared = Arc<dyn Store>;
