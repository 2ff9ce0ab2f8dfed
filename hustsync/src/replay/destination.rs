//! Which hosts the records of a batch go to. Pure.
//!
//! To the host they are for, as long as the table has it; else to those that hold their slots now: both acting masters,
//! and while a slot moves also the third, which may have been filled already.

use hust_wire::{Host, table::Table};

/// A host, and which records of a batch it gets.
pub type Lot = (Host, Vec<usize>);

/// Whether hints for a host go to the host itself. Without a table they do.
pub fn is_direct(table: Option<&Table>, host: &Host) -> bool {
    table.is_none_or(|table| table.hosts().contains(&host))
}

/// The lots of a batch for `host`, whose records have these slots.
pub fn lots(table: Option<&Table>, host: &Host, slots: &[u16]) -> Vec<Lot> {
    let all = || vec![(host.clone(), (0..slots.len()).collect())];
    match table {
        Some(table) if !is_direct(Some(table), host) => by_slot(table, slots),
        _ => all(),
    }
}

fn by_slot(table: &Table, slots: &[u16]) -> Vec<Lot> {
    let mut lots: Vec<Lot> = Vec::new();
    for (index, slot) in slots.iter().enumerate() {
        let roles = table.roles(*slot);
        for host in roles.acting.into_iter().chain(roles.third) {
            match lots.iter_mut().find(|(known, _)| known == host) {
                Some((_, records)) => records.push(index),
                None => lots.push((host.clone(), vec![index])),
            }
        }
    }
    lots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        text.parse().unwrap()
    }

    fn shown(lots: Vec<Lot>) -> Vec<String> {
        lots.into_iter().map(|(host, records)| format!("{host} {records:?}")).collect()
    }

    #[test]
    fn a_host_of_the_table_gets_its_own_hints() {
        let table = Table::generate(&[host("a:1"), host("b:1"), host("c:1")]).unwrap();
        let slots = [0, 300, 1000];
        assert_eq!(shown(lots(Some(&table), &host("B:1"), &slots)), ["B:1 [0, 1, 2]"]);
        assert_eq!(shown(lots(None, &host("x:1"), &slots)), ["x:1 [0, 1, 2]"], "no table");
        let others = ["a:1 [0, 2]", "b:1 [0, 1]", "c:1 [1, 2]"];
        assert_eq!(shown(lots(Some(&table), &host("x:1"), &slots)), others);
    }

    #[test]
    fn a_moving_slot_has_three() {
        let json = r#"{"table": [{"item": {"key": [0, 1024], "val": ["a:1", "b:1"]},
            "decrease": {"remove": "b:1", "replace_by": "c:1", "phase": "copy"}}]}"#;
        let table = Table::parse(json.as_bytes()).unwrap();
        let expected = ["a:1 [0]", "b:1 [0]", "c:1 [0]"];
        assert_eq!(shown(lots(Some(&table), &host("x:1"), &[7])), expected);
    }
}
