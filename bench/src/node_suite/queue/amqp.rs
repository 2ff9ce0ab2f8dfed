//! As much of AMQP 0-9-1 as a queue needs: frames, the methods of one channel, a persistent message.
//!
//! Not a client library: one runs tasks or threads of its own, and on the cores that server and load share the peer
//! would pay for them.

use std::{
    io::{self, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// No answer takes longer unless the server hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Longest frame we read and offer.
const FRAME_MAX: usize = 128 << 10;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
const FRAME_END: u8 = 0xce;

/// Class and number of a method.
pub type Method = (u16, u16);

const START: Method = (10, 10);
const START_OK: Method = (10, 11);
const TUNE: Method = (10, 30);
const TUNE_OK: Method = (10, 31);
const OPEN: Method = (10, 40);
const OPEN_OK: Method = (10, 41);
const CHANNEL_OPEN: Method = (20, 10);
const CHANNEL_OPEN_OK: Method = (20, 11);
/// An empty property but the delivery mode: 2, persistent.
const PERSISTENT: [u8; 3] = [0x10, 0x00, 2];
const BASIC: u16 = 60;

/// Arguments of a method.
#[derive(Debug, Default)]
pub struct Arguments(Vec<u8>);

impl Arguments {
    /// An octet, or bits.
    pub fn octet(mut self, value: u8) -> Arguments {
        self.0.push(value);
        self
    }

    /// Two octets.
    pub fn short(mut self, value: u16) -> Arguments {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// Four octets; 0 is also an empty table.
    pub fn long(mut self, value: u32) -> Arguments {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// Eight octets.
    pub fn longlong(mut self, value: u64) -> Arguments {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// A string of at most 255 bytes.
    pub fn text(mut self, text: &str) -> Arguments {
        let text = &text.as_bytes()[..text.len().min(255)];
        self.0.push(text.len() as u8);
        self.0.extend_from_slice(text);
        self
    }
}

/// A frame of a channel.
#[derive(Debug)]
pub enum Frame<'a> {
    /// A method and its arguments.
    Method(Method, &'a [u8]),
    /// Length of the message that follows a delivery.
    Header(u64),
    /// Bytes of a message.
    Body(&'a [u8]),
}

/// A connection with one channel.
pub struct Channel {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
    requests: Vec<u8>,
    frame: Vec<u8>,
}

impl Channel {
    /// Connects as the guest that a new server lets in from its own machine, and opens the channel.
    pub fn open(address: SocketAddr) -> io::Result<Channel> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT))?;
        let answers = BufReader::with_capacity(64 << 10, stream.try_clone()?);
        let mut channel =
            Channel { stream, answers, requests: b"AMQP\x00\x00\x09\x01".to_vec(), frame: Vec::new() };
        channel.send()?;
        channel.expect(START)?;
        let login = b"\0guest\0guest";
        let mut start = Arguments::default().long(0).text("PLAIN").long(login.len() as u32);
        start.0.extend_from_slice(login);
        channel.method_on(0, START_OK, start.text("en_US"));
        channel.send()?;
        channel.expect(TUNE)?;
        channel.method_on(0, TUNE_OK, Arguments::default().short(1).long(FRAME_MAX as u32).short(0));
        channel.method_on(0, OPEN, Arguments::default().text("/").text("").octet(0));
        channel.send()?;
        channel.expect(OPEN_OK)?;
        channel.call(CHANNEL_OPEN, Arguments::default().text(""), CHANNEL_OPEN_OK)?;
        Ok(channel)
    }

    /// Sends a method and waits for the one that answers it.
    pub fn call(&mut self, method: Method, arguments: Arguments, answer: Method) -> io::Result<()> {
        self.method(method, arguments);
        self.send()?;
        self.expect(answer)
    }

    /// Adds a method to what [`Channel::send`] sends.
    pub fn method(&mut self, method: Method, arguments: Arguments) {
        self.method_on(1, method, arguments);
    }

    fn method_on(&mut self, channel: u16, (class, number): Method, arguments: Arguments) {
        let head = Arguments::default().short(class).short(number).0;
        self.add(METHOD, channel, &[&head, &arguments.0]);
    }

    /// Adds the persistent message that follows a publication.
    pub fn message(&mut self, message: &[u8]) {
        let head = Arguments::default().short(BASIC).short(0).longlong(message.len() as u64).0;
        self.add(HEADER, 1, &[&head, &PERSISTENT]);
        for part in message.chunks(FRAME_MAX - 8) {
            self.add(BODY, 1, &[part]);
        }
    }

    fn add(&mut self, sort: u8, channel: u16, parts: &[&[u8]]) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let head = Arguments::default().octet(sort).short(channel).long(len as u32).0;
        self.requests.extend_from_slice(&head);
        parts.iter().for_each(|part| self.requests.extend_from_slice(part));
        self.requests.push(FRAME_END);
    }

    /// Sends what was added.
    pub fn send(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.requests)?;
        self.requests.clear();
        Ok(())
    }

    fn expect(&mut self, wanted: Method) -> io::Result<()> {
        match self.receive()? {
            Frame::Method(method, _) if method == wanted => Ok(()),
            other => Err(odd(format!("{other:?} in place of {wanted:?}"))),
        }
    }

    /// The next frame that is no heartbeat.
    pub fn receive(&mut self) -> io::Result<Frame<'_>> {
        let sort = loop {
            let mut head = [0; 7];
            self.answers.read_exact(&mut head)?;
            let [sort, _, _, len @ ..] = head;
            let len = u32::from_be_bytes(len) as usize;
            if len > FRAME_MAX {
                return Err(odd(format!("a frame of {len} bytes")));
            }
            self.frame.resize(len + 1, 0);
            self.answers.read_exact(&mut self.frame)?;
            if self.frame.pop() != Some(FRAME_END) {
                return Err(odd("a frame without its end"));
            }
            if sort != HEARTBEAT {
                break sort;
            }
        };
        frame(sort, &self.frame)
    }
}

fn frame(sort: u8, bytes: &[u8]) -> io::Result<Frame<'_>> {
    let short = || odd("a frame is too short");
    match sort {
        METHOD => {
            let ([a, b, c, d], arguments) = bytes.split_first_chunk().ok_or_else(short)?;
            let method = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            Ok(Frame::Method(method, arguments))
        }
        HEADER => {
            let len = bytes.get(4..12).and_then(<[u8]>::first_chunk).ok_or_else(short)?;
            Ok(Frame::Header(u64::from_be_bytes(*len)))
        }
        BODY => Ok(Frame::Body(bytes)),
        _ => Err(odd(format!("a frame of sort {sort}"))),
    }
}

/// An answer that breaks the protocol, or our expectation.
pub fn odd(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart_and_short_ones_refused() {
        assert!(matches!(frame(METHOD, &[0, 60, 0, 80, 7]).unwrap(), Frame::Method((60, 80), [7])));
        let header = [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0x10, 0, 2];
        assert!(matches!(frame(HEADER, &header).unwrap(), Frame::Header(258)));
        assert!(matches!(frame(BODY, b"ab").unwrap(), Frame::Body(b"ab")));
        for (sort, bytes) in [(METHOD, &[0, 60, 0][..]), (HEADER, &header[..11]), (7, &[])] {
            assert!(frame(sort, bytes).is_err(), "{sort}");
        }
    }

    #[test]
    fn arguments_are_big_endian() {
        let bytes = Arguments::default().octet(1).short(2).long(3).longlong(4).text("ab").0;
        assert_eq!(bytes, [1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 2, b'a', b'b']);
    }
}
