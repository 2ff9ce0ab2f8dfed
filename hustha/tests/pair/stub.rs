//! Nodes that answer what a test says and remember what they were asked, with a proxy before them.
//!
//! An answer is written `status name=value ...|body`. `drop` closes the connection in place of answering, `wait` waits
//! until something else is to be said.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use hust_testkit::{Program, Reply, wait_until};
use tempfile::TempDir;

use crate::cluster::{Client, LONG, at_rest, start_proxy};

/// The answer to a write that was done, for commands that answer nothing.
pub const DONE: &str = "200 version=3 vererror=false stamp=77|";

/// What a request to a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A client's command in plain form.
    Plain,
    /// A result.
    Copy,
    /// A debt to be noted.
    Debt,
    /// Whether it serves.
    Health,
    /// What it owes.
    Owes,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub part: Part,
    /// Method, target, body.
    pub line: String,
    /// The head after the first line.
    pub head: String,
}

/// A node.
pub struct Stub {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    answers: Mutex<[String; 5]>,
    asked: Mutex<Vec<Asked>>,
}

impl Stub {
    fn start() -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answers = ["404 version=0|", DONE, "200|", "200|ok\n", "200|[{}]"].map(str::to_owned).into();
        let shared = Arc::new(Shared { answers, asked: Mutex::default() });
        let serving = shared.clone();
        // Ends with the process of the tests.
        let accept = move || {
            for stream in listener.incoming().flatten() {
                let shared = serving.clone();
                let serve = move || serve(stream, &shared);
                thread::Builder::new().name("stub".into()).spawn(serve).unwrap();
            }
        };
        thread::Builder::new().name("stub-accept".into()).spawn(accept).unwrap();
        Stub { address, shared }
    }

    /// Where it is, as in the table.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// What it answers from now on.
    pub fn say(&self, part: Part, answer: &str) {
        answer.clone_into(&mut self.shared.answers.lock().unwrap()[part as usize]);
    }

    /// What it was asked since it was last looked at, checks and polls excepted.
    pub fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut self.shared.asked.lock().unwrap())
    }

    /// The same, a letter each: P for plain, C for a copy, D for a debt; equal ones in a row are one, but plain ones.
    pub fn took(&self) -> String {
        let mut letters: Vec<char> = self
            .take()
            .iter()
            .map(|asked| match asked.part {
                Part::Copy => 'C',
                Part::Debt => 'D',
                _ => 'P',
            })
            .collect();
        letters.dedup_by(|one, two| one == two && *one != 'P');
        letters.into_iter().collect()
    }
}

/// Nodes without data, and a proxy.
pub struct Stubs {
    pub proxy: Program,
    pub nodes: Vec<Stub>,
    pub folder: TempDir,
}

impl Stubs {
    /// Two nodes with all slots.
    pub fn pair(settings: &[&str]) -> Stubs {
        Stubs::start(2, |hosts| at_rest(&hosts[0], &hosts[1]), settings)
    }

    /// So many nodes, a table made of their hosts, and more settings of the proxy.
    pub fn start(count: usize, table: impl FnOnce(&[String]) -> String, settings: &[&str]) -> Stubs {
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        Stubs::with(count, |hosts| (table(hosts), settings))
    }

    /// The same, with settings made of the hosts too.
    pub fn with(count: usize, made: impl FnOnce(&[String]) -> (String, Vec<String>)) -> Stubs {
        let nodes: Vec<Stub> = (0..count).map(|_| Stub::start()).collect();
        let hosts: Vec<String> = nodes.iter().map(Stub::host).collect();
        let folder = TempDir::new().unwrap();
        let (table, settings) = made(&hosts);
        let fixed = ["health.interval_ms=50", "health.fall=1000", "backend.timeout_ms=5000"];
        let settings: Vec<&str> = fixed.into_iter().chain(settings.iter().map(String::as_str)).collect();
        let proxy = start_proxy(folder.path(), &table, &settings);
        Stubs { proxy, nodes, folder }
    }

    /// A connection to the proxy.
    pub fn client(&self) -> Client {
        Client(self.proxy.raw().unwrap())
    }

    /// Has the first nodes answer this from now on, and forgets what all were asked.
    pub fn say(&self, part: Part, answers: &[&str]) {
        for (node, answer) in self.nodes.iter().zip(answers) {
            node.say(part, answer);
        }
        self.nodes.iter().for_each(|node| drop(node.take()));
    }

    /// What all nodes were asked, as [`Stub::took`].
    pub fn took(&self) -> String {
        self.nodes.iter().map(Stub::took).collect::<Vec<_>>().join(" ")
    }

    /// The line of an answer; `pair` for a reason that tells of both masters.
    pub fn line(&self, reply: &Reply) -> String {
        let text = self.named(reply.text().trim_end());
        let is_pair = text.starts_with("pair: H1 ") && text.contains("; H2 ");
        if is_pair { "pair".into() } else { text }
    }

    /// Waits until nobody is behind and all are up.
    pub fn calm(&self) {
        let mut client = self.client();
        let mut shown = String::new();
        let calm = wait_until(LONG, || {
            shown = client.get("/backends").text();
            !shown.contains("\"behind\":true") && shown.matches("\"up\"").count() == self.nodes.len()
        });
        assert!(calm, "{shown}");
    }

    /// Waits until the proxy shows a node like this.
    pub fn wait_for(&self, number: usize, state: &str, behind: bool) {
        let host = self.nodes[number].host();
        let row = format!("\"host\":\"{host}\",\"state\":\"{state}\",\"behind\":{behind}");
        let mut client = self.client();
        assert!(wait_until(LONG, || client.get("/backends").text().contains(&row)), "{row}");
    }

    /// A text in which hosts are written `H1`, `H2` ...
    pub fn named(&self, text: &str) -> String {
        let hosts = self.nodes.iter().enumerate();
        hosts.fold(text.to_owned(), |text, (at, node)| text.replace(&node.host(), &format!("H{}", at + 1)))
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let Ok(mut out) = stream.try_clone() else { return };
    let mut from = BufReader::new(stream);
    while let Some(asked) = read(&mut from) {
        let part = asked.part;
        if !matches!(part, Part::Health | Part::Owes) {
            shared.asked.lock().unwrap().push(asked);
        }
        let answer = || shared.answers.lock().unwrap()[part as usize].clone();
        wait_until(LONG, || answer() != "wait");
        let answer = answer();
        if answer == "drop" || out.write_all(whole(&answer).as_bytes()).is_err() {
            return;
        }
    }
}

fn read(from: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut first = String::new();
    from.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        from.read_line(&mut head).ok().filter(|read| *read > 0)?;
        if head == "\r\n" {
            break;
        }
    }
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    from.read_exact(&mut body).ok()?;
    let target = first.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let part = match target.split(['?', ' ']).nth(1)? {
        "/status.html" => Part::Health,
        "/hustdb/stat_all" => Part::Owes,
        "/hustdb/binlog" => Part::Debt,
        _ if target.contains("is_dup=true") => Part::Copy,
        _ => Part::Plain,
    };
    Some(Asked { part, line: format!("{target} {}", String::from_utf8_lossy(&body)), head })
}

/// The bytes of an answer.
fn whole(answer: &str) -> String {
    let (head, body) = answer.split_once('|').unwrap_or((answer, ""));
    let mut words = head.split(' ');
    let mut text = format!("HTTP/1.1 {} Said\r\n", words.next().unwrap_or_default());
    for (name, value) in words.filter_map(|word| word.split_once('=')) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{text}content-length: {}\r\n\r\n{body}", body.len())
}
