//! A body in chunks: sizes, data, and headers after the last one, which are dropped. Pure.

use bytes::{Buf, BytesMut};
use httparse::Status;

/// Longest line of a size with its extensions, and most bytes of headers after the body.
const LINES_MAX_BYTES: usize = 8 << 10;

/// What comes next in a body.
#[derive(Debug)]
pub enum Chunks {
    Size,
    /// So many bytes, then the end of their line.
    Data(u64),
    DataEnd,
    /// Headers after the body, of which so many bytes have come.
    Trailer(usize),
    Over,
}

impl Chunks {
    /// Moves what has come from `input` to `body`. Whether the body has ended; if not, more bytes are needed.
    pub fn take(
        &mut self,
        input: &mut BytesMut,
        body: &mut BytesMut,
        max_bytes: usize,
    ) -> Result<bool, String> {
        loop {
            match self {
                // An empty line would be taken for the size 0.
                Chunks::Size if input.first().is_some_and(|byte| !byte.is_ascii_hexdigit()) => {
                    return Err("answer: illegal chunk".into());
                }
                Chunks::Size => match httparse::parse_chunk_size(input) {
                    Ok(Status::Complete((line_bytes, size))) => {
                        if size > (max_bytes - body.len().min(max_bytes)) as u64 {
                            return Err(format!("answer: over {max_bytes} bytes"));
                        }
                        input.advance(line_bytes);
                        *self = if size == 0 { Chunks::Trailer(0) } else { Chunks::Data(size) };
                    }
                    Ok(Status::Partial) if input.len() <= LINES_MAX_BYTES => return Ok(false),
                    _ => return Err("answer: illegal chunk".into()),
                },
                Chunks::Data(left) => {
                    let now = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                    body.extend_from_slice(&input.split_to(now));
                    *left -= now as u64;
                    if *left > 0 {
                        return Ok(false);
                    }
                    *self = Chunks::DataEnd;
                }
                Chunks::DataEnd => match input.first_chunk() {
                    None => return Ok(false),
                    Some(b"\r\n") => {
                        input.advance(2);
                        *self = Chunks::Size;
                    }
                    Some(_) => return Err("answer: illegal chunk".into()),
                },
                Chunks::Trailer(before) => {
                    let line = input.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
                    if *before + line.unwrap_or(input.len()) > LINES_MAX_BYTES {
                        return Err("answer: too much after the body".into());
                    }
                    let Some(line) = line else { return Ok(false) };
                    let is_empty = input.split_to(line).trim_ascii().is_empty();
                    *self = if is_empty { Chunks::Over } else { Chunks::Trailer(*before + line) };
                }
                Chunks::Over => return Ok(true),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body and what is left, given `piece` bytes at a time.
    fn read(bytes: &[u8], piece: usize) -> Result<(Vec<u8>, usize), String> {
        let (mut chunks, mut input, mut body) = (Chunks::Size, BytesMut::new(), BytesMut::new());
        for (number, part) in bytes.chunks(piece).enumerate() {
            input.extend_from_slice(part);
            if chunks.take(&mut input, &mut body, 10)? {
                let left = bytes.len() - bytes.len().min((number + 1) * piece) + input.len();
                return Ok((body.to_vec(), left));
            }
        }
        Err("unfinished".into())
    }

    #[test]
    fn bodies_in_pieces_of_any_length() {
        /// What comes, and the body with the bytes left, or why there is none.
        type Row = (&'static [u8], Result<(&'static [u8], usize), &'static str>);
        let table: [Row; 11] = [
            (b"0\r\n\r\n", Ok((b"", 0))),
            (b"3\r\nabc\r\nA;x=\"y\"\r\n0123456789", Err("answer: over 10 bytes")),
            (b"3;x=y\r\nabc\r\n2\r\n\r\n\r\n0\r\na: b\r\nc: d\r\n\r\nHTTP", Ok((b"abc\r\n", 4))),
            (b"ffffffffffffffff\r\n", Err("answer: over 10 bytes")),
            (b"10000000000000000\r\n", Err("answer: illegal chunk")),
            (b"-1\r\n", Err("answer: illegal chunk")),
            (b"\r\n", Err("answer: illegal chunk")),
            (b"1\r\nab\r\n", Err("answer: illegal chunk")),
            (b"1\r\na\n0\r\n\r\n", Err("answer: illegal chunk")),
            (b"1\r\na\r\n", Err("unfinished")),
            (b"1\r\na\r\n0\r\n", Err("unfinished")),
        ];
        for (bytes, expected) in table {
            for piece in [1, 2, 5, 100] {
                let expected = expected.map(|(body, left)| (body.to_vec(), left)).map_err(str::to_owned);
                assert_eq!(read(bytes, piece), expected, "{} by {piece}", String::from_utf8_lossy(bytes));
            }
        }
    }

    #[test]
    fn nothing_grows_without_end() {
        for start in ["1;", "0\r\nx", "0\r\n"] {
            let mut hostile = start.as_bytes().to_vec();
            hostile.extend(
                b"x: y\r\n".repeat(3000).iter().filter(|byte| start != "1;" || !b"\r\n".contains(byte)),
            );
            assert!(read(&hostile, 100).is_err_and(|cause| cause.starts_with("answer: ")), "{start}");
        }
    }
}
