//! Nodes that say what a test wants and remember what they were asked, with a front before them.
//!
//! An answer is written `status name=value ...|body`; `hang up` closes the connection after the request was read. It
//! belongs to a path and holds until another is said. Checks, polls and watches are answered, and not remembered.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use hust_testkit::Program;

use crate::cluster::{Client, start_front};

/// What is asked again and again.
const ROUTINE: [&str; 3] = ["/status.html", "/hustmq/stat_all", "/hustmq/watch"];

/// A node.
pub struct Stub {
    address: SocketAddr,
    said: Arc<(Mutex<Said>, Condvar)>,
}

#[derive(Default)]
struct Said {
    answers: HashMap<String, String>,
    asked: Vec<String>,
    /// How often it was asked what is asked again and again.
    routine: HashMap<String, usize>,
    /// A path whose answers are held back.
    held: Option<String>,
    /// How many answers are held back now, and how many were at one time.
    holding: usize,
    holding_max: usize,
}

impl Stub {
    fn start() -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let said: Arc<(Mutex<Said>, Condvar)> = Arc::default();
        let serving = said.clone();
        // Ends with the process of the tests.
        let accept = move || {
            for stream in listener.incoming().flatten() {
                let said = serving.clone();
                thread::Builder::new().name("stub".into()).spawn(move || serve(&stream, &said)).unwrap();
            }
        };
        thread::Builder::new().name("stub-accept".into()).spawn(accept).unwrap();
        let stub = Stub { address, said };
        stub.say("/status.html", "200|ok\n");
        stub.rows("[]");
        stub
    }

    /// Where it is, as in the configuration.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// What it answers to a path from now on; 412 to others.
    pub fn say(&self, path: &str, answer: &str) {
        self.said.0.lock().unwrap().answers.insert(path.to_owned(), answer.to_owned());
    }

    /// What it says of its queues from now on.
    pub fn rows(&self, rows: &str) {
        self.say("/hustmq/stat_all", &format!("200|{rows}"));
    }

    /// What it was asked since it was last looked at: method, target, body.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.said.0.lock().unwrap().asked)
    }

    /// How often it was asked for a path since it was last looked at, which this is not.
    pub fn asked_so_far(&self, path: &str) -> usize {
        self.said.0.lock().unwrap().asked.iter().filter(|asked| asked.contains(path)).count()
    }

    /// How often it was checked, or polled, or watched, at this path.
    pub fn routine(&self, path: &str) -> usize {
        self.said.0.lock().unwrap().routine.get(path).copied().unwrap_or(0)
    }

    /// Holds back what it answers to this path, as it is when it is asked; `None`: nothing any more.
    pub fn hold(&self, path: Option<&str>) {
        self.said.0.lock().unwrap().held = path.map(str::to_owned);
        self.said.1.notify_all();
    }

    /// How many answers were held back at one time, at most.
    pub fn held_at_once(&self) -> usize {
        self.said.0.lock().unwrap().holding_max
    }
}

/// Nodes without data, and a front that asks for rows only on `/autost`.
pub struct Stubs {
    pub front: Program,
    pub nodes: Vec<Stub>,
}

impl Stubs {
    /// So many nodes, and settings of the front.
    pub fn with(count: usize, settings: &[&str]) -> Stubs {
        let nodes: Vec<Stub> = (0..count).map(|_| Stub::start()).collect();
        let hosts: Vec<SocketAddr> = nodes.iter().map(|node| node.address).collect();
        let settings = [&["autost_interval_ms=0"], settings].concat();
        Stubs { front: start_front(&hosts, &settings), nodes }
    }

    /// A connection to the front.
    pub fn client(&self) -> Client {
        Client(self.front.raw().unwrap())
    }

    /// Has all nodes answer this from now on, and forgets what they were asked.
    pub fn say(&self, path: &str, answers: &[&str]) {
        for (node, answer) in self.nodes.iter().zip(answers) {
            node.say(path, answer);
            node.take();
        }
    }

    /// How often each was asked since the last look.
    pub fn asked(&self) -> Vec<usize> {
        self.asked_for("")
    }

    /// How often each was asked for a path since the last look.
    pub fn asked_for(&self, path: &str) -> Vec<usize> {
        let count = |node: &Stub| node.take().iter().filter(|asked| asked.contains(path)).count();
        self.nodes.iter().map(count).collect()
    }
}

fn serve(mut stream: &TcpStream, (said, released): &(Mutex<Said>, Condvar)) {
    let mut from = BufReader::new(stream);
    while let Some(asked) = read(&mut from) {
        let path = asked.split(['?', ' ']).nth(1).unwrap_or_default().to_owned();
        let answer = {
            let mut said = said.lock().unwrap();
            if ROUTINE.contains(&path.as_str()) {
                *said.routine.entry(path.clone()).or_default() += 1;
            } else {
                said.asked.push(asked);
            }
            let answer = said.answers.get(&path).cloned().unwrap_or_else(|| "412|queue: unknown\n".into());
            if said.held.as_ref() == Some(&path) {
                said.holding += 1;
                said.holding_max = said.holding.max(said.holding_max);
                said = released.wait_while(said, |said| said.held.as_ref() == Some(&path)).unwrap();
                said.holding -= 1;
            }
            answer
        };
        if answer == "hang up" || stream.write_all(whole(&answer).as_bytes()).is_err() {
            return;
        }
    }
}

/// A request; `None` at the end of the connection.
fn read(from: &mut impl BufRead) -> Option<String> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    from.read_exact(&mut body).ok()?;
    let first = lines.first()?.trim_end_matches(" HTTP/1.1");
    Some(format!("{first} {}", String::from_utf8_lossy(&body)).trim_end().to_owned())
}

/// The bytes of an answer.
fn whole(answer: &str) -> String {
    let (head, body) = answer.split_once('|').unwrap_or((answer, ""));
    let (status, names) = head.split_once(' ').unwrap_or((head, ""));
    let headers: String = names
        .split(' ')
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}
