//! The layout at rest for any number of hosts: as even as ranges that are powers of two can be.

use std::collections::HashSet;

use super::{ELEMENTS_MAX, Element, TableError};
use crate::{host::Host, slot::SLOTS};

/// With 2^k the largest power of two within the number of hosts, 2^k equal ranges of which the first ones are halved
/// until there are as many as hosts. Range i belongs to host i and the next.
pub fn elements(hosts: &[Host]) -> Result<Vec<Element>, TableError> {
    let count = hosts.len();
    if !(2..=ELEMENTS_MAX).contains(&count) {
        return Err(TableError::new("hosts", format!("{count}, not 2 to {ELEMENTS_MAX}")));
    }
    let mut seen = HashSet::new();
    if let Some((number, host)) = hosts.iter().enumerate().find(|(_, host)| !seen.insert(*host)) {
        return Err(TableError::new(format!("hosts[{number}]"), format!("{host} twice")));
    }
    let whole = 1 << count.ilog2();
    let width = SLOTS / whole;
    let halved = 2 * (count - usize::from(whole));
    let mut start = 0;
    let ranges = hosts.iter().zip(hosts.iter().cycle().skip(1)).enumerate();
    Ok(ranges
        .map(|(number, (host, next))| {
            let end = start + if number < halved { width / 2 } else { width };
            let element = Element::at_rest(start, end, [host.clone(), next.clone()]);
            start = end;
            element
        })
        .collect())
}
