//! `/openapi.json` and `/hustdb/info`: a node is asked for everything that the document says, and for what it does not.
//!
//! For each operation: with legal and with illegal values of each parameter only described statuses and content types
//! are answered, never 5xx; the parameters that it reads are exactly those described, as a bad escape in them shows.

use std::{collections::BTreeSet, path::Path};

use hust_testkit::Reply;
use serde_json::Value;

use crate::support::{Client, builder, node};

struct Operation {
    path: String,
    method: String,
    described: Value,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            let (path, method) = (path.clone(), method.to_ascii_uppercase());
            operations.push(Operation { path, method, described: described.clone() });
        }
    }
    operations
}

fn fetch(client: &mut Client) -> Value {
    let reply = client.get("/openapi.json");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&reply.body).unwrap()
}

impl Operation {
    fn parameters(&self) -> impl Iterator<Item = &Value> {
        self.described["parameters"].as_array().unwrap().iter()
    }

    fn names(&self) -> BTreeSet<&str> {
        self.parameters().map(|parameter| parameter["name"].as_str().unwrap()).collect()
    }

    /// A body that fits, where one is described.
    fn body(&self) -> &'static str {
        let content = self.described["requestBody"]["content"].as_object();
        match content.and_then(|content| content.keys().next()).map(String::as_str) {
            None => "",
            Some(_) if self.path == "/hustmq/merge" => "index=9&len=1\nm\n",
            Some("text/plain") if self.path.starts_with("/hustmq/") => "1:2:3",
            Some("text/plain") => "12",
            Some("application/x-ndjson") if self.path.ends_with("mput") => r#"{"key":"aw==","val":"dg=="}"#,
            Some("application/x-ndjson") => r#"{"key":"aw=="}"#,
            Some(_) => "body",
        }
    }

    /// Asks with the first legal value of what is required, and with these.
    fn ask(&self, client: &mut Client, more: &[(&str, &str)], body: &str) -> Reply {
        let required = self.parameters().filter(|parameter| parameter["required"] == true);
        let mut query: Vec<String> = required
            .map(|parameter| {
                format!("{}={}", parameter["name"].as_str().unwrap(), legal(&parameter["schema"])[0])
            })
            .collect();
        query.extend(more.iter().map(|(name, value)| format!("{name}={value}")));
        let target = format!("{}?{}", self.path, query.join("&"));
        let reply = client.ask(&self.method, &target, body);
        self.check(&reply, &target);
        reply
    }

    /// Status, content type and headers are described.
    fn check(&self, reply: &Reply, target: &str) {
        let what = format!("{} {}", self.method, target.chars().take(200).collect::<String>());
        let response = &self.described["responses"][reply.status.to_string()];
        assert!(response.is_object() && reply.status < 500, "{what}: {}", reply.status);
        if let Some(content) = response["content"].as_object() {
            let kind = reply.header("content-type").unwrap();
            assert!(content.contains_key(kind), "{what}: {} {kind}", reply.status);
        }
        let Some(headers) = response["headers"].as_object() else { return };
        for (name, header) in headers {
            let is_there = reply.header(&name.to_ascii_lowercase()).is_some();
            assert!(is_there || header["required"] == false, "{what}: {} without {name}", reply.status);
        }
        for known in ["version", "vererror", "stamp", "expire", "keys", "totalcount", "cursor"] {
            let described = headers.keys().any(|name| name.eq_ignore_ascii_case(known));
            assert!(described || reply.header(known).is_none(), "{what}: {known} is not described");
        }
    }
}

fn is_decimal(schema: &Value) -> bool {
    schema["pattern"].as_str().is_some_and(|pattern| pattern.contains(r"\."))
}

fn is_host(schema: &Value) -> bool {
    schema["pattern"].as_str().is_some_and(|pattern| pattern.contains(":[1-9]"))
}

fn is_token(schema: &Value) -> bool {
    schema["pattern"].as_str().is_some_and(|pattern| pattern.contains(r"(,[0-9"))
}

fn may_be_empty(schema: &Value) -> bool {
    schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("{0,"))
}

/// What has to be said beside a parameter for it to make sense.
fn companion(path: &str, name: &str) -> Option<(&'static str, &'static str)> {
    match (path, name) {
        ("/hustdb/export", "offset") => Some(("size", "1")),
        ("/hustdb/binlog", "method") => Some(("tb", "t")),
        ("/hustdb/binlog", "tb") => Some(("method", "3")),
        ("/hustmq/get", "sync") => Some(("token", "1:2:3")),
        ("/hustdb/forget", "start") => Some(("end", "1024")),
        _ => None,
    }
}

