//! What the parts of a table must be to each other. Every complaint names the element and the member.

use std::collections::HashMap;

use super::{Change, ELEMENTS_MAX, Element, Pair, TableError};
use crate::{host::Host, slot::SLOTS};

type Checked = Result<(), TableError>;

/// Whether these are the elements of a table.
pub fn check(elements: &[Element]) -> Checked {
    if !(1..=ELEMENTS_MAX).contains(&elements.len()) {
        let what = format!("{} elements, not 1 to {ELEMENTS_MAX}", elements.len());
        return Err(TableError::new("table", what));
    }
    let mut end = 0;
    for (number, element) in elements.iter().enumerate() {
        let place = format!("table[{number}]");
        pair(&element.item, &format!("{place}.item"))?;
        let start = element.item.start;
        if start != end {
            return Err(TableError::new(
                format!("{place}.item.key"),
                format!("starts at {start}, not at {end}"),
            ));
        }
        end = element.item.end;
        match &element.change {
            None => {}
            Some(Change::Increase { low, high, .. }) => {
                increase(&element.item, low, high, &format!("{place}.increase"))?;
            }
            Some(Change::Decrease { remove, replace_by, .. }) => {
                decrease(&element.item, remove, replace_by, &format!("{place}.decrease"))?;
            }
        }
    }
    if end != SLOTS {
        let place = format!("table[{}].item.key", elements.len() - 1);
        return Err(TableError::new(place, format!("ends at {end}, not at {SLOTS}")));
    }
    one_kind(elements)?;
    removed_hosts(elements)
}

fn pair(pair: &Pair, place: &str) -> Checked {
    let Pair { start, end, masters: [first, second] } = pair;
    if start >= end || *end > SLOTS {
        return Err(TableError::new(
            format!("{place}.key"),
            format!("[{start}, {end}] is no range of slots"),
        ));
    }
    differ(first, second, &format!("{place}.val"))
}

fn differ(first: &Host, second: &Host, place: &str) -> Checked {
    if first == second {
        return Err(TableError::new(place, format!("{first} and {second} are one host")));
    }
    Ok(())
}

fn increase(item: &Pair, low: &Pair, high: &Pair, place: &str) -> Checked {
    pair(low, &format!("{place}.low"))?;
    pair(high, &format!("{place}.high"))?;
    let edges = [
        ("low.key", low.start, item.start, "starts"),
        ("high.key", high.start, low.end, "starts"),
        ("high.key", high.end, item.end, "ends"),
    ];
    for (member, is, should, what) in edges {
        if is != should {
            let what = format!("{what} at {is}, not at {should}");
            return Err(TableError::new(format!("{place}.{member}"), what));
        }
    }
    let [[stays_low, joins_low], [joins_high, stays_high]] = [&low.masters, &high.masters];
    let [first, second] = &item.masters;
    for (member, is, should) in [("low.val[0]", stays_low, first), ("high.val[1]", stays_high, second)] {
        if is != should {
            return Err(TableError::new(
                format!("{place}.{member}"),
                format!("{is}, not {should} as in item"),
            ));
        }
    }
    for (member, joins) in [("low.val[1]", joins_low), ("high.val[0]", joins_high)] {
        if item.masters.contains(joins) {
            return Err(TableError::new(format!("{place}.{member}"), format!("{joins} is in item already")));
        }
    }
    Ok(())
}

fn decrease(item: &Pair, remove: &Host, replace_by: &Host, place: &str) -> Checked {
    if !item.masters.contains(remove) {
        return Err(TableError::new(format!("{place}.remove"), format!("{remove} is not in item")));
    }
    if item.masters.contains(replace_by) {
        return Err(TableError::new(
            format!("{place}.replace_by"),
            format!("{replace_by} is in item already"),
        ));
    }
    Ok(())
}

/// Elements that move all increase or all decrease.
fn one_kind(elements: &[Element]) -> Checked {
    let mut first = None;
    for (number, element) in elements.iter().enumerate() {
        let kind = match element.change {
            None => continue,
            Some(Change::Increase { .. }) => "increase",
            Some(Change::Decrease { .. }) => "decrease",
        };
        match first {
            Some((other, at)) if other != kind => {
                let place = format!("table[{number}].{kind}");
                return Err(TableError::new(place, format!("table[{at}] has {other}")));
            }
            _ => first = first.or(Some((kind, number))),
        }
    }
    Ok(())
}

/// A host that is removed anywhere is removed wherever it is, and replaces nobody.
fn removed_hosts(elements: &[Element]) -> Checked {
    let mut removed = HashMap::new();
    for (number, element) in elements.iter().enumerate() {
        if let Some(Change::Decrease { remove, .. }) = &element.change {
            removed.entry(remove).or_insert(number);
        }
    }
    for (number, element) in elements.iter().enumerate() {
        let here = match &element.change {
            Some(Change::Decrease { remove, replace_by, .. }) => {
                if let Some(at) = removed.get(replace_by) {
                    let place = format!("table[{number}].decrease.replace_by");
                    return Err(TableError::new(place, format!("{replace_by} is removed in table[{at}]")));
                }
                Some(remove)
            }
            _ => None,
        };
        for (place, host) in element.item.masters.iter().enumerate() {
            if let Some(at) = removed.get(host)
                && here != Some(host)
            {
                let place = format!("table[{number}].item.val[{place}]");
                return Err(TableError::new(place, format!("{host} is removed in table[{at}] but not here")));
            }
        }
    }
    Ok(())
}
