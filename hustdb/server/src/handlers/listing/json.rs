//! Rows of a listing as JSON, written as they come.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hust_store::{Error, ListedRow, ListedValue};
use hust_wire::{Query, Refusal};

/// Which columns of a row are shown.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    pub values: bool,
    pub stamps: bool,
}

impl Columns {
    pub fn read(query: Query<'_>) -> Result<Columns, Refusal> {
        Ok(Columns {
            values: !query.boolean("noval")?.unwrap_or(true),
            stamps: query.boolean("stamps")?.unwrap_or(false),
        })
    }
}

/// The array of a page.
#[derive(Debug)]
pub struct Rows {
    columns: Columns,
    json: String,
}

impl Rows {
    pub fn new(columns: Columns) -> Rows {
        Rows { columns, json: String::from("[") }
    }

    pub fn push(&mut self, row: &ListedRow<'_>) -> Result<(), Error> {
        let json = &mut self.json;
        let mut number = itoa::Buffer::new();
        json.push_str(if json.len() > 1 { r#",{"key":""# } else { r#"{"key":""# });
        BASE64_STANDARD.encode_string(row.key, json);
        match row.value {
            ListedValue::None => {}
            ListedValue::Bytes(value) => {
                json.push_str(r#"","val":""#);
                BASE64_STANDARD.encode_string(value, json);
            }
            ListedValue::Score(score) => {
                json.push_str(r#"","val":""#);
                json.push_str(number.format(score));
            }
        }
        json.push_str(r#"","ver":"#);
        json.push_str(number.format(row.shown.version));
        if let Some((name, kind)) = row.table {
            json.push_str(r#","tb":""#);
            // Names of tables have no character that JSON would escape.
            json.push_str(&String::from_utf8_lossy(name));
            json.push_str(r#"","ty":""#);
            json.push_str(kind.letter().unwrap_or_default());
            json.push('"');
        }
        if self.columns.stamps {
            json.push_str(r#","stamp":""#);
            json.push_str(number.format(row.shown.stamp));
            json.push('"');
            if row.shown.expire_ms != 0 {
                json.push_str(r#","expire":"#);
                json.push_str(number.format(row.shown.expire_ms));
            }
        }
        json.push('}');
        Ok(())
    }

    pub fn finish(mut self) -> String {
        self.json.push(']');
        self.json
    }
}
