//! What a connection is doing and since when, told by those who see it and read by the one who watches deadlines.
//!
//! All of it belongs to one task, so relaxed atomics serve as plain cells that may move between threads. No timer is
//! touched per request: the watcher wakes now and then, asks [`Pulse::verdict`] and sleeps on.

use std::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use hyper::StatusCode;
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::Instant};

use super::Timeouts;

const IDLE: u8 = 0;
const RECEIVING: u8 = 1;
const HANDLING: u8 = 2;
const ANSWERING: u8 = 3;
/// The head is complete, the body is not.
const RECEIVING_BODY: u8 = 4;

/// The state of a connection.
#[derive(Debug)]
pub struct Pulse {
    start: Instant,
    phase: AtomicU8,
    /// Microseconds after `start`: of the first byte, or of the last progress of the answer, or of its end.
    since_us: AtomicU64,
    /// Bytes of the next request have been read already.
    ahead: AtomicBool,
    /// The socket took no more bytes.
    blocked: AtomicBool,
    /// Since when, as `since_us`.
    blocked_since_us: AtomicU64,
    /// The status of an answer of hyper's own that was swallowed, or 0.
    swallowed: AtomicU16,
    linger: AtomicBool,
    /// The last request was answered as soon as it was there.
    at_once: AtomicBool,
    /// The bytes that hyper was given last ended in an empty line.
    ended: AtomicBool,
    /// hyper holds no bytes.
    clear: AtomicBool,
    /// Answers that hyper has flushed are held.
    holding: AtomicBool,
    /// Somebody waits for an answer to have left.
    awaited: AtomicBool,
    receipts: Mutex<Receipts>,
}

/// Who waits for answers to have left.
#[derive(Debug, Default)]
struct Receipts {
    /// For the one that is being written.
    writing: Option<oneshot::Sender<()>>,
    /// For those that are written.
    written: Vec<oneshot::Sender<()>>,
}

/// What the deadlines say.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is due before this.
    Wait(Instant),
    /// The request took too long to arrive.
    Late,
    /// Idle too long, or the client does not read its answer.
    Close,
}

impl Pulse {
    /// A fresh connection, idle from now.
    pub fn new() -> Pulse {
        Pulse {
            start: Instant::now(),
            phase: AtomicU8::new(IDLE),
            since_us: AtomicU64::new(0),
            ahead: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            blocked_since_us: AtomicU64::new(0),
            swallowed: AtomicU16::new(0),
            linger: AtomicBool::new(false),
            at_once: AtomicBool::new(true),
            ended: AtomicBool::new(true),
            clear: AtomicBool::new(true),
            holding: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
            receipts: Mutex::default(),
        }
    }

    fn now_us(&self) -> u64 {
        let age = self.start.elapsed();
        age.as_secs() * 1_000_000 + u64::from(age.subsec_micros())
    }

    fn enter(&self, phase: u8) {
        self.phase.store(phase, Relaxed);
        self.since_us.store(self.now_us(), Relaxed);
    }

    /// Bytes came in.
    pub fn bytes_read(&self) {
        match self.phase.load(Relaxed) {
            IDLE => self.enter(RECEIVING),
            RECEIVING | RECEIVING_BODY => {}
            _ => self.ahead.store(true, Relaxed),
        }
    }

    /// Whether what is read next begins a request, if it is not the rest of one, and is likely to be answered at once, as
    /// the last request was.
    pub fn expects_plain(&self) -> bool {
        self.phase.load(Relaxed) == IDLE && self.at_once.load(Relaxed)
    }

    /// A request that hyper read was answered as soon as it was there, or was not.
    pub fn answered_at_once(&self, at_once: bool) {
        self.at_once.store(at_once, Relaxed);
    }

    /// hyper was given bytes, which ended in an empty line or may not have.
    pub fn handed_over(&self, ended: bool) {
        self.clear.store(false, Relaxed);
        self.ended.store(ended, Relaxed);
    }

    /// Whether hyper holds no bytes when it reads between two requests. So it is if its last bytes ended in an empty line
    /// and the last request it saw had no body: what could be left is complete heads, and those it takes before it reads.
    pub fn is_clear(&self) -> bool {
        self.clear.load(Relaxed)
    }

