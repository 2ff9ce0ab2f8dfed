//! Tickets, groups, rotation, full disks and poison.

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use super::*;
use crate::vfs::{Fault, RealVfs};

/// Counts its wakes, and can be waited for.
#[derive(Default)]
struct Bell {
    rung: AtomicUsize,
    state: Mutex<usize>,
    changed: Condvar,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.fetch_add(1, Ordering::SeqCst);
        *self.state.lock() += 1;
        self.changed.notify_all();
    }
}

fn poll(ticket: &mut Ticket, bell: &Arc<Bell>) -> Poll<Result<()>> {
    Pin::new(ticket).poll(&mut Context::from_waker(&Waker::from(bell.clone())))
}

fn block_on(mut ticket: Ticket) -> Result<()> {
    let bell = Arc::new(Bell::default());
    loop {
        let before = *bell.state.lock();
        if let Poll::Ready(done) = poll(&mut ticket, &bell) {
            return done;
        }
        let mut rung = bell.state.lock();
        while *rung == before {
            bell.changed.wait(&mut rung);
        }
    }
}

const MODES: [SyncMode; 3] = [SyncMode::Always, SyncMode::Interval(Duration::from_millis(5)), SyncMode::Os];

#[test]
fn many_threads_wait_and_poll_in_every_mode() {
    for sync in MODES {
        for background in [Background::Threads, Background::Manual] {
            let temp = tempfile::tempdir().unwrap();
            let options = LogOptions { dir: temp.path().join("log"), ..options(sync, background) };
            let (log, _) = open_with(Arc::new(RealVfs), options.clone(), &RecoverFrom::default()).unwrap();
            let log = &log;
            thread::scope(|scope| {
                for writer in 0..8u64 {
                    scope.spawn(move || {
                        for i in 0..60 {
                            let n = writer * 1000 + i;
                            let (appended, pointers) = append(log, &[n]).unwrap();
                            let ticket = log.ticket(appended.end);
                            if writer % 2 == 0 {
                                ticket.wait().unwrap()
                            } else {
                                block_on(ticket).unwrap()
                            }
                            assert!(log.written_to() >= appended.end);
                            assert!(sync != SyncMode::Always || log.synced_to() >= appended.end);
                            let position = appended.start;
                            check_values(log, &[Seen { n, position, pointer: pointers[0] }]);
                        }
                    });
                }
            });
            let end = log.close().unwrap();
            assert_eq!(log.synced_to(), end);
            assert_eq!(log.stats().appended_records, 480);
            let from = RecoverFrom { clean_end: Some(end), ..RecoverFrom::default() };
            let (log, seen) = open_with(Arc::new(RealVfs), options, &from).unwrap();
            assert!(seen.is_sorted_by_key(|row| row.position));
            check_values(&log, &seen);
            for writer in 0..8 {
                let rows: Vec<_> =
                    seen.iter().filter(|row| row.n / 1000 == writer).map(|row| row.n % 1000).collect();
                assert_eq!(rows, (0..60).collect::<Vec<_>>(), "the order of a writer is kept");
            }
            assert!(log.segments().len() > 10);
        }
    }
}

#[test]
fn a_first_poll_lets_others_append_and_the_second_writes_for_all() {
    for sync in MODES {
        let vfs = Arc::new(SimVfs::new(1));
        let (log, _) =
            open_with(vfs.clone(), options(sync, Background::Manual), &RecoverFrom::default()).unwrap();
        let mut tickets: Vec<_> = (0..3).map(|n| log.ticket(append(&log, &[n]).unwrap().0.end)).collect();
        let before = vfs.ops();
        let bell = Arc::new(Bell::default());
        for ticket in &mut tickets {
            assert!(poll(ticket, &bell).is_pending());
        }
        assert_eq!((vfs.ops(), bell.rung.load(Ordering::SeqCst)), (before, 3));
        assert!(matches!(poll(&mut tickets[0], &bell), Poll::Ready(Ok(()))));
        let after = vfs.ops();
        assert_eq!(after - before, if sync == SyncMode::Always { 2 } else { 1 });
        for ticket in &mut tickets[1..] {
            assert!(poll(ticket, &bell).is_ready());
        }
        assert_eq!(vfs.ops(), after);
    }
}

