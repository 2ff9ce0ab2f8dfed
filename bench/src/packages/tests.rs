use std::io::Write;

use super::{index::Record, load::Summary, node::Launch, *};
use crate::standin::{Faults, Rows, Standin};

/// Packages with bodies of different lengths.
fn index_file(packages: usize) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for n in 0..packages {
        let text = "description ".repeat(n % 40);
        write!(file, "Package: p{n}\nVersion: 1:{n}+b1~x\nArchitecture: amd64\nDescription: {text}\n\n")
            .unwrap();
    }
    file
}

fn records(packages: usize) -> Vec<Record> {
    index::read(&Source::File(index_file(packages).path().to_owned())).unwrap()
}

/// Starts stand-ins on the same rows; between a kill and the next start it may lose one.
struct Launcher {
    rows: Rows,
    running: Option<Standin>,
    faults: Faults,
    kills: usize,
    loses: Option<Loss>,
}

#[derive(Clone, Copy)]
enum Loss {
    Row,
    Version,
    Value,
}

impl Launch for Launcher {
    fn start(&mut self) -> Result<SocketAddr, Failure> {
        let node = Standin::start(self.rows.clone(), std::mem::take(&mut self.faults));
        Ok(self.running.insert(node).address)
    }

    fn kill(&mut self) -> Result<(), Failure> {
        self.running = None;
        self.kills += 1;
        // After the second kill no acknowledged record is written again.
        if self.kills == 3 {
            let mut rows = self.rows.lock().unwrap();
            let key = rows.keys().next().unwrap().clone();
            match self.loses {
                None => {}
                Some(Loss::Row) => drop(rows.remove(&key)),
                Some(Loss::Version) => rows.get_mut(&key).unwrap().0 += 1,
                Some(Loss::Value) => rows.get_mut(&key).unwrap().1 = "other".into(),
            }
        }
        Ok(())
    }
}

fn with_kills(faults: Faults, loses: Option<Loss>) -> Summary {
    let launcher = Launcher { rows: Rows::default(), running: None, faults, kills: 0, loses };
    node::run_with_kills(&records(3000), launcher, 4, false).unwrap()
}

#[test]
fn everything_comes_back() {
    let rows = Rows::default();
    let node = Standin::start(rows.clone(), Faults::default());
    let source = Source::File(index_file(500).path().to_owned());
    assert!(load(node.address, &source, 4).is_err(), "the file is gone by now");
    let records = records(500);
    for _ in 0..2 {
        let summary = load::run(&records, &Node::fixed(node.address), 4, false).unwrap();
        assert_eq!((summary.records, summary.mismatches, summary.repeated), (500, 0, 0));
    }
    assert_eq!(rows.lock().unwrap().len(), 500);
}

#[test]
fn kills_on_the_way_lose_nothing() {
    let summary = with_kills(Faults { unanswered_put: Some(20) }, None);
    assert_eq!((summary.restarts, summary.mismatches), (3, 0), "{summary}");
    assert!(summary.repeated >= 1 && summary.applied_twice >= 1, "{summary}");
    assert!(summary.applied_twice <= summary.repeated, "{summary}");
}

#[test]
fn a_lost_row_version_or_value_is_a_mismatch() {
    for loss in [Loss::Row, Loss::Version, Loss::Value] {
        assert_eq!(with_kills(Faults::default(), Some(loss)).mismatches, 1);
    }
}

#[test]
fn a_node_that_breaks_without_being_killed_is_a_failure() {
    let node = Standin::start(Rows::default(), Faults { unanswered_put: Some(5) });
    assert!(load::run(&records(50), &Node::fixed(node.address), 2, false).is_err());
}