    /// A head is complete, and has no body if `bodiless`; its first byte may have come with the request before.
    pub fn head_read(&self, bodiless: bool) {
        self.clear.store(bodiless && self.ended.load(Relaxed), Relaxed);
        self.ahead.store(false, Relaxed);
        match self.phase.load(Relaxed) {
            RECEIVING => self.phase.store(RECEIVING_BODY, Relaxed),
            _ => self.enter(RECEIVING_BODY),
        }
    }

    /// The request is complete and with its handler.
    pub fn handling(&self) {
        self.phase.store(HANDLING, Relaxed);
    }

    /// Whether all requests are answered whose heads were complete.
    pub fn awaits_head(&self) -> bool {
        matches!(self.phase.load(Relaxed), IDLE | RECEIVING)
    }

    /// The answer is ready, and `receipt` is told when it has left; returns the microseconds since the request's first
    /// byte.
    pub fn answering(&self, receipt: Option<oneshot::Sender<()>>) -> u64 {
        if receipt.is_some() {
            self.receipts.lock().writing = receipt;
            self.awaited.store(true, Relaxed);
        }
        let now_us = self.now_us();
        self.phase.store(ANSWERING, Relaxed);
        now_us.saturating_sub(self.since_us.swap(now_us, Relaxed))
    }

    /// The socket took bytes.
    pub fn wrote(&self) {
        if self.blocked.load(Relaxed) {
            self.blocked.store(false, Relaxed);
            if self.phase.load(Relaxed) == ANSWERING {
                self.since_us.store(self.now_us(), Relaxed);
            }
        }
    }

    /// The socket took none.
    pub fn write_blocked(&self) {
        if !self.blocked.load(Relaxed) {
            self.blocked.store(true, Relaxed);
            self.blocked_since_us.store(self.now_us(), Relaxed);
        }
    }

    /// Whether bytes wait for the socket.
    pub fn is_blocked(&self) -> bool {
        self.blocked.load(Relaxed)
    }

    /// What hyper has written is held.
    pub fn hold(&self) {
        self.holding.store(true, Relaxed);
    }

    /// Nothing is to be held any longer.
    pub fn release(&self) {
        self.holding.store(false, Relaxed);
    }

    /// Whether answers are held that nobody has tried to send.
    pub fn is_holding(&self) -> bool {
        self.holding.load(Relaxed)
    }

    /// hyper's part of an answer is done; it has left, unless it is held.
    pub fn flushed(&self) {
        if self.phase.load(Relaxed) == ANSWERING {
            let ahead = self.ahead.load(Relaxed);
            self.phase.store(if ahead { RECEIVING } else { IDLE }, Relaxed);
            if self.awaited.load(Relaxed) {
                let mut receipts = self.receipts.lock();
                let receipt = receipts.writing.take();
                receipts.written.extend(receipt);
            }
        }
        if !self.is_holding() {
            self.sent();
        }
    }

    /// All answers that hyper is done with have left.
    pub fn sent(&self) {
        if self.awaited.load(Relaxed) {
            let mut receipts = self.receipts.lock();
            self.awaited.store(receipts.writing.is_some(), Relaxed);
            for receipt in receipts.written.drain(..) {
                // Whoever waited may have stopped.
                let _ = receipt.send(());
            }
        }
    }

    /// Whether no request is being handled or answered.
    pub fn between_answers(&self) -> bool {
        matches!(self.phase.load(Relaxed), IDLE | RECEIVING | RECEIVING_BODY)
    }

    /// Whether a head has begun to arrive and is not complete.
    pub fn is_reading_head(&self) -> bool {
        self.phase.load(Relaxed) == RECEIVING
    }

    /// hyper answered by itself, and its answer was kept back.
    pub fn swallow(&self, status: u16) {
        self.swallowed.store(status, Relaxed);
    }