#[test]
fn a_hastened_ticket_is_synced_at_once_unless_the_last_sync_was_long() {
    for (sync, last, hastened) in [
        (SyncMode::Always, Duration::ZERO, true),
        (SyncMode::Always, Duration::from_millis(1), true),
        (SyncMode::Always, Duration::from_millis(2), false),
        (SyncMode::Os, Duration::ZERO, false),
    ] {
        let vfs = Arc::new(SimVfs::new(1));
        let (log, _) =
            open_with(vfs.clone(), options(sync, Background::Manual), &RecoverFrom::default()).unwrap();
        let mut ticket = log.ticket(append(&log, &[1]).unwrap().0.end);
        log.core.counters.synced(last, 0);
        let before = vfs.ops();
        ticket.hasten();
        assert_eq!(log.synced_to() >= ticket.end(), hastened, "{sync:?} {last:?}");
        assert_eq!(vfs.ops() > before, hastened, "{sync:?} {last:?}");
        let bell = Arc::new(Bell::default());
        assert_eq!(poll(&mut ticket, &bell).is_ready(), hastened, "{sync:?} {last:?}");
        let done = vfs.ops();
        if hastened {
            ticket.hasten();
            assert_eq!(vfs.ops(), done, "what is done is not done again");
        }
    }
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    let mut ticket = log.ticket(append(&log, &[1]).unwrap().0.end);
    vfs.fail_at(vfs.ops() + 2, Fault::Eio);
    ticket.hasten();
    let outcome = poll(&mut ticket, &Arc::new(Bell::default()));
    assert!(matches!(outcome, Poll::Ready(Err(Error::Poisoned(_)))), "the ticket tells");
}

#[test]
fn nothing_completes_beyond_the_admitted_limit() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    let ends: Vec<_> = (0..3).map(|n| append(&log, &[n]).unwrap().0.end).collect();
    log.admit(ends[0]);
    log.sync_to(ends[2]).unwrap();
    let bell = Arc::new(Bell::default());
    let mut tickets: Vec<_> = ends.iter().map(|end| log.ticket(*end)).collect();
    assert!(poll(&mut tickets[0], &bell).is_ready());
    assert!(poll(&mut tickets[1], &bell).is_pending() && poll(&mut tickets[2], &bell).is_pending());
    thread::scope(|scope| {
        let blocked = scope.spawn(|| log.ticket(ends[1]).wait());
        log.admit(ends[1]);
        blocked.join().unwrap().unwrap();
    });
    assert_eq!(bell.rung.load(Ordering::SeqCst), 1);
    assert!(poll(&mut tickets[1], &bell).is_ready() && poll(&mut tickets[2], &bell).is_pending());
    drop(tickets);
    log.admit(u64::MAX);
    assert_eq!(bell.rung.load(Ordering::SeqCst), 1, "a dropped ticket is not woken");
}

#[test]
fn a_failed_write_or_sync_stops_all_writing_for_good() {
    // 1 fails the write, 2 the sync.
    for failing in [1, 2] {
        let vfs = SimVfs::new(1);
        let (log, _) = open(&vfs).unwrap();
        let (durable, _) = append(&log, &[0]).unwrap();
        log.ticket(durable.end).wait().unwrap();
        let (lost, pointers) = append(&log, &[2]).unwrap();
        let bell = Arc::new(Bell::default());
        let mut waiting = log.ticket(lost.end);
        log.admit(0);
        assert!(poll(&mut waiting, &bell).is_pending());
        vfs.fail_at(vfs.ops() + failing, Fault::Eio);
        assert!(matches!(log.ticket(lost.end).wait(), Err(Error::Poisoned(_))));
        log.admit(u64::MAX);
        let before = vfs.ops();
        assert!(matches!(poll(&mut waiting, &bell), Poll::Ready(Err(Error::Poisoned(_)))));
        assert!(matches!(append(&log, &[3]), Err(Error::Poisoned(_))));
        assert!(matches!(log.sync_to(lost.end), Err(Error::Poisoned(_))));
        assert!(matches!(log.close(), Err(Error::Poisoned(_))));
        assert!(log.poisoned().is_some());
        assert_eq!(vfs.ops(), before, "nothing is tried again");
        log.ticket(durable.end).wait().unwrap();
        check_values(&log, &[Seen { n: 2, position: lost.start, pointer: pointers[0] }]);
        drop(log);
        let (_, seen) = open(&vfs.crash()).unwrap();
        assert_eq!(seen[0].n, 0);
    }
}

#[test]
fn the_thread_tells_those_who_poll_about_poison() {
    let vfs = SimVfs::new(1);
    let options = options(SyncMode::Always, Background::Threads);
    let (log, _) = open_with(Arc::new(vfs.clone()), options, &RecoverFrom::default()).unwrap();
    let (appended, _) = append(&log, &[0]).unwrap();
    vfs.fail_from(vfs.ops() + 1, Fault::Eio);
    assert!(matches!(block_on(log.ticket(appended.end)), Err(Error::Poisoned(_))));
}

#[test]
fn a_full_disk_is_refused_before_anything_is_accepted() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    vfs.set_capacity_bytes(Some(20 << 10));
    let mut accepted = Vec::new();
    let refused = loop {
        let n = accepted.len() as u64;
        match append(&log, &[n]) {
            Ok((appended, _)) => accepted.push(appended),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Full(_)), "{refused}");
    assert!(accepted.len() > 10);
    for appended in &accepted {
        log.ticket(appended.end).wait().unwrap();
    }
    let n = accepted.len() as u64;
    assert!(matches!(append(&log, &[n]), Err(Error::Full(_))));
    vfs.set_capacity_bytes(None);
    let (appended, _) = append(&log, &[n]).unwrap();
    log.ticket(appended.end).wait().unwrap();
    let (log, seen) = open(&vfs.crash()).unwrap();
    assert_eq!(numbers(&seen), (0..=n).collect::<Vec<_>>());
    check_values(&log, &seen);
}

