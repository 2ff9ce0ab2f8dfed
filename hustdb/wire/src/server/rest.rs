//! What the socket has not taken yet of an answer that was given without hyper.

use std::{
    io,
    task::{Poll, ready},
};

use bytes::{Buf, Bytes, buf::Chain};

/// The rest of an answer; hardly ever there, since an answer mostly leaves in one write.
#[derive(Debug, Default)]
pub struct Rest(Option<Box<Chain<Bytes, Bytes>>>);

impl Rest {
    /// What is left of `head` and `body` after `sent` bytes.
    pub fn of(head: &[u8], body: Bytes, sent: usize) -> Rest {
        let mut rest = Box::new(Bytes::copy_from_slice(head).chain(body));
        rest.advance(sent.min(rest.remaining()));
        Rest(Some(rest).filter(|rest| rest.has_remaining()))
    }

    /// Writes until all has left.
    pub fn poll_write(
        &mut self,
        mut write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = &mut self.0 {
            match ready!(write(rest.chunk()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => rest.advance(sent.min(rest.remaining())),
            }
            if !rest.has_remaining() {
                self.0 = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_leaves_in_order_whatever_a_write_takes() {
        for sent in 0..=8 {
            for step in 1..=8 {
                let mut rest = Rest::of(b"head", Bytes::from_static(b"body"), sent);
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
                while rest.poll_write(&mut write).is_pending() {}
                assert!(rest.0.is_none());
                assert_eq!(seen, b"headbody");
            }
        }
        let mut stuck = Rest::of(b"head", Bytes::new(), 0);
        assert!(matches!(stuck.poll_write(|_| Poll::Ready(Ok(0))), Poll::Ready(Err(_))));
    }
}
