//! One line of a batch: what it may say, and what is refused before anything is done.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hust_store::{Change, Kind, Lifetime, Member, ScoreOperation, record::MAX_VERSION};
use hust_wire::{
    Refusal, line,
    param::{check_key, check_table, required, signed},
};
use serde::Deserialize;

use super::ITEMS_MAX;

/// What the lines are for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    Get,
    Put { ttl_maximum_s: u64 },
    Delete,
}

/// A record that a line is about.
#[derive(Debug)]
pub struct Item {
    pub kind: Kind,
    table: String,
    pub key: Vec<u8>,
    pub ver: u64,
    pub lifetime: Lifetime,
    new: New,
}

/// What a line makes of its record.
#[derive(Debug)]
enum New {
    Nothing,
    Value(Vec<u8>),
    Score(i64),
}

impl Item {
    pub fn member(&self) -> Member<'_> {
        Member { kind: self.kind, table: self.table.as_bytes(), key: &self.key }
    }

    /// The write of a line of `mput` or `mdel`.
    pub fn change(&self) -> Change<'_> {
        match &self.new {
            New::Nothing => Change::Delete,
            New::Value(value) => Change::Put(value),
            New::Score(score) => Change::Score { score: *score, operation: ScoreOperation::Set },
        }
    }

    /// Bytes of key and value.
    pub fn size(&self) -> usize {
        self.key.len() + if let New::Value(value) = &self.new { value.len() } else { 8 }
    }
}

/// A line as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    key: Option<Text<'a>>,
    #[serde(borrow)]
    tb: Option<Text<'a>>,
    #[serde(borrow)]
    ty: Option<Text<'a>>,
    #[serde(borrow)]
    val: Option<Text<'a>>,
    #[serde(borrow)]
    score: Option<Score<'a>>,
    ttl: Option<u64>,
    ver: Option<u64>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A number, or one in a string: not every language has 64-bit numbers in JSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum Score<'a> {
    Number(i64),
    #[serde(borrow)]
    Text(Text<'a>),
}

/// Reads the lines of a body; the refusal of the first wrong one says which it is.
pub fn read(body: &[u8], purpose: Purpose) -> Result<Vec<Item>, Refusal> {
    let lines = body.strip_suffix(b"\n").unwrap_or(body);
    if lines.is_empty() {
        return Err(Refusal::bad("body", "no items"));
    }
    let mut items = Vec::new();
    for (at, line) in lines.split(|byte| *byte == b'\n').enumerate() {
        let place = || format!("line {}", at + 1);
        if at >= ITEMS_MAX {
            return Err(Refusal::bad(place(), format!("over {ITEMS_MAX} items")));
        }
        let item = parse(line)
            .and_then(|line| item(line, purpose))
            .map_err(|reason| Refusal::bad(place(), line::short(&reason)));
        items.push(item?);
    }
    Ok(items)
}

fn parse(line: &[u8]) -> Result<Line<'_>, String> {
    serde_json::from_slice(line).map_err(|error| match error.is_eof() && line.trim_ascii().is_empty() {
        true => "empty".to_owned(),
        false => error.to_string().replace(" at line 1 column ", " at column "),
    })
}

fn item(line: Line<'_>, purpose: Purpose) -> Result<Item, String> {
    let told = |refusal: Refusal| refusal.line().trim_end().to_owned();
    let key = base64("key", required("key", line.key).map_err(told)?)?;
    check_key("key", &key).map_err(told)?;
    let (kind, table) = match (line.tb, line.ty) {
        (None, None) => (Kind::Kv, String::new()),
        (None, Some(_)) => return Err("ty: without tb".into()),
        (Some(_), None) => return Err("ty: missing".into()),
        (Some(tb), Some(ty)) => {
            let kind = match &*ty.0 {
                "H" => Kind::Hash,
                "S" => Kind::Set,
                "Z" => Kind::Zset,
                _ => return Err("ty: not H, S or Z".into()),
            };
            (kind, check_table("tb", tb.0.as_bytes()).map_err(told)?.to_owned())
        }
    };
    let puts = matches!(purpose, Purpose::Put { .. });
    for (name, is_there, may_be) in [
        ("val", line.val.is_some(), puts && matches!(kind, Kind::Kv | Kind::Hash)),
        ("score", line.score.is_some(), puts && kind == Kind::Zset),
        ("ttl", line.ttl.is_some(), puts),
        ("ver", line.ver.is_some(), !matches!(purpose, Purpose::Get)),
    ] {
        if is_there && !may_be {
            return Err(format!("{name}: not of such an item"));
        }
    }
    let mut new = New::Nothing;
    if let Purpose::Put { ttl_maximum_s } = purpose {
        if line.ttl.is_some_and(|ttl_s| ttl_s > ttl_maximum_s) {
            return Err(format!("ttl: over {ttl_maximum_s}"));
        }
        new = match kind {
            Kind::Zset => New::Score(score(required("score", line.score).map_err(told)?).map_err(told)?),
            Kind::Set => New::Value(Vec::new()),
            _ => New::Value(base64("val", required("val", line.val).map_err(told)?)?),
        };
    }
    let ver = line.ver.unwrap_or(0);
    if ver > MAX_VERSION {
        return Err(format!("ver: over {MAX_VERSION}"));
    }
    // As zadd does: without a ttl, a score keeps its expiry.
    let unsaid = if kind == Kind::Zset { Lifetime::Kept } else { Lifetime::Ttl(0) };
    Ok(Item { kind, table, key, ver, lifetime: line.ttl.map_or(unsaid, Lifetime::Ttl), new })
}

