//! Generated layouts, the list of hosts, and the file a table is written to.

use super::*;
use crate::slot::slot;

#[test]
fn generated_layouts_are_those_of_the_contract() {
    let table: [(usize, &[u16]); 7] = [
        (2, &[0, 512]),
        (3, &[0, 256, 512]),
        (4, &[0, 256, 512, 768]),
        (5, &[0, 128, 256, 512, 768]),
        (6, &[0, 128, 256, 384, 512, 768]),
        (7, &[0, 128, 256, 384, 512, 640, 768]),
        (9, &[0, 64, 128, 256, 384, 512, 640, 768, 896]),
    ];
    for (count, begins) in table {
        let generated = Table::generate(&hosts(count)).unwrap();
        let starts: Vec<u16> = generated.elements().iter().map(|element| element.item.start).collect();
        assert_eq!(starts, begins, "{count}");
    }
    let two = Table::generate(&hosts(2)).unwrap();
    let acting = |key: &[u8]| two.roles(slot(key)).acting.map(Host::as_str);
    assert_eq!(acting(b"hello"), ["node0:8085", "node1:8085"]);
    assert_eq!(acting(b"test_key"), ["node1:8085", "node0:8085"]);
    for (wrong, expected) in [
        (hosts(1), "hosts: 1, not 2 to 1024"),
        (hosts(1025), "hosts: 1025, not 2 to 1024"),
        (vec![host("a:1"), host("b:1"), host("A:1")], "hosts[2]: A:1 twice"),
    ] {
        assert_eq!(Table::generate(&wrong).unwrap_err().to_string(), expected);
    }
}

#[test]
fn every_number_of_hosts_has_a_layout() {
    for count in 2..=ELEMENTS_MAX {
        let hosts = hosts(count);
        let table = Table::generate(&hosts).unwrap();
        assert_eq!(table.hosts(), hosts.iter().collect::<Vec<_>>());
        assert!(!table.is_moving());
        for (number, element) in table.elements().iter().enumerate() {
            assert_eq!(element.item.masters, [hosts[number].clone(), hosts[(number + 1) % count].clone()]);
        }
        if count % 61 == 2 {
            assert_eq!(parse(&table.to_json()), Ok(table));
        }
    }
}

#[test]
fn hosts_are_listed_by_first_appearance() {
    let listed = |elements: &str| {
        let table = parse(&file(elements)).unwrap();
        table.hosts().into_iter().map(Host::to_string).collect::<Vec<_>>()
    };
    assert_eq!(listed(REST), ["a:1", "b:1"]);
    assert_eq!(listed(GROWS), ["a:1", "b:1", "c:1"]);
    assert_eq!(listed(SHRINKS), ["a:1", "r:1", "b:1"]);
    assert_eq!(listed(&GROWS.replacen("b:1", "B:1", 1)), ["a:1", "B:1", "c:1"], "spelled as first seen");
}

#[test]
fn a_table_is_written_one_way() {
    let grows = parse(&file(GROWS)).unwrap();
    let text = grows.to_json();
    assert_eq!(parse(&text), Ok(grows.clone()));
    assert_eq!(
        text,
        "{\"table\":[\n\
         {\"item\":{\"key\":[0,512],\"val\":[\"a:1\",\"b:1\"]},\"increase\":\
         {\"low\":{\"key\":[0,256],\"val\":[\"a:1\",\"c:1\"]},\"high\":{\"key\":[256,512],\"val\":[\"c:1\",\"b:1\"]},\
         \"phase\":\"hold\"}},\n\
         {\"item\":{\"key\":[512,1024],\"val\":[\"b:1\",\"a:1\"]}}\n]}\n"
    );
    let shrinks = parse(&file(SHRINKS)).unwrap();
    assert_eq!(parse(&shrinks.to_json()), Ok(shrinks.clone()));
    assert_eq!(shrinks.clone().without_hold(), shrinks);
    assert_eq!(grows.without_hold().roles(0).phase, Some(Phase::Copy));
}