/// Legal values that are refused by what is there, or by what else is said.
fn depends(path: &str, name: &str) -> bool {
    // A stamp of the far future is refused, is_dup alone lacks a version, and workers are UTF-8.
    let with_others = [("/hustmq/put", "batch"), ("/hustmq/timeout", "minute"), ("/hustmq/pub", "idx")];
    matches!(name, "is_dup" | "stamp" | "base" | "worker" | "upto") || with_others.contains(&(path, name))
}

/// Makes a queue of the kind that the command is for.
fn prepare(client: &mut Client, path: &str) {
    if path.starts_with("/hustmq/") {
        client.get("/hustmq/delete?queue=t");
        let push = ["pub", "sub", "runs", "merge"].iter().any(|command| path.ends_with(command));
        let made = if push { "/hustmq/pub?queue=t&item=m" } else { "/hustmq/settings?queue=t&create=true" };
        assert_eq!(client.get(made).status, 200);
    }
}

/// The names of parameters that handlers read: what stands in quotes after a call of a reader.
#[expect(clippy::disallowed_methods, reason = "walks over the sources")]
fn names_in_sources(folder: &Path, names: &mut BTreeSet<String>) {
    const READERS: [&str; 8] =
        [".unsigned(", ".unsigned_in(", ".signed(", ".boolean(", ".bytes(", ".key(", ".table(", ".value("];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names_in_sources(&path, names);
            continue;
        }
        let source = std::fs::read_to_string(path).unwrap();
        let calls = READERS.iter().flat_map(|reader| {
            source.match_indices(reader).map(|(at, _)| (&source[..at], &source[at + reader.len()..]))
        });
        // The fields of a message in a body are no parameters.
        for (_, call) in calls.filter(|(before, _)| !before.ends_with("fields")) {
            let quoted = call.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
            names.extend(quoted.map(|(name, _)| name.to_owned()));
        }
    }
}

/// Legal values of a schema, its bounds among them.
fn legal(schema: &Value) -> Vec<String> {
    match schema["type"].as_str().unwrap() {
        "boolean" if schema["const"] == false => vec!["false".into(), "0".into()],
        "boolean" => vec!["true".into(), "false".into(), "1".into(), "0".into()],
        "integer" => vec![schema["minimum"].to_string(), schema["maximum"].to_string()],
        _ if is_decimal(schema) => vec!["1.5".into(), "-7".into()],
        _ if is_host(schema) => vec!["127.0.0.1:1".into(), "a-b.c:9".into()],
        _ if is_token(schema) => vec!["1:2:3".into()],
        _ if may_be_empty(schema) => vec!["d".into(), String::new()],
        _ if schema["pattern"].is_string() => vec!["t".into(), "a_Z:9.".repeat(10)],
        _ if schema["maxLength"].is_u64() => {
            let longest = schema["maxLength"].as_u64().unwrap().min(60_000) as usize;
            vec!["k".into(), "x".repeat(longest), "%00%ff".into()]
        }
        _ => vec![String::new()],
    }
}

/// Illegal values.
fn illegal(schema: &Value) -> Vec<String> {
    let wide = |number: &Value, by: i128| (number.as_number().unwrap().as_i128().unwrap() + by).to_string();
    match schema["type"].as_str().unwrap() {
        "boolean" => vec![String::new(), "True".into(), "2".into()],
        "integer" => {
            let words = ["", "x", "+1", "1.5", "%201"].map(String::from);
            let bounds = [wide(&schema["minimum"], -1), wide(&schema["maximum"], 1)];
            words.into_iter().chain(bounds).collect()
        }
        _ if is_decimal(schema) => vec![String::new(), "x".into(), "1e3".into(), "1.".into()],
        _ if is_host(schema) => vec![String::new(), "h".into(), "h:0".into(), "h:65536".into(), "h:x".into()],
        _ if is_token(schema) => vec!["a:b:c".into()],
        _ if may_be_empty(schema) => vec!["a-b".into(), "t".repeat(65)],
        _ if schema["pattern"].is_string() => vec![String::new(), "a-b".into(), "t".repeat(65)],
        _ if schema["minLength"] == 1 => vec![String::new()],
        _ => Vec::new(),
    }
}

