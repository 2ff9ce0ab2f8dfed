//! What an operation is described with.

/// One path, for all methods of its route.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub path: &'static str,
    pub summary: &'static str,
    pub parameters: &'static [Parameter],
    /// Of POST and PUT; other methods are described without.
    pub body: Body,
    pub content: Content,
    pub headers: Headers,
    /// Beside 200 and those that all have.
    pub statuses: &'static [u16],
}

/// A parameter in the query.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub need: Need,
    pub shape: Shape,
    pub text: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Optional,
    Required,
    /// Required where there is no body.
    WithoutBody,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Boolean,
    /// A boolean that may only be false.
    False,
    Unsigned {
        min: u64,
        max: u64,
    },
    Signed,
    Bytes {
        min: u64,
        max: u64,
    },
    Table,
    /// A name, or nothing.
    TableOrEmpty,
    /// Of a delivery.
    Token,
    /// Seconds, as far as the configuration allows.
    Ttl,
    /// Seconds of a published message, as far as the configuration allows.
    MessageTtl,
    /// A file of this node.
    File,
    /// `name:port`.
    Host,
    /// A number with a sign and a fraction.
    Decimal,
    Text,
}

/// The body of POST and PUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    None,
    Value,
    Member,
    Number,
    Lines,
    Frames,
    Token,
}

/// The body of 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Empty,
    Value,
    Number,
    Text,
    Json,
    Lines,
    Frames,
    Metrics,
    /// The message, or with `count` frames of messages.
    Message,
    /// Nothing, or JSON about each of many.
    EmptyOrJson,
}

/// The headers of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    None,
    Read,
    Write,
    Listing,
    Scan,
    /// `Expire` with 200.
    Expire,
    /// `Unknown-Tokens` with 200 and 404.
    Tokens,
}

pub const fn required(name: &'static str, shape: Shape, text: &'static str) -> Parameter {
    Parameter { name, need: Need::Required, shape, text }
}

pub const fn optional(name: &'static str, shape: Shape, text: &'static str) -> Parameter {
    Parameter { name, need: Need::Optional, shape, text }
}
