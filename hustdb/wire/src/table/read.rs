//! From a file to elements: the shape only. What the parts must be to each other is in `rules.rs`.

use super::{
    Change, Element, Pair, Phase, TableError,
    json::{self, Node},
};
use crate::{host::Host, slot::SLOTS};

/// A name in a complaint is cut to so many characters.
const NAME_SHOWN_MAX: usize = 40;

/// The elements of a file's content.
pub fn elements(file: &[u8]) -> Result<Vec<Element>, TableError> {
    let mut root = Members::of(json::parse(file)?, "file", &["table"])?;
    let Some(Node::Array(items)) = root.take("table") else {
        return Err(TableError::new("table", "not an array"));
    };
    items.into_iter().enumerate().map(|(number, item)| element(item, &format!("table[{number}]"))).collect()
}

/// The members of an object, all known, none twice.
struct Members<'p> {
    place: &'p str,
    members: Vec<(String, Node)>,
}

impl<'p> Members<'p> {
    fn of(node: Node, place: &'p str, known: &[&str]) -> Result<Members<'p>, TableError> {
        let Node::Object(members) = node else { return Err(TableError::new(place, "not an object")) };
        for (number, (name, _)) in members.iter().enumerate() {
            let shown: String = name.chars().take(NAME_SHOWN_MAX).collect();
            if !known.contains(&name.as_str()) {
                return Err(TableError::new(place, format!("unknown member {shown:?}")));
            }
            if members.iter().take(number).any(|(other, _)| other == name) {
                return Err(TableError::new(place, format!("member {shown:?} twice")));
            }
        }
        Ok(Members { place, members })
    }

    fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.members.iter().position(|(other, _)| other == name)?;
        Some(self.members.swap_remove(at).1)
    }

    fn require(&mut self, name: &str) -> Result<Node, TableError> {
        self.take(name).ok_or_else(|| TableError::new(self.place, format!("no member {name:?}")))
    }

    fn place_of(&self, name: &str) -> String {
        format!("{}.{name}", self.place)
    }

    fn pair(&mut self, name: &str) -> Result<Pair, TableError> {
        pair(self.require(name)?, &self.place_of(name))
    }

    fn host(&mut self, name: &str) -> Result<Host, TableError> {
        host(&self.require(name)?, &self.place_of(name))
    }

    fn phase(&mut self) -> Result<Phase, TableError> {
        let wrong = || TableError::new(self.place_of("phase"), "not \"copy\", \"hold\" or \"switch\"");
        match self.members.iter().find(|(name, _)| name == "phase") {
            None => Ok(Phase::default()),
            Some((_, Node::Text(word))) => Phase::of(word).ok_or_else(wrong),
            Some(_) => Err(wrong()),
        }
    }
}

fn element(node: Node, place: &str) -> Result<Element, TableError> {
    let mut members = Members::of(node, place, &["item", "increase", "decrease"])?;
    let item = members.pair("item")?;
    let change = match (members.take("increase"), members.take("decrease")) {
        (None, None) => None,
        (Some(node), None) => Some(increase(node, &members.place_of("increase"))?),
        (None, Some(node)) => Some(decrease(node, &members.place_of("decrease"))?),
        (Some(_), Some(_)) => return Err(TableError::new(place, "both increase and decrease")),
    };
    Ok(Element { item, change })
}

fn increase(node: Node, place: &str) -> Result<Change, TableError> {
    let mut members = Members::of(node, place, &["low", "high", "phase"])?;
    Ok(Change::Increase { low: members.pair("low")?, high: members.pair("high")?, phase: members.phase()? })
}

fn decrease(node: Node, place: &str) -> Result<Change, TableError> {
    let mut members = Members::of(node, place, &["remove", "replace_by", "phase"])?;
    Ok(Change::Decrease {
        remove: members.host("remove")?,
        replace_by: members.host("replace_by")?,
        phase: members.phase()?,
    })
}

fn pair(node: Node, place: &str) -> Result<Pair, TableError> {
    let mut members = Members::of(node, place, &["key", "val"])?;
    let (key, val) = (members.require("key")?, members.require("val")?);
    let (key_place, val_place) = (members.place_of("key"), members.place_of("val"));
    let [start, end] = two(&key).ok_or_else(|| TableError::new(&key_place, "not an array of two"))?;
    let (start, end) = (slot(start, &key_place, 0)?, slot(end, &key_place, 1)?);
    let [first, second] = two(&val).ok_or_else(|| TableError::new(&val_place, "not an array of two"))?;
    let masters = [host(first, &format!("{val_place}[0]"))?, host(second, &format!("{val_place}[1]"))?];
    Ok(Pair { start, end, masters })
}

fn two(node: &Node) -> Option<[&Node; 2]> {
    match node {
        Node::Array(items) => match items.as_slice() {
            [first, second] => Some([first, second]),
            _ => None,
        },
        _ => None,
    }
}

fn slot(node: &Node, place: &str, number: usize) -> Result<u16, TableError> {
    match node {
        Node::Integer(slot) if *slot <= u64::from(SLOTS) => Ok(*slot as u16),
        _ => Err(TableError::new(format!("{place}[{number}]"), "not an integer in 0..1024")),
    }
}

fn host(node: &Node, place: &str) -> Result<Host, TableError> {
    let Node::Text(text) = node else { return Err(TableError::new(place, "not a string")) };
    text.parse().map_err(|what| TableError::new(place, what))
}
