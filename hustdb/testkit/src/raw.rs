//! A client of one connection that sends what it is told to: any method, any target, any bytes.
//!
//! It reads answers strictly: each must have a `Content-Length`, as the contract of all programs says.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::http::Reply;

/// A connection.
#[derive(Debug)]
pub struct Raw(BufReader<TcpStream>);

impl Raw {
    /// Connects.
    pub fn connect(address: SocketAddr) -> io::Result<Raw> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Raw(BufReader::new(stream)))
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref())
    }

    /// Sends a request; the body is announced by its length, by POST and PUT also if it is empty.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: node\r\n");
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT") {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        self.send([head.as_bytes(), body].concat())
    }

    /// Sends a request and reads its answer.
    pub fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        self.request(method, target, headers, body)?;
        if method == "HEAD" { self.head() } else { self.reply() }
    }

    /// Reads an answer.
    pub fn reply(&mut self) -> io::Result<Reply> {
        let mut reply = self.head()?;
        if reply.status >= 200 {
            let length = reply.number("content-length").ok_or_else(|| bad("no Content-Length"))?;
            self.0.by_ref().take(length).read_to_end(&mut reply.body)?;
            if reply.body.len() as u64 != length {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(reply)
    }

    /// Reads the head of an answer.
    pub fn head(&mut self) -> io::Result<Reply> {
        let status = self.line()?;
        let status = status.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let mut reply = Reply {
            status: status.ok_or_else(|| bad("no status line"))?,
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(reply);
            }
            let (name, value) = line.split_once(": ").ok_or_else(|| bad("no header line"))?;
            reply.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }

    /// Whether the other side closes without another byte.
    pub fn is_closed(&mut self) -> io::Result<bool> {
        Ok(self.0.fill_buf()?.is_empty())
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
