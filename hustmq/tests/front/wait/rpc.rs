//! `/do_get`, `/do_post` and their status.

use std::time::Duration;

use hust_testkit::{Reply, wait_until};

use crate::cluster::{Client, Cluster, LONG, brief, now};

/// A front without any node that lives: calls need none.
fn front(settings: &[&str]) -> Cluster {
    let mut cluster = Cluster::with(1, settings);
    cluster.kill(0);
    cluster
}

impl Cluster {
    fn posted(&self, target: &str, body: impl AsRef<[u8]>, figure: &str, count: u64) -> Client {
        let mut client = self.client();
        client.send("POST", target, body);
        assert!(wait_until(LONG, || self.figure(figure) == count), "{figure} is not {count}");
        client
    }

    /// Calls; returns when there are so many unclaimed calls.
    pub fn call(&self, queue: &str, body: impl AsRef<[u8]>, unclaimed: u64) -> Client {
        self.posted(&format!("/do_get?queue={queue}"), body, "hustmq_rpc_unclaimed", unclaimed)
    }

    /// Waits for a task; returns when there are so many workers that wait.
    pub fn work(&self, query: &str, workers: u64) -> Client {
        self.posted(&format!("/do_post{query}"), "", "hustmq_rpc_workers", workers)
    }
}

pub fn token(task: &Reply) -> String {
    assert_eq!(task.status, 200, "{}", task.text());
    let token = task.header("token").unwrap();
    assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
    token.to_owned()
}

#[test]
fn a_call_and_its_result() {
    let cluster = front(&[]);
    let mut worker = cluster.client();
    let big: Vec<u8> = (0..8 << 20).map(|at: u32| (at % 251) as u8).collect();
    for arguments in [&b"x"[..], b"\0\xff\r\n\r\n", &big] {
        let mut caller = cluster.call("sums", arguments, 1);
        let task = worker.ask("POST", "/do_post", "ignored");
        assert_eq!((task.header("queue"), task.body == arguments), (Some("sums"), true));
        let result = [arguments, b"!"].concat();
        let result = &result[..result.len().min(8 << 20)];
        let token = token(&task);
        assert_eq!(brief(&worker.ask("POST", &format!("/do_post?token={token}"), result)), "200");
        let reply = caller.reply();
        assert_eq!((reply.status, reply.body == result), (200, true));
        assert_eq!(
            brief(&worker.ask("POST", &format!("/do_post?token={token}"), "again")),
            "404 token: unknown"
        );
    }
    let mut parked = cluster.work("", 1);
    let mut caller = cluster.client();
    caller.send("POST", "/do_get?queue=sums", "late");
    let task = parked.reply();
    assert_eq!(task.text(), "late");
    parked.ask("POST", &format!("/do_post?token={}", token(&task)), "done");
    assert_eq!(brief(&caller.reply()), "200 done");
}

#[test]
fn first_come_first_served() {
    let cluster = front(&[]);
    let mut callers = [cluster.call("a", "1", 1), cluster.call("b", "2", 2), cluster.call("a", "3", 3)];
    let mut worker = cluster.client();
    let status = |client: &mut Client, path: &str| client.get(path).text();
    assert_eq!(
        status(&mut worker, "/do_get_status"),
        r#"{"unassigned_tasks":3,"assigned_tasks":0,"free_tasks":1021,"total":1024}"#
    );
    let tasks = ["?queue=b", "", ""].map(|query| worker.ask("POST", &format!("/do_post{query}"), ""));
    assert_eq!(tasks.each_ref().map(|task| task.text()), ["2", "1", "3"]);
    assert_eq!(
        status(&mut worker, "/do_get_status"),
        r#"{"unassigned_tasks":0,"assigned_tasks":3,"free_tasks":1021,"total":1024}"#
    );
    for (task, at) in tasks.iter().zip([1, 0, 2]) {
        worker.ask("POST", &format!("/do_post?token={}", token(task)), format!("for {}", task.text()));
        assert_eq!(brief(&callers[at].reply()), format!("200 for {}", task.text()));
    }
    let mut workers = [cluster.work("?queue=b", 1), cluster.work("", 2), cluster.work("?queue=a", 3)];
    assert_eq!(
        status(&mut worker, "/do_post_status"),
        r#"{"cache_workers":3,"free_workers":1021,"total":1024}"#
    );
    for (queue, at) in [("a", 1), ("b", 0), ("a", 2)] {
        let mut caller = cluster.client();
        caller.send("POST", &format!("/do_get?queue={queue}"), queue);
        let task = workers[at].reply();
        assert_eq!(task.text(), queue);
        workers[at].ask("POST", &format!("/do_post?token={}", token(&task)), "done");
        assert_eq!(brief(&caller.reply()), "200 done");
    }
    let empty = r#"{"unassigned_tasks":0,"assigned_tasks":0,"free_tasks":1024,"total":1024}"#;
    assert_eq!(status(&mut worker, "/do_get_status"), empty);
    worker.send("HEAD", "/do_post_status", "");
    assert_eq!(worker.0.head().unwrap().status, 200);
}

