//! What the operating system says about this process (Linux; elsewhere nothing).

/// Resident memory in bytes.
pub fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Open files and sockets.
#[expect(clippy::disallowed_methods, reason = "counts entries of /proc, no data of ours")]
pub fn open_files() -> Option<u64> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count() as u64)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_memory_and_files() {
        assert!(super::resident_bytes().unwrap() > 100_000);
        assert!(super::open_files().unwrap() >= 3);
    }
}
