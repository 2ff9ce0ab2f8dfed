//! Frames of queue messages: bodies of batches, both ways.
//!
//! A frame is a line of `name=value` pairs in query syntax that ends in `len=N`, a line feed, `N` bytes of item, a line
//! feed. A body is a sequence of frames and nothing else. What is read is a slice of the body: nothing is allocated from
//! a length that a stranger wrote. After the first error the rest of a body has no known beginning, and reading ends.
//! Names that a reader does not know are ignored, as parameters are; of a repeated one the last counts, but there is one
//! `len`, so that nobody can disagree about where a frame ends.

use crate::{answer::Kind, query::Query, refusal::Refusal};

/// The content type of a body of frames.
pub const FRAMES: Kind = Kind::Other(FRAMES_TYPE);
/// The same as text.
pub const FRAMES_TYPE: &str = "application/x-hustmq-frames";
/// Longest line, bytes, its line feed left out.
pub const LINE_MAX_BYTES: usize = 4096;

/// One message of a body.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// What the line says.
    pub fields: Query<'a>,
    /// The item.
    pub item: &'a [u8],
}

/// The frames of a body, in order; ends after the first error, which names its frame, counted from 1.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Frames<'a> {
    /// The frames of `body`.
    pub fn of(body: &'a [u8]) -> Frames<'a> {
        Frames { rest: body, number: 0 }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        Some(match read(self.rest) {
            Ok((frame, rest)) => {
                self.rest = rest;
                Ok(frame)
            }
            Err(reason) => {
                self.rest = &[];
                Err(Refusal::bad(format!("frame {}", self.number), reason))
            }
        })
    }
}

/// `refusal` as one of frame `number`, counted from 1.
pub fn in_frame(number: usize, refusal: Refusal) -> Refusal {
    let reason = format!("{}: {}", refusal.subject, refusal.reason);
    Refusal { subject: format!("frame {number}").into(), reason: reason.into(), ..refusal }
}

/// The first frame of `body`, and what follows it.
fn read(body: &[u8]) -> Result<(Frame<'_>, &[u8]), &'static str> {
    let head = body.get(..=LINE_MAX_BYTES).unwrap_or(body);
    let end = head.iter().position(|byte| *byte == b'\n');
    let end = end.ok_or(if head.len() > LINE_MAX_BYTES { "line too long" } else { "line cut off" })?;
    let (line, rest) = body.split_at(end);
    let length = length(line)?;
    let rest = rest.get(1..).unwrap_or_default();
    let length = usize::try_from(length).map_err(|_| "item cut off")?;
    let (item, rest) = rest.split_at_checked(length).ok_or("item cut off")?;
    let rest = rest.strip_prefix(b"\n").ok_or("no line feed after the item")?;
    Ok((Frame { fields: Query::new(line), item }, rest))
}

/// What the last pair of a line says, which must be the one `len`.
fn length(line: &[u8]) -> Result<u64, &'static str> {
    let last = line.rsplit(|byte| *byte == b'&').next().unwrap_or_default();
    let digits = last.strip_prefix(b"len=").ok_or("len: not the last pair")?;
    let lengths = Query::new(line).pairs().filter(|(name, _)| *name == b"len").count();
    if lengths != 1 {
        return Err("len: repeated");
    }
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err("len: not a number");
    }
    let add = |sum: u64, byte: &u8| sum.checked_mul(10)?.checked_add(u64::from(byte - b'0'));
    digits.iter().try_fold(0, add).ok_or("item cut off")
}

/// Writes one frame: pairs, then the item.
#[derive(Debug)]
pub struct Line<'b> {
    body: &'b mut Vec<u8>,
    started: bool,
}

impl<'b> Line<'b> {
    /// A frame at the end of `body`.
    pub fn new(body: &'b mut Vec<u8>) -> Line<'b> {
        Line { body, started: false }
    }

    /// Adds a number.
    pub fn number(mut self, name: &str, value: u64) -> Line<'b> {
        self.name(name);
        self.body.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        self
    }

