//! A node that takes merges, refuses them, or does not answer, as it is told; it remembers what it merged.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use hust_testkit::wait_until;
use hust_wire::frame;

use crate::support::LONG;

/// What a fake node does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mood {
    /// Status of `/status.html`, 200 unless set.
    pub health: Option<u16>,
    /// Status of every merge.
    pub merge: Option<u16>,
    /// Merges with a key that begins like this are 400.
    pub refuses: Option<&'static str>,
    /// Merges of more bytes are 413.
    pub max_bytes: Option<usize>,
    /// The connection ends before each answer to a merge, which is done all the same.
    pub hangs_up: bool,
    /// Merges are not answered, and not done, as long as this is set.
    pub stalls: bool,
}

#[derive(Debug, Default)]
struct Shared {
    mood: Mood,
    /// How often each key was merged.
    merged: HashMap<String, u32>,
    attempts: u32,
    largest: (usize, usize),
}

/// A running fake.
#[derive(Clone, Debug)]
pub struct Fake {
    pub host: String,
    shared: Arc<Mutex<Shared>>,
}

impl Fake {
    pub fn start(mood: Mood) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Mutex::new(Shared { mood, ..Shared::default() }));
        let fake = Fake { host, shared };
        let serving = fake.clone();
        // Ends with the test.
        let accept = move || {
            for stream in listener.incoming().flatten() {
                let fake = serving.clone();
                // A connection that ends in the middle is no matter.
                let serve = move || drop(fake.serve(stream));
                thread::Builder::new().spawn(serve).unwrap();
            }
        };
        thread::Builder::new().spawn(accept).unwrap();
        fake
    }

    pub fn set(&self, mood: Mood) {
        self.shared.lock().unwrap().mood = mood;
    }

    /// The keys that were merged.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.shared.lock().unwrap().merged.keys().cloned().collect();
        keys.sort();
        keys
    }

    /// Records that were merged, repetitions included.
    pub fn merges(&self) -> u64 {
        self.shared.lock().unwrap().merged.values().map(|count| u64::from(*count)).sum()
    }

    /// Merges that were asked for.
    pub fn attempts(&self) -> u32 {
        self.shared.lock().unwrap().attempts
    }

    /// Most records and most bytes of one merge.
    pub fn largest(&self) -> (usize, usize) {
        self.shared.lock().unwrap().largest
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut line, mut length) = (String::new(), 0);
            if stream.read_line(&mut line)? == 0 {
                return Ok(());
            }
            loop {
                let mut header = String::new();
                stream.read_line(&mut header)?;
                let Some((name, value)) = header.trim_end().split_once(": ") else { break };
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body)?;
            let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
            let stalls = || self.shared.lock().unwrap().mood.stalls;
            if target == "/hustdb/merge" && stalls() {
                wait_until(LONG, || !stalls());
                return Ok(());
            }
            let Some((status, answer)) = self.answer(&target, &body) else { return Ok(()) };
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", answer.len());
            stream.get_mut().write_all(&[head.as_bytes(), answer].concat())?;
        }
    }

    fn answer(&self, target: &str, body: &[u8]) -> Option<(u16, &'static [u8])> {
        let mut shared = self.shared.lock().unwrap();
        let mood = shared.mood;
        match target {
            "/status.html" => Some((mood.health.unwrap_or(200), b"ok\n")),
            "/hustdb/stat_all" => Some((200, br#"[{"TOTALIZE":{}}]"#)),
            "/hustdb/merge" => {
                shared.attempts += 1;
                let records = |frame: Result<frame::Frame<'_>, _>| {
                    let frame = frame.unwrap();
                    let key = |record: frame::RecordRef<'_>| String::from_utf8(record.key.to_vec()).unwrap();
                    frame.records().map(key).collect::<Vec<String>>()
                };
                let keys: Vec<String> = frame::decode(body).flat_map(records).collect();
                let (most, longest) = shared.largest;
                shared.largest = (most.max(keys.len()), longest.max(body.len()));
                if let Some(status) = mood.merge {
                    return Some((status, b"told: so\n"));
                }
                if mood.max_bytes.is_some_and(|max| body.len() > max) {
                    return Some((413, b"body: too large\n"));
                }
                if mood.refuses.is_some_and(|begin| keys.iter().any(|key| key.starts_with(begin))) {
                    return Some((400, b"stamp: ahead\n"));
                }
                for key in keys {
                    *shared.merged.entry(key).or_default() += 1;
                }
                (!mood.hangs_up).then_some((200, b"{}"))
            }
            _ => Some((404, b"path: unknown\n")),
        }
    }
}