#[test]
fn wrong_requests_are_refused() {
    let cluster = front(&[]);
    let mut client = cluster.client();
    let large = vec![b'x'; (8 << 20) + 1];
    let known = "0123456789abcdef0123456789abcdef";
    let table: [(String, &[u8], &str); 9] = [
        ("/do_get?queue=q".into(), b"", "400 body: empty"),
        ("/do_get".into(), b"x", "400 queue: missing"),
        ("/do_get?queue=a-b".into(), b"x", "400 queue: illegal name"),
        ("/do_get?queue=q".into(), &large, "413 body: over 8388608 bytes"),
        ("/do_post?queue=a-b".into(), b"", "400 queue: illegal name"),
        (format!("/do_post?token={known}"), b"", "400 body: empty"),
        (format!("/do_post?token={known}"), &large, "413 body: over 8388608 bytes"),
        (format!("/do_post?token={known}"), b"x", "404 token: unknown"),
        ("/do_post?token=".into(), b"x", "404 token: unknown"),
    ];
    for (target, body, expected) in table {
        assert_eq!(brief(&client.ask("POST", &target, body)), expected, "{target}");
    }
    for method in ["GET", "PUT"] {
        for path in ["/do_get?queue=q", "/do_post"] {
            let reply = client.ask(method, path, "");
            assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
        }
    }
}

#[test]
fn times_are_kept() {
    let cluster = front(&["rpc.get_timeout_ms=1000", "rpc.post_timeout_ms=500"]);
    let mut worker = cluster.client();
    let began = now();
    assert_eq!(brief(&worker.ask("POST", "/do_post", "")), "408 worker: no task in time");
    assert!(began.elapsed() >= Duration::from_millis(500));
    let began = now();
    assert_eq!(brief(&worker.ask("POST", "/do_get?queue=q", "x")), "408 call: no result in time");
    assert!(began.elapsed() >= Duration::from_millis(1000));
    // A claim starts the time anew.
    let mut caller = cluster.call("q", "x", 1);
    assert!(!wait_until(Duration::from_millis(600), || cluster.figure("hustmq_rpc_unclaimed") == 0));
    let task = worker.ask("POST", "/do_post", "");
    let claimed = now();
    assert_eq!(caller.reply().status, 408);
    assert!(claimed.elapsed() >= Duration::from_millis(950), "{:?}", claimed.elapsed());
    let late = worker.ask("POST", &format!("/do_post?token={}", token(&task)), "late");
    assert_eq!(brief(&late), "404 token: unknown");
}

#[test]
fn limits_hold_for_tasks_and_for_workers() {
    let cluster = front(&["rpc.cache_size=2"]);
    let mut worker = cluster.client();
    let mut callers = [cluster.call("q", "1", 1), cluster.call("q", "2", 2)];
    let task = worker.ask("POST", "/do_post", "");
    let more = cluster.client().ask("POST", "/do_get?queue=q", "3");
    assert_eq!(brief(&more), "503 call: too many tasks", "claimed ones count");
    worker.ask("POST", &format!("/do_post?token={}", token(&task)), "done");
    assert_eq!(brief(&callers[0].reply()), "200 done");
    let third = cluster.call("q", "3", 2);
    let workers = [cluster.work("?queue=other", 1), cluster.work("?queue=other", 2)];
    assert_eq!(brief(&cluster.client().ask("POST", "/do_post?queue=other", "")), "503 worker: too many wait");
    assert_eq!(worker.ask("POST", "/do_post", "").text(), "2", "one who finds a task need not wait");
    drop((third, workers));
}

#[test]
fn who_hangs_up_is_off_the_board() {
    let cluster = front(&[]);
    let counts = |unclaimed: u64, claimed: u64, workers: u64| {
        let figures = ["hustmq_rpc_unclaimed", "hustmq_rpc_claimed", "hustmq_rpc_workers"];
        let expected = [unclaimed, claimed, workers];
        assert!(wait_until(LONG, || figures.map(|name| cluster.figure(name)) == expected), "{expected:?}");
    };
    let (gone, mut stays) = (cluster.call("q", "gone", 1), cluster.call("q", "stays", 2));
    drop(gone);
    counts(1, 0, 0);
    let mut worker = cluster.client();
    let task = worker.ask("POST", "/do_post", "");
    assert_eq!(task.text(), "stays");
    worker.ask("POST", &format!("/do_post?token={}", token(&task)), "done");
    assert_eq!(brief(&stays.reply()), "200 done");
    // A worker that waits.
    let (gone, mut stays) = (cluster.work("", 1), cluster.work("", 2));
    drop(gone);
    counts(0, 0, 1);
    let caller = cluster.call("q", "x", 0);
    let task = stays.reply();
    // A caller whose task is claimed.
    counts(0, 1, 0);
    drop(caller);
    counts(0, 0, 0);
    let late = stays.ask("POST", &format!("/do_post?token={}", token(&task)), "late");
    assert_eq!(brief(&late), "404 token: unknown");
}

#[test]
fn a_task_that_was_not_handed_over_goes_back() {
    let cluster = front(&[]);
    // More than sockets hold: the answer cannot be written before the worker reads.
    let body = vec![b'x'; 8 << 20];
    let mut first = cluster.call("q", &body, 1);
    let second = cluster.call("q", "second", 2);
    let mut gone = cluster.client();
    gone.send("POST", "/do_post", "");
    assert_eq!(gone.0.head().unwrap().status, 200);
    assert_eq!((cluster.figure("hustmq_rpc_claimed"), cluster.figure("hustmq_rpc_unclaimed")), (1, 1));
    drop(gone);
    assert!(wait_until(LONG, || cluster.figure("hustmq_rpc_unclaimed") == 2));
    let mut worker = cluster.client();
    let task = worker.ask("POST", "/do_post", "");
    assert_eq!(task.body.len(), body.len(), "at the head");
    worker.ask("POST", &format!("/do_post?token={}", token(&task)), "done");
    assert_eq!(brief(&first.reply()), "200 done");
    drop(second);
}
