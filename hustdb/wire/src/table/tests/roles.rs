//! Who acts and who gets every write too, in each phase of a move.

use proptest::prelude::*;

use super::*;

fn named(roles: Roles<'_>) -> ([&str; 2], Option<&str>) {
    (roles.acting.map(Host::as_str), roles.third.map(Host::as_str))
}

#[test]
fn while_slots_move_the_phase_says_who_acts() {
    let grows = |phase: &str| parse(&file(&GROWS.replace("hold", phase))).unwrap();
    for phase in ["copy", "hold"] {
        let table = grows(phase);
        assert_eq!(named(table.roles(0)), (["a:1", "b:1"], Some("c:1")));
        assert_eq!(named(table.roles(511)), (["a:1", "b:1"], Some("c:1")));
        assert_eq!(table.roles(0).holds_writes(), phase == "hold");
        assert!(table.is_moving());
    }
    let table = grows("switch");
    assert_eq!(named(table.roles(255)), (["a:1", "c:1"], Some("b:1")));
    assert_eq!(named(table.roles(256)), (["c:1", "b:1"], Some("a:1")));
    assert_eq!(named(table.roles(512)), (["b:1", "a:1"], None));
    assert_eq!(table.roles(512).phase, None);
    let ranges: Vec<_> = table.elements()[0].parts().map(|part| (part.start, part.end)).collect();
    assert_eq!(ranges, [(0, 256), (256, 512)]);

    let shrinks = parse(&file(SHRINKS)).unwrap();
    assert_eq!(named(shrinks.roles(0)), (["a:1", "b:1"], Some("r:1")));
    assert_eq!(named(shrinks.roles(600)), (["r:1", "b:1"], Some("a:1")));
    let part = shrinks.element(600).part(600);
    assert_eq!(part.new.map(Host::as_str), ["b:1", "a:1"]);
    assert_eq!((part.joiner(), part.leaver()), (Some(&host("a:1")), Some(&host("r:1"))));
}

/// A legal table whose ranges all move in one way and one phase.
fn moving() -> impl Strategy<Value = Table> {
    let phases = prop_oneof![Just(Phase::Copy), Just(Phase::Hold), Just(Phase::Switch)];
    (2..200_usize, any::<bool>(), phases).prop_map(|(count, grows, phase)| {
        let names = hosts(count + 2);
        let mut elements = Table::generate(&names[..count]).unwrap().elements;
        let (joins, removed) = (&names[count], &names[0]);
        for element in &mut elements {
            let Pair { start, end, masters: [first, second] } = element.item.clone();
            if grows && end - start > 1 {
                let middle = (start + end) / 2;
                element.change = Some(Change::Increase {
                    low: Pair { start, end: middle, masters: [first, joins.clone()] },
                    high: Pair { start: middle, end, masters: [joins.clone(), second] },
                    phase,
                });
            } else if !grows && (&first == removed || &second == removed) {
                let (remove, replace_by) = (removed.clone(), joins.clone());
                element.change = Some(Change::Decrease { remove, replace_by, phase });
            }
        }
        Table::new(elements).unwrap()
    })
}

proptest! {
    #[test]
    fn moving_slots_have_three_hosts_and_one_that_stays(table in moving()) {
        prop_assert_eq!(Table::parse(table.to_json().as_bytes()), Ok(table.clone()));
        for slot in 0..SLOTS {
            let element = table.element(slot);
            prop_assert!(element.item.contains(slot));
            let (part, roles) = (element.part(slot), table.roles(slot));
            prop_assert!((part.start..part.end).contains(&slot));
            prop_assert!(roles.acting[0] != roles.acting[1]);
            prop_assert_eq!(part.old.iter().filter(|host| part.new.contains(host)).count(), if roles.phase.is_some() { 1 } else { 2 });
            prop_assert_eq!(roles.third.is_some(), roles.phase.is_some());
            if let Some(third) = roles.third {
                prop_assert!(!roles.acting.contains(&third));
            }
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}") {
        prop_assert!(parse(&text).is_err());
    }
}
