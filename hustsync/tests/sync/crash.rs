//! `kill -9` again and again: no hint is lost, and what is repeated is a part.

use hust_testkit::{Random, wait_until};

use crate::{
    fake::{Fake, Mood},
    support::{Home, LONG, drained, node, numbered, of},
};

#[test]
fn a_killed_repairer_goes_on_from_where_it_was() {
    const SEED: u64 = 0x5eed_0032;
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let (home, fake) = (Home::new(), Fake::start(Mood { refuses: Some("bad"), ..Mood::default() }));
    const KEYS: u64 = 30_000;
    for number in 0..10 {
        let from = number * (KEYS / 10);
        let mut hints = numbered("k", from..from + KEYS / 10);
        hints.insert(random.below(1000) as usize, numbered("bad", number..number + 1).remove(0));
        home.segment(&fake.host, &hints);
    }
    let mut kills = 0;
    loop {
        let mut sync = home.sync(&[]);
        if of(&sync, &fake.host, "pending") == 0 {
            drained(&home, &sync, &fake.host);
            break;
        }
        let until = fake.merges() + random.below(2500);
        wait_until(LONG, || fake.merges() > until || of(&sync, &fake.host, "pending") == 0);
        sync.kill().unwrap();
        kills += 1;
    }
    assert!(kills >= 8, "{kills}");
    assert_eq!(fake.keys().len() as u64, KEYS);
    // A kill repeats at most one batch, and what of it was merged while it was halved.
    let repeated = fake.merges() - KEYS;
    assert!(repeated <= kills * 1000, "{repeated} records repeated after {kills} kills");
    assert_eq!(home.names(&fake.host).len(), 10, "a refused record of each segment is put aside");
}

#[test]
fn a_real_node_ends_with_every_record_once() {
    let (home, node) = (Home::new(), node());
    let host = node.address().to_string();
    for number in 0..6 {
        home.segment(&host, &numbered("k", number * 2000..(number + 1) * 2000));
    }
    for round in 0..6 {
        let mut sync = home.sync(&[]);
        let begun = of(&sync, &host, "pending");
        assert!(wait_until(LONG, || {
            let pending = of(&sync, &host, "pending");
            pending + 1500 <= begun || pending == 0
        }));
        sync.kill().unwrap();
        println!("round {round}: {begun} pending");
    }
    let sync = home.sync(&[]);
    drained(&home, &sync, &host);
    let stat = node.http().get("/hustdb/stat").unwrap().text();
    assert!(stat.contains(r#""KVPAIR":{"count":12000,"#), "{stat}");
    for key in ["k0", "k5999", "k11999"] {
        assert_eq!(node.http().get(&format!("/hustdb/get?key={key}")).unwrap().number("version"), Some(1));
    }
}
