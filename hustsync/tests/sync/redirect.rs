//! Hints for a host that has left the table.

use hust_testkit::wait_until;

use crate::{
    fake::{Fake, Mood},
    support::{Home, LONG, drained, figures, numbered, status},
};

#[test]
fn go_to_both_masters_of_their_slots() {
    let home = Home::new();
    let (first, second) = (Fake::start(Mood::default()), Fake::start(Mood::default()));
    home.table([&first.host, &second.host]);
    home.segment("127.0.0.1:1", &numbered("k", 0..1500));
    let sync = home.sync(&[]);
    drained(&home, &sync, "127.0.0.1:1");
    assert_eq!(figures(&sync, "127.0.0.1:1"), [1500, 1500, 0, 0]);
    for fake in [&first, &second] {
        assert_eq!((fake.keys().len(), fake.merges()), (1500, 1500));
    }
}

#[test]
fn one_master_that_refuses_is_enough_to_put_a_record_aside() {
    let home = Home::new();
    let first = Fake::start(Mood::default());
    let second = Fake::start(Mood { refuses: Some("k7"), ..Mood::default() });
    home.table([&first.host, &second.host]);
    home.segment("127.0.0.1:1", &numbered("k", 0..10));
    let sync = home.sync(&[]);
    drained(&home, &sync, "127.0.0.1:1");
    assert_eq!(figures(&sync, "127.0.0.1:1"), [10, 9, 0, 1]);
    assert_eq!((first.keys().len(), second.keys().len()), (10, 9));
}

#[test]
fn a_new_table_counts_at_once() {
    let home = Home::new();
    let (first, second) = (Fake::start(Mood::default()), Fake::start(Mood::default()));
    home.table(["127.0.0.1:1", "127.0.0.1:2"]);
    let sync = home.sync(&[]);
    assert_eq!(figures(&sync, "127.0.0.1:2"), [0, 0, 0, 0], "an entry for each host of the table");
    home.table([&first.host, &second.host]);
    assert!(wait_until(LONG, || status(&sync)["status"][&second.host]["pending"] == 0));
    home.segment("127.0.0.1:1", &numbered("k", 0..5));
    assert!(wait_until(LONG, || status(&sync)["status"]["127.0.0.1:1"]["synced_items"] == 5));
    assert_eq!((first.keys().len(), second.keys().len()), (5, 5));
}