    /// The status hyper answered with by itself.
    pub fn swallowed(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.swallowed.load(Relaxed)).ok()
    }

    /// The client may still be sending when we close.
    pub fn set_linger(&self) {
        self.linger.store(true, Relaxed);
    }

    /// Whether the client may still be sending.
    pub fn lingers(&self) -> bool {
        self.linger.load(Relaxed)
    }

    /// What is due. A verdict may wait no longer than the shorter timeout, since any phase may begin meanwhile.
    pub fn verdict(&self, timeouts: Timeouts) -> Verdict {
        let now = Instant::now();
        let since = self.start + Duration::from_micros(self.since_us.load(Relaxed));
        let blocked_since = self.start + Duration::from_micros(self.blocked_since_us.load(Relaxed));
        let (deadline, due) = match self.phase.load(Relaxed) {
            _ if self.is_blocked() => (blocked_since + timeouts.request, Verdict::Close),
            IDLE => (since + timeouts.keepalive, Verdict::Close),
            RECEIVING | RECEIVING_BODY => (since + timeouts.request, Verdict::Late),
            HANDLING => (now + timeouts.request, Verdict::Close),
            _ => (since + timeouts.request, Verdict::Close),
        };
        if deadline <= now {
            return due;
        }
        Verdict::Wait(deadline.min(now + timeouts.keepalive.min(timeouts.request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts =
        Timeouts { keepalive: Duration::from_secs(300), request: Duration::from_secs(60) };

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_deadline() {
        let pulse = Pulse::new();
        let start = Instant::now();
        assert_eq!(pulse.verdict(TIMEOUTS), Verdict::Wait(start + Duration::from_secs(60)));
        pass(299).await;
        assert_eq!(pulse.verdict(TIMEOUTS), Verdict::Wait(start + Duration::from_secs(300)));
        pulse.bytes_read();
        pass(59).await;
        pulse.bytes_read();
        assert!(matches!(pulse.verdict(TIMEOUTS), Verdict::Wait(_)));
        pass(1).await;
        assert_eq!(pulse.verdict(TIMEOUTS), Verdict::Late, "from the first byte, not the last");
        pulse.head_read(true);
        pulse.handling();
        pass(1000).await;
        assert!(matches!(pulse.verdict(TIMEOUTS), Verdict::Wait(_)), "a handler has its own limits");
        assert_eq!(pulse.answering(None), 1_060_000_000);
        pulse.write_blocked();
        pass(59).await;
        pulse.wrote();
        pass(59).await;
        assert!(matches!(pulse.verdict(TIMEOUTS), Verdict::Wait(_)), "a slow reader that reads");
        pulse.flushed();
        pass(240).await;
        assert!(matches!(pulse.verdict(TIMEOUTS), Verdict::Wait(_)));
        pass(1).await;
        assert_eq!(pulse.verdict(TIMEOUTS), Verdict::Close, "idle");
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_read_ahead_are_timed() {
        let pulse = Pulse::new();
        pulse.bytes_read();
        pulse.head_read(true);
        pulse.handling();
        pulse.bytes_read();
        pulse.answering(None);
        pulse.flushed();
        pass(60).await;
        assert_eq!(pulse.verdict(TIMEOUTS), Verdict::Late);
    }
    #[tokio::test(start_paused = true)]
    async fn an_answer_that_the_socket_does_not_take_is_timed_whatever_comes_next() {
        let pulse = Pulse::new();
        let answer = || {
            pulse.bytes_read();
            pulse.head_read(true);
            pulse.handling();
            pulse.answering(None)
        };
        answer();
        pulse.hold();
        pulse.flushed();
        pass(10).await;
        pulse.write_blocked();
        pulse.bytes_read();
        pulse.head_read(true);
        pulse.handling();
        pass(59).await;
        assert!(matches!(pulse.verdict(TIMEOUTS), Verdict::Wait(_)));
        pass(1).await;
        assert_eq!(pulse.verdict(TIMEOUTS), Verdict::Close);
        pulse.wrote();
        assert!(matches!(pulse.verdict(TIMEOUTS), Verdict::Wait(_)), "with its handler");
        assert_eq!(pulse.answering(None), 60_000_000, "what was blocked before is not counted");
    }

    #[tokio::test]
    async fn receipts_are_told_when_their_answer_has_left_and_not_before() {
        let pulse = Pulse::new();
        let answer = || {
            let (told, mut left) = oneshot::channel();
            pulse.head_read(true);
            pulse.answering(Some(told));
            move || left.try_recv().is_ok()
        };
        let mut first = answer();
        pulse.sent();
        assert!(!first(), "it is being written");
        pulse.hold();
        pulse.flushed();
        let mut second = answer();
        assert!(!first(), "it is held");
        pulse.release();
        pulse.sent();
        assert!(first() && !second());
        pulse.flushed();
        assert!(second(), "nothing was held");
        let (mut third, mut fourth) = (answer(), answer());
        assert!(!third() && !fourth());
        drop(pulse);
        assert!(!third() && !fourth());
    }
}