#[test]
fn what_the_document_says_is_what_the_node_does() {
    let node = node();
    let mut client = Client::of(&node);
    let document = fetch(&mut client);
    for operation in operations(&document) {
        let body = operation.body();
        prepare(&mut client, &operation.path);
        operation.ask(&mut client, &[], body);
        operation.ask(&mut client, &[], "");
        for parameter in operation.parameters() {
            let name = parameter["name"].as_str().unwrap();
            let schema = &parameter["schema"];
            for value in legal(schema) {
                prepare(&mut client, &operation.path);
                let beside = companion(&operation.path, name);
                let more: Vec<_> = beside.into_iter().chain([(name, &*value)]).collect();
                let reply = operation.ask(&mut client, &more, body);
                let refused = reply.status == 400 && !depends(&operation.path, name);
                assert!(!refused, "{} {name}={value:.40}: {}", operation.path, reply.text());
            }
            // What the body takes the place of is read only without one.
            let body = if parameter["required"] == false && matches!(name, "key" | "val" | "item" | "token") {
                ""
            } else {
                body
            };
            for value in illegal(schema) {
                let more = match name {
                    "stamp" | "expire" => {
                        vec![("is_dup", "true"), ("ver", "1"), ("stamp", "1"), (name, &*value)]
                    }
                    _ => companion(&operation.path, name).into_iter().chain([(name, &*value)]).collect(),
                };
                let reply = operation.ask(&mut client, &more, body);
                assert_eq!(reply.status, 400, "{} {name}={value}", operation.path);
                let is_head = operation.method == "HEAD";
                assert!(
                    is_head || reply.text().starts_with(&format!("{name}: ")),
                    "{name}: {}",
                    reply.text()
                );
            }
        }
    }
}

#[test]
fn the_parameters_it_reads_are_those_described() {
    let node = node();
    let mut client = Client::of(&node);
    let operations = operations(&fetch(&mut client));
    let mut all = BTreeSet::new();
    for folder in [
        concat!(env!("CARGO_MANIFEST_DIR"), "/src/handlers"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/../wire/src/queue"),
    ] {
        names_in_sources(Path::new(folder), &mut all);
    }
    assert!(all.len() > 15, "{all:?}");
    let described: BTreeSet<&str> = operations.iter().flat_map(Operation::names).collect();
    assert_eq!(all.iter().map(String::as_str).collect::<BTreeSet<_>>(), described);
    for operation in operations.iter().filter(|operation| operation.method != "HEAD") {
        for name in &all {
            let name = name.as_str();
            let beside = companion(&operation.path, name).unwrap_or(("is_dup", "true"));
            let replica = [("is_dup", "true"), ("ver", "1"), ("stamp", "1"), beside, (name, "%zz")];
            // Without a body, too: that is where the key or the value may be read.
            let reads = [&replica[..], &replica[4..], &[beside, (name, "%zz")]].into_iter().any(|more| {
                [operation.body(), ""].into_iter().any(|body| {
                    let reply = operation.ask(&mut client, more, body);
                    reply.text() == format!("{name}: bad escape\n")
                })
            });
            let described = operation.names().contains(name);
            assert_eq!(reads, described, "{} {} {name}", operation.method, operation.path);
        }
    }
}

#[test]
fn every_operation_can_be_refused_by_the_gate() {
    let node = builder().set("security.user=u").set("security.password=p").start().unwrap();
    let mut client = Client::of(&node);
    assert_eq!(client.get("/openapi.json").status, 401);
    let document = client.ask_with("GET", "/openapi.json", &[("Authorization", "Basic dTpw")], b"");
    let document: Value = serde_json::from_slice(&document.body).unwrap();
    let open = ["/status.html", "/version", "/metrics"];
    for operation in operations(&document) {
        let reply = client.ask(&operation.method, &operation.path, "");
        if open.contains(&operation.path.as_str()) {
            assert_eq!(reply.status, 200, "{}", operation.path);
        } else {
            assert_eq!((reply.status, reply.header("version")), (401, None), "{}", operation.path);
            assert!(operation.described["responses"]["401"].is_object());
        }
    }
}

#[test]
fn the_limits_in_the_document_are_those_of_the_node() {
    let node = builder().set("store.ttl_maximum=77").set("engine.partitions=4").start().unwrap();
    let document = fetch(&mut Client::of(&node));
    let maximum = |path: &str, name: &str| {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        parameters.iter().find(|parameter| parameter["name"] == name).unwrap()["schema"]["maximum"].clone()
    };
    assert_eq!((maximum("/hustdb/put", "ttl"), maximum("/hustdb/keys", "file")), (77.into(), 3.into()));
}

#[test]
fn info_counts() {
    let node = node();
    let mut client = Client::of(&node);
    let info = |client: &mut Client| -> Value {
        let reply = client.get("/hustdb/info");
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
        serde_json::from_slice(&reply.body).unwrap()
    };
    let before = info(&mut client);
    client.put("/hustdb/put?key=k", vec![b'v'; 5000]);
    client.get("/hustdb/sadd?tb=s&key=m");
    let after = info(&mut client);
    assert_eq!((&after["records"]["kv"], &after["records"]["tables"]), (&1.into(), &1.into()));
    let appended = |info: &Value| info["log"]["appended_bytes"].as_u64().unwrap();
    assert!(appended(&after) >= appended(&before) + 5000);
    assert_eq!(
        info(&mut client)["log"]["appended_bytes"],
        after["log"]["appended_bytes"],
        "asking resets nothing"
    );
    assert_eq!(client.ask("POST", "/hustdb/info", "").status, 405);
}