    /// Adds a text, percent-encoded where it must be.
    pub fn text(mut self, name: &str, value: &[u8]) -> Line<'b> {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        self.name(name);
        for byte in value {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'~') {
                self.body.push(*byte);
            } else {
                let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or(b'0');
                self.body.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
        self
    }

    /// Ends the frame with its item.
    pub fn item(self, item: &[u8]) {
        let body = self.number("len", item.len() as u64).body;
        body.push(b'\n');
        body.extend_from_slice(item);
        body.push(b'\n');
    }

    fn name(&mut self, name: &str) {
        if self.started {
            self.body.push(b'&');
        }
        self.started = true;
        self.body.extend_from_slice(name.as_bytes());
        self.body.push(b'=');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(body: &[u8]) -> Result<Vec<Frame<'_>>, String> {
        Frames::of(body).map(|frame| frame.map_err(|refusal| refusal.line().trim_end().to_owned())).collect()
    }

    #[test]
    fn the_example_of_the_contract() {
        let frames = all(b"priori=1&id=o%2F17&len=5\nhello\n").unwrap();
        assert_eq!((frames.len(), frames[0].item), (1, &b"hello"[..]));
        assert_eq!(frames[0].fields.bytes("id").unwrap().as_deref(), Some(&b"o/17"[..]));
        assert_eq!(frames[0].fields.unsigned_in("priori", 0, 2), Ok(Some(1)));
    }

    #[test]
    fn what_is_written_is_read() {
        let odd: Vec<u8> = (0..=255).collect();
        let mut body = Vec::new();
        Line::new(&mut body).text("id", &odd).number("index", u64::MAX).item(&odd);
        Line::new(&mut body).item(b"");
        Line::new(&mut body).text("token", b"1:2:3").item(b"\nlen=3\n");
        assert!(body.ends_with(b"token=1:2:3&len=7\n\nlen=3\n\n"));
        let frames = all(&body).unwrap();
        assert_eq!(frames.iter().map(|frame| frame.item.len()).collect::<Vec<_>>(), [256, 0, 7]);
        assert_eq!(frames[0].fields.bytes("id").unwrap().as_deref(), Some(&odd[..]));
        assert_eq!(frames[0].fields.unsigned("index", u64::MAX), Ok(Some(u64::MAX)));
        assert!(all(b"").unwrap().is_empty());
        for cut in 1..body.len() {
            let whole = all(&body[..cut]).is_ok_and(|frames| frames.len() < 3);
            assert!(whole || all(&body[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn damage_is_named() {
        let long = [&[b'a'; LINE_MAX_BYTES - 4][..], b"&len=0\n\n"].concat();
        let table: [(&[u8], &str); 15] = [
            (b"\n", "len: not the last pair"),
            (b"len=1\na", "no line feed after the item"),
            (b"len=1\na\n\n", "frame 2: len: not the last pair"),
            (b"len=1\nab\n", "no line feed after the item"),
            (b"len=2\na\n", "no line feed after the item"),
            (b"len=9\na\n", "item cut off"),
            (b"len=18446744073709551616\na\n", "item cut off"),
            (b"len=1", "line cut off"),
            (b"len=1&id=a\na\n", "len: not the last pair"),
            (b"len=1&\na\n", "len: not the last pair"),
            (b"len=1&len=1\na\n", "len: repeated"),
            (b"len=\na\n", "len: not a number"),
            (b"len=+1\na\n", "len: not a number"),
            (b"len=%31\na\n", "len: not a number"),
            (&long, "line too long"),
        ];
        for (body, reason) in table {
            let error = all(body).unwrap_err();
            let reason =
                if reason.starts_with("frame") { reason.into() } else { format!("frame 1: {reason}") };
            assert_eq!(error, reason, "{}", String::from_utf8_lossy(&body[..body.len().min(40)]));
        }
        assert!(all(&long[3..]).is_ok(), "the longest line");
        let inner = in_frame(3, Refusal::bad("priori", "not in 0..2"));
        assert_eq!(inner.line(), "frame 3: priori: not in 0..2\n");
    }
}
