//! Writes a table as JSON. Hosts are of letters that need no escape.

use std::fmt::Write;

use super::{Change, Element, Pair};

/// The elements as a file, one a line.
pub fn json(elements: &[Element]) -> String {
    let mut text = String::from("{\"table\":[");
    for (number, element) in elements.iter().enumerate() {
        text.push_str(if number == 0 { "\n{\"item\":" } else { ",\n{\"item\":" });
        pair(&mut text, &element.item);
        if let Some(change) = &element.change {
            self::change(&mut text, change);
        }
        text.push('}');
    }
    text.push_str("\n]}\n");
    text
}

fn pair(text: &mut String, pair: &Pair) {
    let Pair { start, end, masters: [first, second] } = pair;
    let _ = write!(text, "{{\"key\":[{start},{end}],\"val\":[\"{first}\",\"{second}\"]}}");
}

fn change(text: &mut String, change: &Change) {
    match change {
        Change::Increase { low, high, .. } => {
            text.push_str(",\"increase\":{\"low\":");
            pair(text, low);
            text.push_str(",\"high\":");
            pair(text, high);
        }
        Change::Decrease { remove, replace_by, .. } => {
            let _ = write!(text, ",\"decrease\":{{\"remove\":\"{remove}\",\"replace_by\":\"{replace_by}\"");
        }
    }
    let _ = write!(text, ",\"phase\":\"{}\"}}", change.phase().as_str());
}
