//! A blocking client of Redis' protocol with one connection: commands are gathered, sent in one write, and their
//! answers read in order.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// No answer takes longer unless the server hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Longest string of an answer, and the most parts of a list.
const LENGTH_MAX: usize = 64 << 20;

/// Deepest nesting of lists.
const DEPTH_MAX: usize = 8;

/// A connection.
#[derive(Debug)]
pub struct Resp {
    requests: Vec<u8>,
    stream: TcpStream,
    answers: BufReader<TcpStream>,
}

/// An answer, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Integer(i64),
    /// A string of either sort.
    Text(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// No string, or no list.
    Nothing,
}

impl Resp {
    /// Connects.
    pub fn connect(address: SocketAddr) -> io::Result<Resp> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT))?;
        let answers = BufReader::with_capacity(64 << 10, stream.try_clone()?);
        Ok(Resp { requests: Vec::new(), stream, answers })
    }

    /// Adds a command to those that the next [`Resp::send`] sends.
    pub fn add(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        write!(self.requests, "*{}\r\n", parts.len())?;
        for part in parts {
            write!(self.requests, "${}\r\n", part.len())?;
            self.requests.extend_from_slice(part);
            self.requests.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    /// Sends what was added.
    pub fn send(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.requests)?;
        self.requests.clear();
        Ok(())
    }

    /// Sends one command and waits for its answer.
    pub fn ask(&mut self, parts: &[&[u8]]) -> io::Result<Value> {
        self.add(parts)?;
        self.send()?;
        self.answer()
    }

    /// The next answer; one that says that a command failed is an error.
    pub fn answer(&mut self) -> io::Result<Value> {
        value(&mut self.answers, DEPTH_MAX)
    }
}

fn value(answers: &mut impl BufRead, depth: usize) -> io::Result<Value> {
    let mut line = Vec::new();
    answers.by_ref().take(1 << 16).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let (sort, rest) = line.split_first().ok_or_else(|| odd("an empty line"))?;
    match sort {
        b'+' => Ok(Value::Text(rest.to_vec())),
        b':' => number(rest).map(Value::Integer),
        b'$' | b'*' if rest == b"-1" => Ok(Value::Nothing),
        b'$' => {
            let mut text = vec![0; length(rest)? + 2];
            answers.read_exact(&mut text)?;
            text.truncate(text.len() - 2);
            Ok(Value::Text(text))
        }
        b'*' if depth > 0 => {
            (0..length(rest)?).map(|_| value(answers, depth - 1)).collect::<io::Result<_>>().map(Value::List)
        }
        _ => Err(odd(String::from_utf8_lossy(line).into_owned())),
    }
}

fn length(digits: &[u8]) -> io::Result<usize> {
    let length = usize::try_from(number(digits)?).map_err(odd)?;
    if length > LENGTH_MAX { Err(odd("the answer is too long")) } else { Ok(length) }
}

fn number(digits: &[u8]) -> io::Result<i64> {
    std::str::from_utf8(digits).map_err(odd)?.parse().map_err(odd)
}

fn odd(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8]) -> io::Result<Value> {
        let read = value(&mut bytes, DEPTH_MAX)?;
        assert_eq!(bytes, b"", "all of it is read");
        Ok(read)
    }

    #[test]
    fn answers_of_all_sorts() {
        let text = |text: &str| Value::Text(text.into());
        assert_eq!(read(b"+OK\r\n").unwrap(), text("OK"));
        assert_eq!(read(b":-7\r\n").unwrap(), Value::Integer(-7));
        assert_eq!(read(b"$5\r\na\r\nbc\r\n").unwrap(), text("a\r\nbc"));
        assert_eq!(read(b"$-1\r\n").unwrap(), Value::Nothing);
        assert_eq!(read(b"*-1\r\n").unwrap(), Value::Nothing);
        let list = Value::List(vec![text("x"), Value::List(vec![Value::Integer(1)])]);
        assert_eq!(read(b"*2\r\n$1\r\nx\r\n*1\r\n:1\r\n").unwrap(), list);
    }

    #[test]
    fn answers_that_are_none_are_errors() {
        let deep = b"*1\r\n".repeat(DEPTH_MAX + 2);
        for bytes in [
            b"-ERR no\r\n".as_slice(),
            b"",
            b"\r\n",
            b"+OK",
            b"$5\r\nabc",
            b"$99999999999\r\n",
            b"$x\r\n",
            b"*2\r\n:1\r\n",
            &deep,
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }
}
