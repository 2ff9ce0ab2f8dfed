//! A blocking HTTP/1.1 client with one keep-alive connection: little enough that a thread of it measures a server
//! and not itself.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// No answer takes longer unless the server hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Longest head of an answer.
const HEAD_LIMIT: usize = 16 << 10;

/// Most headers of an answer.
const HEADERS_MAX: usize = 32;

/// Longest body of an answer.
const BODY_LIMIT: usize = 64 << 20;

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    /// Room for an answer; never made smaller, so that no answer pays for clearing it.
    received: Vec<u8>,
    /// Bytes of it that have come.
    filled: usize,
    /// Bytes of the answer before, at its start.
    taken: usize,
    /// Requests that were sent or prepared and are not answered.
    waiting: usize,
}

/// An answer; the body stays in the client.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Status code.
    pub status: u16,
    /// The `Version` header.
    pub version: Option<u64>,
    /// The body.
    pub body: &'a [u8],
    head: &'a [u8],
}

impl<'a> Answer<'a> {
    /// A header of the answer.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        response.parse(self.head).ok()?;
        let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(header.value)
    }
}

/// What the head of an answer says.
struct Head {
    status: u16,
    version: Option<u64>,
    body_start: usize,
    body_bytes: usize,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT))?;
        let (request, received) = (Vec::new(), Vec::new());
        Ok(Client { stream, request, received, filled: 0, taken: 0, waiting: 0 })
    }

    /// Sends a GET and waits for the answer.
    pub fn get(&mut self, target: &str) -> io::Result<Answer<'_>> {
        self.send("GET", target, &[])
    }

    /// Sends a PUT and waits for the answer.
    pub fn put(&mut self, target: &str, body: &[u8]) -> io::Result<Answer<'_>> {
        self.send("PUT", target, body)
    }

    /// Sends a POST and waits for the answer.
    pub fn post(&mut self, target: &str, body: &[u8]) -> io::Result<Answer<'_>> {
        self.send("POST", target, body)
    }

    fn send(&mut self, method: &str, target: &str, body: &[u8]) -> io::Result<Answer<'_>> {
        self.prepare(method, target, body)?;
        self.flush()?;
        self.receive()
    }

    /// Prepares a request, to be sent in one write with others.
    pub fn prepare(&mut self, method: &str, target: &str, body: &[u8]) -> io::Result<()> {
        write!(self.request, "{method} {target} HTTP/1.1\r\nHost: bench\r\n")?;
        if method != "GET" {
            write!(self.request, "Content-Length: {}\r\n", body.len())?;
        }
        self.request.extend_from_slice(b"\r\n");
        self.request.extend_from_slice(body);
        self.waiting += 1;
        Ok(())
    }

    /// Sends what was prepared. Each request has an answer, in the same order.
    pub fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.request)?;
        self.request.clear();
        Ok(())
    }

    /// Waits for the answer to the oldest request that has had none.
    pub fn receive(&mut self) -> io::Result<Answer<'_>> {
        self.received.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        let head = loop {
            if let Some(head) = parse_head(&self.received[..self.filled])? {
                break head;
            }
            if self.filled > HEAD_LIMIT {
                return Err(odd("the head of the answer has no end"));
            }
            self.receive_some(HEAD_LIMIT)?;
        };
        let end = head.body_start + head.body_bytes;
        while self.filled < end {
            self.receive_some(end - self.filled)?;
        }
        self.waiting -= 1;
        if self.filled > end && self.waiting == 0 {
            return Err(odd("more bytes than the answer announced"));
        }
        self.taken = end;
        let (top, body) = self.received[..end].split_at(head.body_start);
        Ok(Answer { status: head.status, version: head.version, body, head: top })
    }

    fn receive_some(&mut self, most: usize) -> io::Result<()> {
        let end = self.filled + most;
        if self.received.len() < end {
            self.received.resize(end, 0);
        }
        let got = loop {
            match self.stream.read(&mut self.received[self.filled..end]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                got => break got?,
            }
        };
        self.filled += got;
        if got == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

/// The head at the start of `bytes`; `None` while it is incomplete.
fn parse_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body_start) = response.parse(bytes).map_err(odd)? else {
        return Ok(None);
    };
    let number = |name: &str| -> io::Result<Option<u64>> {
        let Some(header) = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))
        else {
            return Ok(None);
        };
        let text = std::str::from_utf8(header.value).map_err(odd)?;
        text.trim().parse().map(Some).map_err(odd)
    };
    let body_bytes = number("Content-Length")?.ok_or_else(|| odd("no Content-Length"))?;
    let body_bytes = usize::try_from(body_bytes).map_err(odd)?;
    if body_bytes > BODY_LIMIT {
        return Err(odd("the answer is too long"));
    }
    let status = response.code.ok_or_else(|| odd("no status"))?;
    Ok(Some(Head { status, version: number("Version")?, body_start, body_bytes }))
}

fn odd(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Answers one connection with these bytes, one byte a segment.
    fn answered_by(bytes: &'static [u8]) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Client::connect(listener.local_addr().unwrap()).unwrap();
        std::thread::Builder::new()
            .spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                stream.set_nodelay(true).unwrap();
                let mut request = [0; 256];
                assert!(stream.read(&mut request).unwrap() > 0);
                bytes.iter().for_each(|byte| stream.write_all(&[*byte]).unwrap());
            })
            .unwrap();
        client
    }

    #[test]
    fn an_answer_in_pieces_is_put_together() {
        let mut client = answered_by(b"HTTP/1.1 200 OK\r\nversion: 7\r\ncontent-length: 5\r\n\r\nhello");
        let answer = client.put("/x", b"body").unwrap();
        assert_eq!((answer.status, answer.version, answer.body), (200, Some(7), b"hello".as_slice()));
        assert_eq!((answer.header("VERSION"), answer.header("index")), (Some(b"7".as_slice()), None));
    }

    #[test]
    fn answers_come_in_the_order_of_their_requests() {
        let mut client = answered_by(
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none\
              HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n\
              HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthree",
        );
        for target in ["/1", "/2", "/3"] {
            client.prepare("GET", target, &[]).unwrap();
        }
        client.flush().unwrap();
        for (status, body) in [(200, &b"one"[..]), (404, b""), (200, b"three")] {
            let answer = client.receive().unwrap();
            assert_eq!((answer.status, answer.body), (status, body));
        }
    }

    #[test]
    fn answers_that_are_none_are_errors() {
        for bytes in [
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel".as_slice(),
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            b"SSH-2.0\r\n\r\n",
            b"",
        ] {
            assert!(answered_by(bytes).get("/x").is_err(), "{bytes:?}");
        }
    }
}
