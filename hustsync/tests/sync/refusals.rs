//! Nodes that refuse, are not ready, or break off.

use hust_testkit::wait_until;
use hust_wire::{
    frame::decode_one,
    hint::{Growth, HEADER_BYTES, Piece, Reader},
};

use crate::{
    fake::{Fake, Mood},
    support::{Home, LONG, drained, figures, numbered, of},
};

/// The keys in a segment.
#[expect(clippy::disallowed_methods, reason = "a file of the test")]
fn keys(segment: std::path::PathBuf) -> Vec<String> {
    let bytes = std::fs::read(segment).unwrap();
    let (from, end) = (HEADER_BYTES as u64, bytes.len() as u64);
    let mut reader = Reader::new(&bytes[..], from, end, Growth::Closed, 1 << 20);
    let mut keys = Vec::new();
    loop {
        match reader.read().unwrap() {
            Piece::Hint { .. } => {
                let record = decode_one(reader.frame()).unwrap();
                keys.push(String::from_utf8(record.key.to_vec()).unwrap());
            }
            Piece::End => return keys,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_refused_record_is_put_aside_and_the_others_go_on() {
    let mood = Mood { refuses: Some("bad"), ..Mood::default() };
    let (home, fake) = (Home::new(), Fake::start(mood));
    let hints = [numbered("a", 0..700), numbered("bad", 0..3), numbered("b", 0..900)].concat();
    let segment = home.segment(&fake.host, &hints);
    let sync = home.sync(&[]);
    drained(&home, &sync, &fake.host);
    assert_eq!(figures(&sync, &fake.host), [1603, 1600, 0, 3]);
    assert_eq!(fake.keys().len(), 1600);
    assert_eq!(keys(segment.with_extension("hint.bad")), ["bad0", "bad1", "bad2"]);
    let metrics = sync.http().get("/metrics").unwrap().text();
    assert!(metrics.contains("hustsync_refused_total 3") && metrics.contains("hustsync_damaged_total 3"));
}

#[test]
fn a_batch_that_is_too_large_for_a_node_is_halved() {
    let mood = Mood { max_bytes: Some(5000), ..Mood::default() };
    let (home, fake) = (Home::new(), Fake::start(mood));
    home.segment(&fake.host, &numbered("k", 0..1000));
    let sync = home.sync(&[]);
    drained(&home, &sync, &fake.host);
    assert_eq!((fake.keys().len(), fake.merges()), (1000, 1000));
    assert_eq!(figures(&sync, &fake.host), [1000, 1000, 0, 0]);
    assert!(home.names(&fake.host).is_empty());
}

#[test]
fn nothing_is_sent_before_a_node_serves_and_others_are_not_held_up() {
    let home = Home::new();
    let starting = Fake::start(Mood { health: Some(503), ..Mood::default() });
    let failing = Fake::start(Mood { merge: Some(500), ..Mood::default() });
    let full = Fake::start(Mood { merge: Some(507), ..Mood::default() });
    let well = Fake::start(Mood::default());
    for fake in [&starting, &failing, &full, &well] {
        home.segment(&fake.host, &numbered("k", 0..10));
    }
    let sync = home.sync(&["replay.threads=1"]);
    assert!(wait_until(LONG, || well.keys().len() == 10 && failing.attempts() >= 2 && full.attempts() >= 2));
    // After 0, 1, 3 and 7 s.
    assert!(failing.attempts() <= 4, "{}", failing.attempts());
    assert_eq!((starting.attempts(), of(&sync, &starting.host, "pending")), (0, 10));
    assert_eq!(of(&sync, &failing.host, "pending"), 10);
    for fake in [&starting, &failing, &full] {
        fake.set(Mood::default());
    }
    for fake in [&starting, &failing, &full, &well] {
        drained(&home, &sync, &fake.host);
        assert_eq!(figures(&sync, &fake.host), [10, 10, 0, 0]);
    }
}

#[test]
fn an_answer_that_is_lost_repeats_a_batch() {
    let (home, fake) = (Home::new(), Fake::start(Mood { hangs_up: true, ..Mood::default() }));
    home.segment(&fake.host, &numbered("k", 0..10));
    let sync = home.sync(&[]);
    assert!(wait_until(LONG, || fake.attempts() >= 1));
    assert_eq!(of(&sync, &fake.host, "pending"), 10);
    fake.set(Mood::default());
    drained(&home, &sync, &fake.host);
    assert!(fake.merges() >= 20 && fake.keys().len() == 10);
}

#[test]
fn a_node_that_stalls_holds_up_nobody_for_long() {
    let home = Home::new();
    let stalling = Fake::start(Mood { stalls: true, ..Mood::default() });
    let well = Fake::start(Mood::default());
    for fake in [&stalling, &well] {
        home.segment(&fake.host, &numbered("k", 0..10));
    }
    let sync = home.sync(&["replay.threads=1", "backend.timeout_ms=200"]);
    drained(&home, &sync, &well.host);
    assert_eq!(figures(&sync, &stalling.host), [10, 0, 10, 0]);
    stalling.set(Mood::default());
    drained(&home, &sync, &stalling.host);
    assert_eq!((stalling.merges(), well.merges()), (10, 10));
}
