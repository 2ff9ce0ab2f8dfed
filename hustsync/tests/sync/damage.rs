//! Damaged segments: what is whole is replayed, what is not is kept.

#![expect(clippy::disallowed_methods, reason = "files of the tests")]

use std::fs;

use hust_testkit::Random;

use crate::{
    fake::{Fake, Mood},
    support::{Home, drained, figures, numbered, of},
};

#[test]
fn flipped_bits_cost_the_hints_they_are_in() {
    const SEED: u64 = 0x5eed_0031;
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let (home, fake) = (Home::new(), Fake::start(Mood::default()));
    let hints = numbered("k", 0..1000);
    let segment = home.segment(&fake.host, &hints);
    let mut bytes = fs::read(&segment).unwrap();
    let mut hit = std::collections::BTreeSet::new();
    for _ in 0..5 {
        let at = random.below(990);
        let begin: usize = 32 + hints.iter().take(at as usize).map(Vec::len).sum::<usize>();
        if hit.insert(at) {
            bytes[begin + random.below(hints[at as usize].len() as u64) as usize] ^= 1 << random.below(8);
        }
    }
    fs::write(&segment, &bytes).unwrap();
    let sync = home.sync(&[]);
    drained(&home, &sync, &fake.host);
    let expected = 1000 - hit.len();
    assert_eq!(fake.keys().len(), expected);
    assert!(hit.iter().all(|at| !fake.keys().contains(&format!("k{at}"))));
    assert_eq!(of(&sync, &fake.host, "synced_items"), expected as u64);
    assert!((1..=5).contains(&of(&sync, &fake.host, "damaged")));
    assert_eq!(home.names(&fake.host).len(), 1);
    assert_eq!(fs::read(segment.with_extension("hint.bad")).unwrap(), bytes, "kept as it was");
}

#[test]
fn a_torn_end_is_no_damage() {
    let (home, fake) = (Home::new(), Fake::start(Mood::default()));
    let segment = home.segment(&fake.host, &numbered("k", 0..50));
    let bytes = fs::read(&segment).unwrap();
    fs::write(&segment, &bytes[..bytes.len() - 1]).unwrap();
    let sync = home.sync(&[]);
    drained(&home, &sync, &fake.host);
    assert_eq!((fake.keys().len(), figures(&sync, &fake.host)), (49, [49, 49, 0, 0]));
    assert!(home.names(&fake.host).is_empty());
}

#[test]
fn memory_does_not_follow_the_size_of_a_segment() {
    let (home, fake) = (Home::new(), Fake::start(Mood::default()));
    // Values of 64 KiB, 192 MiB in all.
    let value = vec![b'v'; 64 << 10];
    let hints: Vec<Vec<u8>> = (0..3000)
        .map(|number| crate::support::hinted(&crate::support::kv(&format!("k{number}"), &value)))
        .collect();
    home.segment(&fake.host, &hints);
    drop(hints);
    let sync = home.sync(&[]);
    let resident = || {
        let text = sync.http().get("/metrics").unwrap().text();
        let line = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
        line.unwrap().parse::<u64>().unwrap()
    };
    let mut most = 0;
    assert!(hust_testkit::wait_until(crate::support::LONG, || {
        most = most.max(resident());
        of(&sync, &fake.host, "pending") == 0
    }));
    assert!(most < 100 << 20, "{most} bytes");
    assert_eq!(fake.keys().len(), 3000);
}
