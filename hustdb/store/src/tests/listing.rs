//! Pages of `keys`: order, windows, offsets, cursors, limits.

use std::collections::BTreeMap;

use super::*;
use crate::{ListRequest, Listing, Start, md5, slot_of};

fn filled() -> (Node, BTreeMap<[u8; 16], Vec<u8>>) {
    let node = Node::new(|_| ());
    let mut shown = BTreeMap::new();
    for number in 0..600u32 {
        let key = format!("key_{number}").into_bytes();
        let lifetime = if number % 5 == 0 { Lifetime::Ttl(1) } else { FOR_EVER };
        // Every other value lies in the content log.
        let value = number.to_be_bytes().repeat(1 + 32 * (number as usize % 2));
        node.put(&key, &value, LOCAL, lifetime);
        match number % 5 {
            0 => {}
            1 => _ = node.delete(&key, LOCAL),
            _ => _ = shown.insert(md5(&key), key),
        }
    }
    node.clock.advance(1000);
    (node, shown)
}

fn list(
    node: &Node,
    file: usize,
    slots: std::ops::Range<u16>,
    start: Start<'_>,
    size: usize,
) -> Result<Listing> {
    node.store().list(&ListRequest { file, slots, start, size, values: true })
}

fn keys(listing: &Listing) -> Vec<Vec<u8>> {
    listing.rows.iter().map(|listed| listed.row.user_key().to_vec()).collect()
}

#[test]
fn files_together_show_each_live_record_once_in_md5_order() {
    let (node, shown) = filled();
    let mut all = Vec::new();
    for file in 0..node.store().file_count() {
        all.extend(keys(&list(&node, file, 0..1024, Start::Offset(0), 1000).unwrap()));
    }
    assert_eq!(all, shown.into_values().collect::<Vec<_>>());
}

#[test]
fn windows_offsets_and_sizes_count_shown_rows() {
    let (node, shown) = filled();
    let in_window = |md5: &[u8; 16]| (100..120).contains(&slot_of(md5));
    let expected: Vec<_> =
        shown.iter().filter(|(md5, _)| in_window(md5)).map(|(_, key)| key.clone()).collect();
    assert!(expected.len() > 3);
    for offset in 0..expected.len() + 2 {
        let listing = list(&node, 0, 100..120, Start::Offset(offset), 3).unwrap();
        let wanted: Vec<_> = expected.iter().skip(offset).take(3).cloned().collect();
        assert_eq!(keys(&listing), wanted);
        assert_eq!(listing.cursor.is_some(), offset + 3 < expected.len());
    }
    assert_eq!(keys(&list(&node, 1, 100..120, Start::Offset(0), 9).unwrap()).len(), 0);
    for offset in 0..expected.len() {
        for listed in list(&node, 0, 100..120, Start::Offset(offset), 9).unwrap().rows {
            let record = node.get(listed.row.user_key()).unwrap();
            assert_eq!((listed.shown, listed.row.value()), (record.shown, &*record.value));
        }
    }
}

#[test]
fn cursors_lead_through_everything_once_whatever_is_written() {
    let (mut node, shown) = filled();
    for size in [1, 2, 7, 1000] {
        let mut seen = Vec::new();
        let mut token = String::new();
        for page in 0.. {
            let listing = list(&node, 3, 0..1024, Start::Cursor(token.as_bytes()), size).unwrap();
            seen.extend(keys(&listing));
            node.put(format!("other_{size}_{page}").as_bytes(), b"v", LOCAL, Lifetime::Ttl(1));
            if page % 16 == 3 {
                node.restart();
            }
            match listing.cursor {
                Some(next) => token = next,
                None => break,
            }
        }
        let file_3 = |md5: &[u8; 16]| slot_of(md5) / 128 == 3;
        let expected: Vec<_> =
            shown.iter().filter(|(md5, _)| file_3(md5)).map(|(_, key)| key.clone()).collect();
        seen.retain(|key| key.starts_with(b"key_"));
        assert_eq!(seen, expected, "size {size}");
        node.clock.advance(1000);
    }
}

#[test]
fn made_up_cursors_and_files_are_refused() {
    let (node, _) = filled();
    let token = list(&node, 3, 0..1024, Start::Cursor(b""), 1).unwrap().cursor.unwrap();
    for (file, token) in [(4, token.as_str()), (3, "AbC_9"), (3, "%"), (3, &token[1..])] {
        let refused = list(&node, file, 0..1024, Start::Cursor(token.as_bytes()), 1);
        assert!(matches!(refused, Err(Error::Invalid { subject: "cursor", .. })), "{token}");
    }
    assert!(matches!(
        list(&node, 8, 0..1024, Start::Offset(0), 1),
        Err(Error::Invalid { subject: "file", .. })
    ));
}

#[test]
fn a_page_ends_before_its_body_passes_the_limit() {
    let node = Node::new(|_| ());
    let mut names: Vec<_> = (0..200u32).map(|n| format!("key_{n}").into_bytes()).collect();
    names.retain(|name| slot_of(&md5(name)) < 128);
    names.truncate(6);
    for name in &names {
        node.put(name, &vec![7; 10 << 20], LOCAL, FOR_EVER);
    }
    let listing = list(&node, 0, 0..1024, Start::Offset(0), 1000).unwrap();
    // 10 MiB are 13.3 MiB in base64: two fit in 32 MiB.
    assert_eq!((listing.rows.len(), listing.cut), (2, true));
    let token = listing.cursor.unwrap();
    let rest = list(&node, 0, 0..1024, Start::Cursor(token.as_bytes()), 1).unwrap();
    assert_eq!((rest.rows.len(), rest.cut), (1, false));
    let request = ListRequest { file: 0, slots: 0..1024, start: Start::Offset(0), size: 1000, values: false };
    let listing = node.store().list(&request).unwrap();
    assert_eq!((listing.rows.len(), listing.cursor), (6, None));
}
