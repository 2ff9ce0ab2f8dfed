//! Reads a configuration.
//!
//! The defaults, as a TOML table, are what a file and the overrides are laid over: a path they do not have is an
//! unknown key, and a value of another type than theirs is refused, so every complaint names the whole key.

use toml::{Table, Value};

use super::{Bounds, Config, Invalid, Key, Size};

/// The configuration of `text` (the content of a TOML file; empty for none) and of `section.key=value` overrides.
pub fn load<C: Config>(text: &str, overrides: &[String]) -> Result<C, Invalid> {
    let mut table = defaults::<C>()?;
    let file: Table = text.parse().map_err(|error| syntax(text, &error))?;
    overlay(&mut table, file, "")?;
    for line in overrides {
        set(&mut table, line)?;
    }
    for key in C::keys() {
        check(&table, &key)?;
    }
    C::deserialize(Value::Table(table)).map_err(|error| Invalid::new(one_line(&error.to_string())))
}

/// The defaults as a table.
pub(super) fn defaults<C: Config>() -> Result<Table, Invalid> {
    Table::try_from(C::default()).map_err(|error| Invalid::new(one_line(&error.to_string())))
}

/// The value at `section.key`.
pub(super) fn find<'a>(table: &'a Table, name: &str) -> Option<&'a Value> {
    let (first, rest) = match name.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (name, None),
    };
    let value = table.get(first)?;
    rest.map_or(Some(value), |rest| find(value.as_table()?, rest))
}

fn overlay(table: &mut Table, file: Table, section: &str) -> Result<(), Invalid> {
    for (key, value) in file {
        let name = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        let old = table.get_mut(&key).ok_or_else(|| unknown(&name))?;
        match (old, value) {
            (Value::Table(old), Value::Table(value)) => overlay(old, value, &name)?,
            (old, value) => *old = fit(old, value, &name)?,
        }
    }
    Ok(())
}

fn set(table: &mut Table, line: &str) -> Result<(), Invalid> {
    let (name, text) =
        line.split_once('=').ok_or_else(|| Invalid::new(format!("--set {line}: no section.key=value")))?;
    let name = name.trim();
    let old = find_mut(table, name).ok_or_else(|| unknown(name))?;
    *old = fit(old, parse(old, text), name)?;
    Ok(())
}

fn find_mut<'a>(table: &'a mut Table, name: &str) -> Option<&'a mut Value> {
    match name.split_once('.') {
        Some((first, rest)) => find_mut(table.get_mut(first)?.as_table_mut()?, rest),
        None => table.get_mut(name),
    }
}

/// The text of an override: TOML where it is, else a string; always a string, quoted or not, where one is wanted.
fn parse(old: &Value, text: &str) -> Value {
    let parsed = format!("v = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("v"));
    match (old, parsed) {
        (Value::String(_), Some(Value::String(quoted))) => Value::String(quoted),
        (Value::String(_), _) | (_, None) => Value::String(text.to_owned()),
        (_, Some(value)) => value,
    }
}

fn fit(old: &Value, new: Value, name: &str) -> Result<Value, Invalid> {
    match (old, new) {
        // A size may be written as a number of bytes.
        (Value::String(_), Value::Integer(number)) => Ok(Value::String(number.to_string())),
        (Value::Float(_), Value::Integer(number)) => Ok(Value::Float(number as f64)),
        (old, new) if old.same_type(&new) => Ok(new),
        (old, new) => Err(Invalid::new(format!("{name}: expected {}, found {}", kind(old), kind(&new)))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

fn check(table: &Table, key: &Key) -> Result<(), Invalid> {
    let name = key.name;
    let Some(value) = find(table, name) else { return Ok(()) };
    let wrong = |what: String| Err(Invalid::new(format!("{name}: {what}")));
    match (key.bounds, value) {
        (Bounds::Number(min, max), Value::Integer(number)) if !(min..=max).contains(number) => {
            wrong(format!("{number} is not in {min}..{max}"))
        }
        (Bounds::Size(min, max), Value::String(text)) => match text.parse::<Size>() {
            Err(line) => wrong(line),
            Ok(size) if !(min..=max).contains(&size.bytes()) => {
                wrong(format!("{size} is not in {}..{}", Size::new(min), Size::new(max)))
            }
            Ok(_) => Ok(()),
        },
        (Bounds::OneOf(words), Value::String(word)) if !words.contains(&word.as_str()) => {
            wrong(format!("{word:?} is none of {}", words.join(", ")))
        }
        _ => Ok(()),
    }
}

fn unknown(name: &str) -> Invalid {
    Invalid::new(format!("{name}: unknown key"))
}

fn syntax(text: &str, error: &toml::de::Error) -> Invalid {
    let line = error
        .span()
        .map_or(1, |span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
    Invalid::new(format!("line {line}: {}", one_line(error.message())))
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}
