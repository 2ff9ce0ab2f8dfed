//! Generates the reference of a configuration: the commented TOML file and the table in Markdown.

use std::fmt::Write;

use toml::{Table, Value};

use super::{
    Bounds, Config, Invalid, Key, Size,
    load::{defaults, find},
};

/// A TOML file that sets every key to its default, each under its comment.
pub fn conf<C: Config>() -> Result<String, Invalid> {
    let table = defaults::<C>()?;
    let mut text = String::new();
    let mut section = "";
    for key in C::keys() {
        let (head, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        if head != section {
            section = head;
            let _ = writeln!(text, "{}[{head}]", if text.is_empty() { "" } else { "\n" });
        }
        let value = find(&table, key.name).map(Value::to_string).unwrap_or_default();
        let _ = writeln!(text, "# {}{}\n{name} = {value}", key.about, bounds(&key));
    }
    Ok(text)
}

/// A Markdown table of all keys.
pub fn doc<C: Config>() -> Result<String, Invalid> {
    let table = defaults::<C>()?;
    let mut text = String::from("| key | default | allowed | meaning |\n|---|---|---|---|\n");
    for key in C::keys() {
        let value = find(&table, key.name).map(Value::to_string).unwrap_or_default();
        let allowed = bounds(&key);
        let allowed = allowed.trim_start_matches(" (").trim_end_matches(')');
        let _ = writeln!(text, "| `{}` | `{value}` | {allowed} | {} |", key.name, key.about);
    }
    Ok(text)
}

/// Keys that only the struct or only the table of keys has. A program's test wants none.
pub fn mismatches<C: Config>() -> Result<Vec<String>, Invalid> {
    let table = defaults::<C>()?;
    let mut names = Vec::new();
    leaves(&table, "", &mut names);
    let keys: Vec<&str> = C::keys().iter().map(|key| key.name).collect();
    let undescribed = names.iter().filter(|name| !keys.contains(&name.as_str())).cloned();
    let unknown =
        keys.iter().filter(|key| !names.iter().any(|name| name == *key)).map(|key| (*key).to_owned());
    Ok(undescribed.chain(unknown).collect())
}

fn leaves(table: &Table, section: &str, names: &mut Vec<String>) {
    for (key, value) in table {
        let name = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        match value {
            Value::Table(inner) => leaves(inner, &name, names),
            _ => names.push(name),
        }
    }
}

fn bounds(key: &Key) -> String {
    match key.bounds {
        Bounds::Any => String::new(),
        Bounds::Number(min, max) => format!(" ({min}..{max})"),
        Bounds::Size(min, max) => format!(" ({}..{})", Size::new(min), Size::new(max)),
        Bounds::OneOf(words) => format!(" ({})", words.join(", ")),
    }
}
