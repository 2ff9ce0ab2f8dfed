//! What Linux tells about a process: CPU time, memory and written bytes, from `/proc/PID`.

use std::{
    fs, io,
    path::Path,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// Microseconds of a clock tick in `/proc/PID/stat`: USER_HZ is 100 on every Linux that runs this.
const TICK_US: u64 = 10_000;

/// How often [`PeakMemory`] looks.
const SAMPLE_EVERY: Duration = Duration::from_millis(10);

/// CPU time of `pid`, all its threads and its living children, microseconds (in steps of 10 ms).
pub fn cpu_us(pid: u32) -> io::Result<u64> {
    let mut total = alone_us(pid)?;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let children = fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            total += cpu_us(child)?;
        }
    }
    Ok(total)
}

/// CPU time of this process, all its threads but no children, microseconds (in steps of 10 ms).
pub fn own_cpu_us() -> io::Result<u64> {
    alone_us(process::id())
}

fn alone_us(pid: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = stat_ticks(&stat).ok_or_else(|| odd(format!("/proc/{pid}/stat: {stat}")))?;
    Ok(ticks * TICK_US)
}

/// utime + stime: the 14th and 15th field, counted after the name in parentheses, which may hold anything.
fn stat_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Resident memory of `pid`, bytes.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    status_bytes(pid, "VmRSS:")
}

/// Resident memory of `pid` that no file backs, bytes.
pub fn anonymous_bytes(pid: u32) -> io::Result<u64> {
    status_bytes(pid, "RssAnon:")
}

fn status_bytes(pid: u32, field: &str) -> io::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let kib =
        number_after(&fs::read_to_string(&path)?, field).ok_or_else(|| odd(format!("{path}: no {field}")))?;
    Ok(kib * 1024)
}

/// Bytes this process has caused to be sent to the disk so far; pages of files deleted before that count too.
pub fn written_bytes() -> io::Result<u64> {
    let io = fs::read_to_string("/proc/self/io")?;
    number_after(&io, "\nwrite_bytes:").ok_or_else(|| odd("/proc/self/io: no write_bytes".into()))
}

fn number_after(text: &str, field: &str) -> Option<u64> {
    text.split_once(field)?.1.split_whitespace().next()?.parse().ok()
}

fn odd(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Whether the file system of `path` is memory; such a place measures no disk.
pub fn is_in_memory(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|stat| stat.f_type == 0x0102_1994)
}

/// Watches this process's anonymous memory and keeps the greatest value seen.
pub struct PeakMemory {
    peak_bytes: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    watcher: Option<thread::JoinHandle<()>>,
}

impl PeakMemory {
    /// Starts watching.
    pub fn watch() -> io::Result<PeakMemory> {
        let (peak_bytes, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (peak, stopped) = (peak_bytes.clone(), stop.clone());
        let watcher = thread::Builder::new().name("peak-memory".into()).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                peak.fetch_max(anonymous_bytes(process::id()).unwrap_or(0), Ordering::Relaxed);
                thread::park_timeout(SAMPLE_EVERY);
            }
        })?;
        Ok(PeakMemory { peak_bytes, stop, watcher: Some(watcher) })
    }

    /// The greatest value so far, bytes.
    pub fn bytes(&self) -> u64 {
        self.peak_bytes.load(Ordering::Relaxed)
    }
}

impl Drop for PeakMemory {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            // The watcher has nothing to panic about, and a panic there would change no figure.
            let _ = watcher.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 150 25 9 9 20 0 1 0 100 1 1";
        assert_eq!(stat_ticks(stat), Some(175));
        assert_eq!(stat_ticks("7 (a"), None);
    }

    #[test]
    fn this_process_has_memory_and_writes() {
        assert!(resident_bytes(process::id()).unwrap() >= anonymous_bytes(process::id()).unwrap());
        assert!(anonymous_bytes(process::id()).unwrap() > 0);
        written_bytes().unwrap();
        assert!(cpu_us(u32::MAX).is_err());
    }

    #[test]
    fn the_peak_is_kept() {
        let peak = PeakMemory::watch().unwrap();
        crate::clock::wait_until(|| peak.bytes() > 0);
        let goal = peak.bytes() + (24 << 20);
        // Other tests may give memory back meanwhile.
        let mut blocks = Vec::new();
        crate::clock::wait_until(|| {
            blocks.push(vec![1u8; 4 << 20]);
            peak.bytes() >= goal || blocks.len() == 256
        });
        drop(blocks);
        assert!(peak.bytes() >= goal);
    }
}
