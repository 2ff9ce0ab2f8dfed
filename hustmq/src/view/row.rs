//! The row of a queue on one node: its element of `stat_all?detail=true`.

use std::collections::HashMap;

use hust_wire::param::check_table;
use serde::Deserialize;

/// A kind of queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Put, get, ack.
    Normal,
    /// Pub, sub.
    Push,
}

/// What a node says of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Row {
    /// Its name.
    pub queue: String,
    /// By priority; of a push queue: live messages, 0, 0.
    pub ready: [u64; 3],
    pub unacked: u64,
    pub max: u64,
    pub lock: u8,
    /// The kind: 1 = push.
    #[serde(rename = "type")]
    pub number: u8,
    /// Minutes.
    pub timeout: u64,
    pub si: u64,
    pub ci: u64,
    /// Unix seconds.
    pub tm: u64,
    /// The redelivery timeout in seconds.
    pub second: u64,
    pub max_deliveries: u64,
    pub dead_letter: String,
    /// Seconds.
    pub ttl: u64,
    /// Seconds.
    pub dedup: u64,
    /// Of a push queue: everything up to it was dropped on purpose.
    pub floor: u64,
}

/// The rows of a node by queue.
pub type Rows = HashMap<String, Row>;

impl Row {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        if self.number == 0 { Kind::Normal } else { Kind::Push }
    }

    /// Whether it is a push queue.
    pub fn is_push(&self) -> bool {
        self.kind() == Kind::Push
    }

    /// Whether a get would find a message.
    pub fn has_ready(&self) -> bool {
        self.ready.iter().any(|count| *count > 0)
    }
}

/// The rows in an answer; `None` if it is not such an answer.
pub fn rows(body: &[u8]) -> Option<Rows> {
    let rows: Vec<Row> = serde_json::from_slice(body).ok()?;
    // Names go into JSON and requests as they are.
    let legal = rows.into_iter().filter(|row| check_table("queue", row.queue.as_bytes()).is_ok());
    Some(legal.map(|row| (row.queue.clone(), row)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_node_says() {
        let body = br#"[{"queue":"q","ready":[3,2,1],"unacked":4,"max":9,"lock":1,"type":0,"timeout":5,"si":6,"ci":7,"tm":8,"second":300,"max_deliveries":2,"dead_letter":"d","ttl":1,"dedup":300,"delayed":[0,0,0],"redelivered":0,"dead":0,"expired":0,"bytes":12,"floor":0},{"queue":"p","type":1,"floor":3}]"#;
        let rows = rows(body).unwrap();
        assert_eq!(rows.len(), 2);
        let (q, p) = (&rows["q"], &rows["p"]);
        assert_eq!((q.ready, q.unacked, q.max, q.lock, q.number), ([3, 2, 1], 4, 9, 1, 0));
        assert_eq!((q.timeout, q.si, q.ci, q.tm, q.second), (5, 6, 7, 8, 300));
        assert_eq!((q.max_deliveries, q.dead_letter.as_str(), q.ttl, q.dedup), (2, "d", 1, 300));
        assert!(q.has_ready() && !q.is_push() && p.is_push() && !p.has_ready());
        assert_eq!(p.floor, 3);
    }

    #[test]
    fn what_is_no_such_answer() {
        for wrong in
            [&b""[..], b"{}", b"[3]", br#"[{"queue":"q","ready":[1,2]}]"#, br#"[{"ci":-1}]"#, b"\xff"]
        {
            assert_eq!(rows(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
        assert!(rows(br#"[{"queue":"a\"b"},{"queue":""}]"#).unwrap().is_empty());
    }
}
