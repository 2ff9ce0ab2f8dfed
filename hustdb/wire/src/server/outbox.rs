//! What a connection has to send and has not sent yet.
//!
//! A small answer is held until hyper asks for more of the client's bytes: by then all requests that came with its own
//! are answered, and the answers leave together, in one packet if they fit. If one of the requests waits, what is held
//! leaves after one more turn of the worker's tasks. What is held is bounded.

use std::{
    io::{self, IoSlice},
    task::{Poll, ready},
};

use bytes::{Buf, Bytes};

/// Most bytes of answers that are held.
const HELD_MAX_BYTES: usize = 16 << 10;

/// Bytes to be sent, in their order.
#[derive(Debug, Default)]
pub struct Outbox {
    held: Vec<u8>,
    /// So many of `held` have been sent.
    sent: usize,
    /// What follows `held`.
    body: Bytes,
    stuck: bool,
}

impl Outbox {
    /// What is left of `head` and `body` after `sent` bytes.
    pub fn of(head: &[u8], mut body: Bytes, sent: usize) -> Outbox {
        let (_, held) = head.split_at(sent.min(head.len()));
        body.advance(sent.saturating_sub(head.len()).min(body.len()));
        Outbox { held: held.to_vec(), sent: 0, body, stuck: false }
    }

    /// Whether everything has been sent.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.body.is_empty()
    }

    /// Whether the socket did not take all of it the last time.
    pub fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// Whether so many more bytes may be held.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.body.is_empty() && self.held.len() + bytes <= HELD_MAX_BYTES
    }

    /// Holds what there is [room](Self::has_room) for.
    pub fn hold(&mut self, bufs: &[IoSlice<'_>]) {
        bufs.iter().for_each(|buf| self.held.extend_from_slice(buf));
    }

    /// Writes until everything has been sent. An empty one keeps no memory.
    pub fn poll_send(
        &mut self,
        mut write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        if self.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.stuck = true;
        while let Some(rest) = self.held.get(self.sent..).filter(|rest| !rest.is_empty()) {
            self.sent += some(ready!(write(rest))?)?;
        }
        while !self.body.is_empty() {
            let sent = some(ready!(write(&self.body))?)?;
            self.body.advance(sent.min(self.body.len()));
        }
        *self = Outbox::default();
        Poll::Ready(Ok(()))
    }
}

/// A socket that takes nothing and does not say so would be asked for ever.
fn some(sent: usize) -> io::Result<usize> {
    if sent > 0 { Ok(sent) } else { Err(io::ErrorKind::WriteZero.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_leaves_in_order_whatever_a_write_takes() {
        for sent in 0..=8 {
            for step in 1..=8 {
                let mut outbox = Outbox::of(b"head", Bytes::from_static(b"body"), sent);
                assert_eq!(outbox.is_empty(), sent == 8);
                let mut seen = b"headbody"[..sent].to_vec();
                let mut turn = 0;
                let mut write = |bytes: &[u8]| {
                    turn += 1;
                    if turn % 2 == 0 {
                        return Poll::Pending;
                    }
                    let taken = step.min(bytes.len());
                    seen.extend_from_slice(&bytes[..taken]);
                    Poll::Ready(Ok(taken))
                };
                while outbox.poll_send(&mut write).is_pending() {
                    assert!(outbox.is_stuck() && !outbox.is_empty());
                }
                assert!(outbox.is_empty() && !outbox.is_stuck());
                assert_eq!(seen, b"headbody");
            }
        }
        let mut stuck = Outbox::of(b"head", Bytes::new(), 0);
        assert!(matches!(stuck.poll_send(|_| Poll::Ready(Ok(0))), Poll::Ready(Err(_))));
    }

    #[test]
    fn answers_are_held_up_to_a_limit_and_leave_as_one() {
        let mut outbox = Outbox::default();
        let answer = [7; 1000];
        while outbox.has_room(answer.len()) {
            outbox.hold(&[IoSlice::new(&answer[..400]), IoSlice::new(&answer[400..])]);
        }
        let mut writes = Vec::new();
        let sent = outbox.poll_send(|bytes| {
            writes.push(bytes.len());
            Poll::Ready(Ok(bytes.len()))
        });
        assert!(matches!(sent, Poll::Ready(Ok(()))));
        assert_eq!(writes, [HELD_MAX_BYTES / 1000 * 1000]);
        assert!(outbox.has_room(1), "there is room again");
    }
}
