//! What reads the stored value and what does not.

use super::{seen::list_with, *};
use crate::{ListOf, ListRequest, Start};

#[test]
fn only_reads_of_the_value_need_the_value() {
    let mut node = Node::new(|_| ());
    let value = [0xa7; 500];
    let shown = applied(node.put(b"k", &value, LOCAL, Lifetime::Ttl(60)));
    let kv = |node: &Node| node.store().kv().try_exist(b"k").unwrap();
    assert!(matches!(kv(&node), Fetch::Ready(Some(there)) if there == shown));
    node.restart();
    damage(&node.vfs, &value);
    assert_eq!(node.store().kv().exist(b"k").unwrap(), Some(shown));
    assert!(matches!(kv(&node), Fetch::Ready(Some(there)) if there == shown));
    let damaged = |error| matches!(error, Error::Engine(hust_engine::Error::Damaged { .. }));
    assert!(node.store().kv().get(b"k").is_err_and(damaged));
    assert!(node.store().kv().try_get(b"k").is_err_and(damaged));
    let file = usize::from(crate::slot_of(&crate::md5(b"k")) / 128);
    let list = |start, values| {
        let of = ListOf::File(file);
        list_with(&node, &ListRequest { of, slots: 0..1024, start, size: 9, values })
    };
    assert_eq!(list(Start::Offset(0), false).unwrap().0[0].shown, shown);
    assert_eq!(list(Start::Offset(1), true).unwrap().0.len(), 0, "skipped rows need no value");
    assert!(list(Start::Offset(0), true).is_err_and(damaged));
    node.clock.advance(60_000);
    node.sweep();
    assert_eq!(node.store().kv().exist(b"k").unwrap(), None);
    assert_eq!(node.store().kv_stat().count, 0, "neither does the sweep");
}

#[test]
fn a_value_can_be_sent_by_another_thread_as_it_is() {
    fn body<B: AsRef<[u8]> + Send + Sync + 'static>(value: B) -> B {
        value
    }
    let mut node = Node::new(|_| ());
    for value in [&[7; 10][..], &[8; 500][..]] {
        node.put(b"k", value, LOCAL, FOR_EVER);
        let sent = body(node.get(b"k").unwrap().value);
        node.restart();
        assert_eq!(std::thread::scope(|scope| scope.spawn(|| sent.as_ref().to_vec()).join().unwrap()), value);
    }
}

#[test]
fn exist_shows_what_get_shows() {
    let node = Node::new(|_| ());
    let exist = |key: &[u8]| node.store().kv().exist(key).unwrap();
    assert_eq!(exist(b"k"), None);
    let shown = applied(node.put(b"k", b"v", LOCAL, Lifetime::Ttl(1)));
    assert_eq!(exist(b"k"), Some(shown));
    node.clock.advance(999);
    assert_eq!(exist(b"k"), Some(shown));
    node.clock.advance(1);
    assert_eq!(exist(b"k"), None);
    applied(node.put(b"k", b"v", LOCAL, FOR_EVER));
    applied(node.delete(b"k", LOCAL));
    assert_eq!(exist(b"k"), None);
    assert!(matches!(node.store().kv().exist(b""), Err(Error::Invalid { .. })));
    assert!(matches!(node.store().kv().try_exist(b""), Err(Error::Invalid { .. })));
}
