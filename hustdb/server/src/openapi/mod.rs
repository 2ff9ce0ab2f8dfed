//! `/openapi.json`: the interface of the node in the form of OpenAPI 3.1.
//!
//! The files beside this one have a row for each route: whoever adds a route adds a row. Methods are those of the
//! routes, and ranges that the configuration sets are those of this node. A test asks a node for everything that the document says
//! and that it does not.

mod cache;
mod parts;
mod queue;
mod ranges;
mod replication;
mod table;

use hust_wire::route::Methods;
use hyper::Method;
use serde_json::{Map, Value, json};

use self::parts::{Body, Content, Headers, Need, Operation, Parameter, Shape};
use crate::{handlers::batch::JSON_LINES, node::Limits, routes::ROUTES};

/// One token, or several with commas.
const TOKENS: &str = "^[0-9:.]{3,64}(,[0-9:.]{3,64})*$";

/// The document of a node with so many files.
pub fn document(limits: &Limits, file_count: usize) -> Value {
    let mut paths = Map::new();
    let routes = ROUTES.iter().filter_map(|route| {
        let operation = described().find(|operation| operation.path == route.path)?;
        Some((operation, route.methods))
    });
    let own = table::OF_EVERY_PROGRAM.iter().map(|operation| (operation, Methods::READ));
    for (operation, methods) in routes.chain(own) {
        let mut item = Map::new();
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT] {
            if methods.allow(&method) {
                let described = describe(operation, &method, limits, file_count);
                item.insert(method.as_str().to_ascii_lowercase(), described);
            }
        }
        paths.insert(operation.path.to_owned(), item.into());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "hustdb",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A storage node: kv pairs, hashes, sets, sorted sets, a cache and queues over HTTP. Parameters stand in the \
                query and are percent-decoded once, to bytes. Strings are measured in bytes.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
            "responses": {"refused": {
                "description": "Refused; one line, `subject: reason`",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }},
        },
        "security": [{"basic": []}, {}],
    })
}

/// The rows of all routes.
fn described() -> impl Iterator<Item = &'static Operation> {
    table::OPERATIONS
        .iter()
        .chain(ranges::OPERATIONS)
        .chain(replication::OPERATIONS)
        .chain(cache::OPERATIONS)
        .chain(queue::OPERATIONS)
}

fn describe(operation: &Operation, method: &Method, limits: &Limits, file_count: usize) -> Value {
    let with_body = *method == Method::POST || *method == Method::PUT;
    let body = if with_body { request_body(operation.body) } else { None };
    let parameter = |parameter: &Parameter| {
        let required = match parameter.need {
            Need::Optional => false,
            Need::Required => true,
            Need::WithoutBody => body.is_none(),
        };
        json!({
            "name": parameter.name,
            "in": "query",
            "required": required,
            "description": parameter.text,
            "schema": schema(parameter.shape, limits, file_count),
        })
    };
    let name = operation.path.trim_start_matches('/').replace(['/', '.'], "_");
    let mut described = json!({
        "operationId": format!("{name}_{}", method.as_str().to_ascii_lowercase()),
        "summary": operation.summary,
        "parameters": operation.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": responses(operation, body.is_some()),
    });
    if let (Some(object), Some(body)) = (described.as_object_mut(), body) {
        object.insert("requestBody".into(), body);
    }
    described
}

fn schema(shape: Shape, limits: &Limits, file_count: usize) -> Value {
    match shape {
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::False => json!({"type": "boolean", "const": false}),
        Shape::Unsigned { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Shape::Signed => json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX}),
        Shape::Bytes { min, max } => json!({"type": "string", "minLength": min, "maxLength": max}),
        Shape::Table => json!({"type": "string", "pattern": "^[0-9A-Za-z_:.]{1,64}$"}),
        Shape::TableOrEmpty => json!({"type": "string", "pattern": "^[0-9A-Za-z_:.]{0,64}$"}),
        Shape::Token => json!({"type": "string", "pattern": TOKENS}),
        Shape::MessageTtl => {
            json!({"type": "integer", "minimum": 1, "maximum": limits.message_ttl_maximum_s})
        }
        Shape::Ttl => json!({"type": "integer", "minimum": 0, "maximum": limits.ttl_maximum_s}),
        Shape::File => json!({"type": "integer", "minimum": 0, "maximum": file_count.saturating_sub(1)}),
        Shape::Decimal => json!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
        Shape::Host => json!({"type": "string", "pattern": r"^[0-9A-Za-z_.-]+:[1-9][0-9]{0,3}$"}),
        Shape::Text => json!({"type": "string"}),
    }
}

/// The body, which is not empty where it is described: an empty one counts as none.
fn request_body(body: Body) -> Option<Value> {
    let (kind, schema) = match body {
        Body::None => return None,
        Body::Value => ("application/octet-stream", json!({"type": "string", "minLength": 1})),
        Body::Member => {
            ("application/octet-stream", json!({"type": "string", "minLength": 1, "maxLength": 65_536}))
        }
        Body::Number => ("text/plain", json!({"type": "string", "pattern": "^-?[0-9]{1,18}$"})),
        Body::Lines => (JSON_LINES, json!({"type": "string", "description": "one JSON object a line"})),
        Body::Token => ("text/plain", json!({"type": "string", "pattern": TOKENS})),
        Body::Frames => ("application/octet-stream", json!({"type": "string", "description": "frames"})),
    };
    Some(json!({"required": true, "content": {kind: {"schema": schema}}}))
}