#[test]
fn appends_are_refused_while_the_reserve_would_be_touched() {
    let vfs = SimVfs::new(1);
    let options = LogOptions { reserve_bytes: 1 << 20, ..options(SyncMode::Always, Background::Manual) };
    vfs.set_capacity_bytes(Some(1 << 20));
    let (log, _) = open_with(Arc::new(vfs.clone()), options, &RecoverFrom::default()).unwrap();
    let before = vfs.ops();
    assert!(matches!(append(&log, &[1]), Err(Error::Full(_))));
    assert_eq!(vfs.ops(), before);
    vfs.set_capacity_bytes(Some(4 << 20));
    append(&log, &[1]).unwrap();
}

#[test]
fn space_that_cannot_be_reserved_is_refused_and_stops_nothing() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    vfs.fail_at(vfs.ops() + 1, Fault::Eio);
    assert!(matches!(append(&log, &[0]), Err(Error::Io { .. })));
    append(&log, &[0]).unwrap();
    // The next segment fails at its name, then at its space; then its name cannot be taken back either.
    for step in 1..=2 {
        append(&log, &[step]).unwrap();
        log.sync_to(log.end()).unwrap();
        vfs.fail_from(vfs.ops() + step, Fault::Enospc);
        assert!(matches!(log.rotate(), Err(Error::Full(_))));
        vfs.clear_faults();
    }
    append(&log, &[3]).unwrap();
    log.rotate().unwrap();
    append(&log, &[4]).unwrap();
    log.sync_to(log.end()).unwrap();
    let (_, seen) = open(&vfs.crash()).unwrap();
    assert_eq!(numbers(&seen), [0, 1, 2, 3, 4]);
}

#[test]
fn a_record_larger_than_a_segment_gets_one_of_its_own() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    append(&log, &[0]).unwrap();
    let big = vec![7; 100_000];
    let value = EntryValue::Large { bytes: &big, raw_len: 100_000 };
    let entry = Entry { key: key(1), meta: meta(1), user_key: b"1", value, kill: None, tallies: &[] };
    let mut pointers = Pointers::new();
    let appended = log.append(&[entry], &mut pointers).unwrap();
    let pointer = pointers[0].unwrap();
    let read = |log: &Log| {
        let ValueRead::Ready(bytes) = log.read(pointer, Cold::Read).unwrap() else { panic!() };
        assert_eq!(*bytes, *big);
    };
    read(&log);
    log.ticket(appended.end).wait().unwrap();
    read(&log);
    append(&log, &[2]).unwrap();
    assert_eq!(log.segments().iter().filter(|segment| segment.size_bytes > 100_000).count(), 1);
    log.close().unwrap();
    drop(log);
    let mut positions = Vec::new();
    let mut visit = |position, _: &DecodedEntry<'_>| {
        positions.push(position);
        Ok(())
    };
    let options = options(SyncMode::Always, Background::Manual);
    let clock = Arc::new(SystemClock::new());
    let log = Log::open(options, Arc::new(vfs.kill()), clock, &RecoverFrom::default(), &mut visit).unwrap();
    read(&log);
    assert_eq!(positions.len(), 3);
}

#[test]
fn finished_segments_give_back_what_they_reserved() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    append(&log, &[1]).unwrap();
    log.rotate().unwrap();
    log.rotate().unwrap();
    append(&log, &[2]).unwrap();
    let end = log.close().unwrap();
    assert!(matches!(append(&log, &[3]), Err(Error::Invalid(_))));
    let segments = log.segments();
    assert_eq!(segments.len(), 2, "rotating an empty segment does nothing");
    for segment in segments {
        let path = dir().join(format!("{:08}.log", segment.id));
        assert_eq!(vfs.len(&path).unwrap(), segment.size_bytes);
        assert!(segment.sealed);
    }
    assert_eq!(end, log.synced_to());
}

#[test]
fn the_interval_syncs_without_anybody_asking() {
    let vfs = SimVfs::new(1);
    let options = options(SyncMode::Interval(std::time::Duration::from_millis(1)), Background::Threads);
    let (log, _) = open_with(Arc::new(vfs.clone()), options, &RecoverFrom::default()).unwrap();
    let (appended, _) = append(&log, &[1]).unwrap();
    while log.synced_to() < appended.end {
        thread::yield_now();
    }
    let (_, seen) = open(&vfs.crash()).unwrap();
    assert_eq!(numbers(&seen), [1]);
}
