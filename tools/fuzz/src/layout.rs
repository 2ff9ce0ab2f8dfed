//! The load-balance table file: whatever is accepted gives every slot its hosts, and is written and read the same.
//!
//! The mode means nothing here.

use hust_wire::{
    slot::SLOTS,
    table::{Phase, Table},
};

/// Reads all of the input after the mode as a table file.
pub fn layout(data: &[u8]) {
    let Some((_, file)) = data.split_first() else { return };
    let table = match Table::parse(file) {
        Ok(table) => table,
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains('\n') && !error.place.is_empty() && !error.what.is_empty(), "{line:?}");
            return;
        }
    };
    let hosts = table.hosts();
    for slot in 0..SLOTS {
        let (part, roles) = (table.element(slot).part(slot), table.roles(slot));
        assert!((part.start..part.end).contains(&slot));
        assert_ne!(roles.acting[0], roles.acting[1]);
        assert_eq!(roles.third.is_some(), roles.phase.is_some());
        assert!(roles.third.is_none_or(|third| !roles.acting.contains(&third)));
        assert!(roles.acting.iter().chain(&roles.third).all(|host| hosts.contains(host)));
    }
    let written = Table::parse(table.to_json().as_bytes()).expect("what was accepted is accepted again");
    assert_eq!(written, table);
    assert_eq!(written.to_json(), table.to_json());
    let at_start = table.without_hold();
    assert!((0..SLOTS).all(|slot| at_start.roles(slot).phase != Some(Phase::Hold)));
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seeds = [
        r#"{"table":[{"item":{"key":[0,1024],"val":["a:1","b:1"]}}]}"#,
        r#"{"table":[{"item":{"key":[0,512],"val":["10.0.0.1:8085","[::1]:8085"]}},
            {"item":{"key":[512,1024],"val":["[::1]:8085","10.0.0.1:8085"]}}]}"#,
        r#"{"table":[{"item":{"key":[0,512],"val":["a:1","b:1"]},"increase":{"low":{"key":[0,256],"val":["a:1","c:1"]},
            "high":{"key":[256,512],"val":["c:1","b:1"]},"phase":"hold"}},{"item":{"key":[512,1024],"val":["b:1","a:1"]}}]}"#,
        r#"{"table":[{"item":{"key":[0,512],"val":["a:1","r:1"]},"decrease":{"remove":"r:1","replace_by":"b:1","phase":"switch"}},
            {"item":{"key":[512,1024],"val":["r:1","b:1"]},"decrease":{"remove":"r:1","replace_by":"a:1"}}]}"#,
    ];
    seeds.map(|seed| [b"\0", seed.as_bytes()].concat()).into()
}
