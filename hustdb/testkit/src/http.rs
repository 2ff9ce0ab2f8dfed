//! A blocking HTTP client that shows every answer as it is, whatever its status.

use std::time::Duration;

use ureq::{Agent, http};

/// A client with kept connections.
#[derive(Clone, Debug)]
pub struct Http {
    agent: Agent,
    base: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The number in a header.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }
}

impl Http {
    /// A client of `http://host:port`.
    pub fn new(base: &str) -> Http {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Http { agent: config.into(), base: base.to_owned() }
    }

    /// Any request; `Err` means that there was no complete answer.
    pub fn request(&self, method: &str, target: &str, body: Option<&[u8]>) -> Result<Reply, ureq::Error> {
        let request = http::Request::builder().method(method).uri(format!("{}{target}", self.base));
        let mut response = match body {
            Some(body) => self.agent.run(request.body(body)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let (status, headers) = (response.status().as_u16(), headers.collect());
        let body = response.body_mut().with_config().limit(64 << 20).read_to_vec()?;
        Ok(Reply { status, headers, body })
    }

    /// GET.
    pub fn get(&self, target: &str) -> Result<Reply, ureq::Error> {
        self.request("GET", target, None)
    }

    /// PUT.
    pub fn put(&self, target: &str, body: &[u8]) -> Result<Reply, ureq::Error> {
        self.request("PUT", target, Some(body))
    }
}