fn responses(operation: &Operation, with_body: bool) -> Value {
    let mut responses = Map::new();
    let done = json!({
        "description": "Done",
        "headers": headers(operation.headers, 200),
        "content": content(operation.content),
    });
    responses.insert("200".into(), done);
    let of_all = [400, 401, 403, 414, 431, 500, 503];
    let of_bodies = [408, 413].into_iter().filter(|_| with_body);
    for status in of_all.into_iter().chain(of_bodies) {
        responses.insert(status.to_string(), json!({"$ref": "#/components/responses/refused"}));
    }
    for status in operation.statuses {
        let description = match status {
            401 => "Another version than `ver`, or credentials are missing",
            403 => "Over capacity, or the operation cannot be applied to what is stored",
            404 => "Not there",
            413 => "More than is allowed",
            412 => "No such table, one of another type, or one too many",
            _ => "The file system is full",
        };
        let with_tokens = operation.body == Body::Token || operation.headers == Headers::Tokens;
        let refused = json!({
            "description": description,
            "headers": headers(operation.headers, *status),
            "content": content(if with_tokens { Content::EmptyOrJson } else { Content::Text }),
        });
        responses.insert(status.to_string(), refused);
    }
    responses.into()
}

fn content(content: Content) -> Value {
    let (kind, schema) = match content {
        Content::Message => {
            return json!({
                "text/plain": {"schema": {"type": "string"}},
                "application/x-hustmq-frames": {"schema": {"type": "string"}},
            });
        }
        Content::EmptyOrJson => {
            return json!({
                "text/plain": {"schema": {"type": "string", "maxLength": 0}},
                "application/json": {"schema": {"type": "object"}},
            });
        }
        Content::Empty => ("text/plain", json!({"type": "string", "maxLength": 0})),
        Content::Number => ("text/plain", json!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"})),
        Content::Value | Content::Text => ("text/plain", json!({"type": "string"})),
        Content::Json => ("application/json", json!({"type": ["object", "array"]})),
        Content::Lines => (JSON_LINES, json!({"type": "string"})),
        Content::Frames => ("application/octet-stream", json!({"type": "string"})),
        Content::Metrics => {
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", json!({"type": "string"}))
        }
    };
    json!({kind: {"schema": schema}})
}

/// Headers of an answer; those marked are always there.
fn headers(headers: Headers, status: u16) -> Value {
    let number = |required: bool| json!({"required": required, "schema": {"type": "integer", "minimum": 0}});
    let mut described = Map::new();
    let is_done = status == 200;
    match headers {
        Headers::None => {}
        Headers::Listing | Headers::Scan if is_done => {
            described.insert("Keys".into(), number(true));
            if headers == Headers::Listing {
                described.insert("TotalCount".into(), number(true));
            }
            described.insert("Cursor".into(), json!({"required": false, "schema": {"type": "string"}}));
        }
        Headers::Expire if is_done => {
            described.insert("Expire".into(), number(true));
        }
        Headers::Tokens if is_done || status == 404 => {
            let schema = json!({"type": "string", "pattern": TOKENS});
            described.insert("Unknown-Tokens".into(), json!({"required": false, "schema": schema}));
        }
        Headers::Listing | Headers::Scan | Headers::Expire | Headers::Tokens => {}
        Headers::Read | Headers::Write => {
            // 401 and 403 may also come from the gate, which knows no versions.
            let always = !matches!(status, 401 | 403 | 507);
            if status != 507 {
                described.insert("Version".into(), number(always));
            }
            if headers == Headers::Write && status != 507 {
                described
                    .insert("VerError".into(), json!({"required": always, "schema": {"type": "boolean"}}));
            }
            if is_done {
                described.insert("Stamp".into(), number(headers == Headers::Write));
                described.insert("Expire".into(), number(false));
            }
        }
    }
    described.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_once_and_nothing_else() {
        let routes: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
        let described: Vec<&str> = described().map(|operation| operation.path).collect();
        assert_eq!(described.len(), described.iter().collect::<BTreeSet<_>>().len());
        assert_eq!(routes.iter().collect::<BTreeSet<_>>(), described.iter().collect::<BTreeSet<_>>());
    }

    #[test]
    fn methods_are_those_of_the_routes_and_ids_are_unique() {
        let document =
            document(&Limits { ttl_maximum_s: 60, message_ttl_maximum_s: 60, max_body_bytes: 1 << 20 }, 8);
        let mut ids = BTreeSet::new();
        for route in ROUTES {
            let item = document["paths"][route.path].as_object().unwrap();
            let methods: Vec<String> = item.keys().map(|method| method.to_ascii_uppercase()).collect();
            assert_eq!(methods.len(), route.methods.header().split(", ").count(), "{}", route.path);
            for (method, operation) in item {
                assert!(route.methods.header().contains(&method.to_ascii_uppercase()), "{method}");
                assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()));
            }
        }
    }
}
