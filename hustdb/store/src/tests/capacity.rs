//! Refused writes while a limit is passed, and only then.

use super::*;

fn is_refused(node: &Node, key: &[u8]) -> bool {
    match settle(node.call(|| node.store().kv().write(key, Change::Put(&[7; 936]), Terms::PLAIN))) {
        Ok(_) => false,
        Err(Error::Capacity(_)) => true,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_sum_of_live_records_is_bounded_and_follows_deletes() {
    // One record is 936 + 4 + 64 bytes.
    let mut node = Node::new(|options| options.disk_capacity_bytes = 10 * 1004);
    for number in 0..11u32 {
        assert!(!is_refused(&node, &number.to_be_bytes()), "{number}");
    }
    assert!(is_refused(&node, &0u32.to_be_bytes()), "an overwrite too");
    let replica = Terms::new(Origin::Replica { ver: 1, stamp: 1 }, FOR_EVER);
    assert!(matches!(node.store().kv().write(b"r", Change::Put(b""), replica), Err(Error::Capacity(_))));
    node.kill();
    assert!(is_refused(&node, b"more"));
    node.restart();
    assert!(is_refused(&node, b"more"));
    applied(node.delete(&3u32.to_be_bytes(), LOCAL));
    assert!(!is_refused(&node, b"more"));
}

#[test]
fn expired_records_make_room_once_swept() {
    let node = Node::new(|options| options.disk_capacity_bytes = 1000);
    node.put(b"k", &[7; 936], LOCAL, Lifetime::Ttl(1));
    assert!(is_refused(&node, b"l"));
    node.clock.advance(1000);
    node.sweep();
    assert!(!is_refused(&node, b"l"));
}

#[test]
fn a_nearly_full_disk_refuses_puts_and_takes_deletes() {
    let mut node = Node::new(|options| options.disk_reserve_bytes = 1 << 20);
    assert!(!is_refused(&node, b"k"));
    node.vfs.set_capacity_bytes(Some(1 << 20));
    assert!(!is_refused(&node, b"k"), "the last look is still good");
    node.clock.advance(1000);
    assert!(is_refused(&node, b"k"));
    applied(node.delete(b"k", LOCAL));
    node.restart();
    assert!(is_refused(&node, b"k"));
    node.vfs.set_capacity_bytes(Some(3 << 20));
    assert!(is_refused(&node, b"k"), "the last look is still good");
    node.clock.advance(1000);
    assert!(!is_refused(&node, b"k"));
}
