//! A crash at every operation of a workload, and again at every operation of the recovery.
//!
//! Oracle: every acknowledged record is there and whole; what is there is a prefix of what was appended.

use super::*;

/// What was done before the power went.
#[derive(Default)]
struct Told {
    /// Rows appended, in order.
    appended: Vec<u64>,
    /// How many of them had a ticket that was done.
    acknowledged: usize,
    /// How many were synced on demand.
    synced: usize,
    /// The position that was asked for then, as a flush does.
    flushed: u64,
}

/// Appends, waits, rotates and moves values until the work is done or the disk is gone.
fn work(log: &Log, first: u64, told: &mut Told) -> Result<()> {
    let mut cold = log.cold_writer();
    for n in (first..first + 24).step_by(2) {
        let rows = [n, n + 1];
        let (appended, pointers) = append(log, &rows)?;
        told.appended.extend(rows);
        match n % 10 {
            0 | 6 => {
                log.ticket(appended.end).wait()?;
                told.acknowledged = told.appended.len();
            }
            2 => log.rotate()?,
            4 => {
                log.sync_to(appended.end)?;
                told.synced = told.appended.len();
                told.flushed = appended.end;
            }
            _ => {}
        }
        if let Some(pointer) = pointers.iter().flatten().next() {
            cold.append(key(n), &[1; 800], pointer.len.max(800))?;
            if n % 3 == 0 {
                cold.sync()?;
            }
        }
    }
    cold.finish()?;
    log.close()?;
    told.synced = told.appended.len();
    Ok(())
}

fn check(told: &Told, sync: SyncMode, log: &Log, seen: &[Seen], what: &str) {
    let shown = numbers(seen);
    // In the other modes a power loss may take what was acknowledged, but not what was synced.
    let promised = if sync == SyncMode::Always { told.synced.max(told.acknowledged) } else { told.synced };
    assert!(shown.len() >= promised, "{what}: {shown:?} of {promised}");
    assert!(told.appended.starts_with(&shown), "{what}: {shown:?}");
    assert_eq!(shown.len() % 2, 0, "{what}: half a batch");
    check_values(log, seen);
}

fn sweep(seed: u64, sync: SyncMode) {
    let open = |vfs: &SimVfs, floor| {
        let from = RecoverFrom { durable_floor: floor, ..RecoverFrom::default() };
        open_with(Arc::new(vfs.clone()), options(sync, Background::Manual), &from)
    };
    for at in 1.. {
        let vfs = SimVfs::new(seed.wrapping_mul(1000) + at);
        vfs.crash_at(at);
        let mut told = Told::default();
        let finished = open(&vfs, 0).and_then(|(log, _)| work(&log, 0, &mut told)).is_ok();
        if finished && !vfs.has_crashed() {
            assert!(at > 30, "the workload is too short to mean anything");
            return;
        }
        let what = format!("seed {seed}, crash at {at}");
        let crashed = vfs.crash();
        let before = crashed.ops();
        let (log, seen) = open(&crashed, told.flushed).unwrap_or_else(|error| panic!("{what}: {error}"));
        check(&told, sync, &log, &seen, &what);
        let recovery = crashed.ops() - before;
        drop(log);
        for again in 1..=recovery {
            let what = format!("{what}, again at {again}");
            let vfs = vfs.crash();
            vfs.crash_at(vfs.ops() + again);
            let first = open(&vfs, told.flushed);
            assert!(first.is_err() || !vfs.has_crashed(), "{what}");
            drop(first);
            let vfs = vfs.crash();
            let (log, seen) = open(&vfs, told.flushed).unwrap_or_else(|error| panic!("{what}: {error}"));
            check(&told, sync, &log, &seen, &what);
            // The log goes on from there, and all of it is found the next time.
            let mut more = Told { appended: numbers(&seen), ..Told::default() };
            work(&log, 1000, &mut more).unwrap();
            drop(log);
            let (log, seen) =
                open(&vfs.crash(), told.flushed).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(numbers(&seen), more.appended, "{what}");
            check_values(&log, &seen);
        }
    }
}

#[test]
fn every_crash_keeps_what_was_acknowledged() {
    for seed in 0..4 {
        sweep(seed, SyncMode::Always);
    }
}

#[test]
fn every_crash_keeps_what_was_synced_in_the_other_modes() {
    for seed in 10..12 {
        sweep(seed, SyncMode::Os);
    }
}

#[test]
fn what_the_kernel_has_survives_a_kill() {
    for sync in [SyncMode::Always, SyncMode::Os] {
        let vfs = SimVfs::new(3);
        let from = RecoverFrom::default();
        let (log, _) = open_with(Arc::new(vfs.clone()), options(sync, Background::Manual), &from).unwrap();
        let mut end = 0;
        for n in 0..30 {
            end = append(&log, &[n]).unwrap().0.end;
        }
        log.ticket(end).wait().unwrap();
        let (log, seen) = open(&vfs.kill()).unwrap();
        assert_eq!(numbers(&seen), (0..30).collect::<Vec<_>>());
        check_values(&log, &seen);
    }
}