fn base64(name: &str, text: Text<'_>) -> Result<Vec<u8>, String> {
    BASE64_STANDARD.decode(text.0.as_bytes()).map_err(|_| format!("{name}: not base64"))
}

fn score(score: Score<'_>) -> Result<i64, Refusal> {
    match score {
        Score::Number(score) => Ok(score),
        Score::Text(text) => signed("score", text.0.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUT: Purpose = Purpose::Put { ttl_maximum_s: 60 };

    #[test]
    fn lines_say_what_is_to_be_done() {
        let body = concat!(
            r#"{"key":"aw==","val":"dg==","ttl":60,"ver":3}"#,
            "\r\n",
            r#" {"val":"Pz8\/","key":"aw==","tb":"t","ty":"H"}"#,
            "\n",
            r#"{"key":"aw==","tb":"t","ty":"S"}"#,
            "\n",
            r#"{"key":"aw==","tb":"t","ty":"Z","score":-9223372036854775808}"#,
            "\n",
            r#"{"key":"aw==","tb":"t","ty":"Z","score":"7","ttl":0}"#,
            "\n",
        );
        let items = read(body.as_bytes(), PUT).unwrap();
        let changes: Vec<_> = items.iter().map(|item| (item.change(), item.lifetime, item.ver)).collect();
        let score = |score| Change::Score { score, operation: ScoreOperation::Set };
        let expected = [
            (Change::Put(b"v"), Lifetime::Ttl(60), 3),
            (Change::Put(b"???"), Lifetime::Ttl(0), 0),
            (Change::Put(b""), Lifetime::Ttl(0), 0),
            (score(i64::MIN), Lifetime::Kept, 0),
            (score(7), Lifetime::Ttl(0), 0),
        ];
        assert_eq!(changes, expected);
        assert!(items.iter().all(|item| item.member().key == b"k"));
        let items = read(br#"{"key":"aw==","ver":9}"#, Purpose::Delete).unwrap();
        assert_eq!((items[0].change(), items[0].ver), (Change::Delete, 9));
        assert_eq!(read(br#"{"key":"aw=="}"#, Purpose::Get).unwrap().len(), 1);
    }

    #[test]
    fn wrong_lines_are_named_with_the_reason() {
        let line = |purpose, line: &str| {
            let body = format!("{}\n{line}\n{{}}", r#"{"key":"aw==","tb":"t","ty":"S"}"#);
            read(body.as_bytes(), purpose).unwrap_err().line().trim_end().to_owned()
        };
        for (wrong, reason) in [
            ("", "empty"),
            ("{}", "key: missing"),
            (r#"{"key":"aw"}"#, "key: not base64"),
            (r#"{"key":""}"#, "key: empty"),
            (r#"{"key":"aw=="}"#, "val: missing"),
            (r#"{"key":"aw==","val":"v"}"#, "val: not base64"),
            (r#"{"key":"aw==","val":"","ttl":61}"#, "ttl: over 60"),
            (r#"{"key":"aw==","val":"","ver":9223372036854775808}"#, "ver: over 9223372036854775807"),
            (r#"{"key":"aw==","val":"","ty":"H"}"#, "ty: without tb"),
            (r#"{"key":"aw==","val":"","tb":"t"}"#, "ty: missing"),
            (r#"{"key":"aw==","val":"","tb":"t","ty":"h"}"#, "ty: not H, S or Z"),
            (r#"{"key":"aw==","val":"","tb":"a-b","ty":"H"}"#, "tb: illegal name"),
            (r#"{"key":"aw==","val":"","tb":"t","ty":"S"}"#, "val: not of such an item"),
            (r#"{"key":"aw==","score":1}"#, "score: not of such an item"),
            (r#"{"key":"aw==","tb":"t","ty":"Z"}"#, "score: missing"),
            (r#"{"key":"aw==","tb":"t","ty":"Z","score":"+1"}"#, "score: not a number"),
        ] {
            assert_eq!(line(PUT, wrong), format!("line 2: {reason}"), "{wrong}");
        }
        assert!(line(PUT, r#"{"key":"aw==","val":"","tll":1}"#).starts_with("line 2: unknown field `tll`"));
        let hostile = line(PUT, &format!(r#"{{"{}":1}}"#, "\\n".repeat(1000)));
        assert!(hostile.len() < 300 && !hostile.contains('\n'), "{hostile}");
        for wrong in
            ["[]", "1", r#"{"key":"aw==","val":"","ttl":-1}"#, r#"{"key":"aw==","val":"","ttl":1.5}"#]
        {
            assert!(line(PUT, wrong).starts_with("line 2: "), "{wrong}");
        }
        assert_eq!(line(Purpose::Get, r#"{"key":"aw==","ver":1}"#), "line 2: ver: not of such an item");
        assert_eq!(line(Purpose::Delete, r#"{"key":"aw==","ttl":1}"#), "line 2: ttl: not of such an item");
        assert_eq!(read(b"\n", PUT).unwrap_err().line(), "body: no items\n");
        let many = r#"{"key":"aw=="}"#.to_owned() + "\n";
        assert_eq!(read(many.repeat(ITEMS_MAX).as_bytes(), Purpose::Get).unwrap().len(), ITEMS_MAX);
        let over = read(many.repeat(ITEMS_MAX + 1).as_bytes(), Purpose::Get).unwrap_err().line();
        assert_eq!(over, "line 10001: over 10000 items\n");
    }
}
