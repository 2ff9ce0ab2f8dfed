//! Listings, ranges and figures through the proxy, against real nodes: pages, cursors, and which node is asked.

use std::collections::BTreeSet;

use hust_testkit::{Reply, wait_until};

use crate::{
    cluster::{Client, Cluster, LONG, at_rest},
    stub::{Part, Stubs},
};

/// The keys of rows as they are written, in base64.
fn keys(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let text = reply.text();
    let keys: Vec<String> =
        text.split("\"key\":\"").skip(1).map(|row| row.split('"').next().unwrap().to_owned()).collect();
    assert_eq!(reply.number("keys"), Some(keys.len() as u64));
    assert_eq!(reply.header("totalcount"), Some("0"));
    keys
}

/// All rows of a listing, three at a time.
fn walk(client: &mut Client, target: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    for _ in 0..1000 {
        let reply = client.get(&format!("{target}&size=3&cursor={cursor}"));
        all.extend(keys(&reply));
        match reply.header("cursor") {
            Some(next) => next.clone_into(&mut cursor),
            None => return all,
        }
    }
    panic!("{target}: no end");
}

#[test]
fn pages_and_cursors() {
    let cluster = Cluster::start();
    let mut client = cluster.client();
    for number in 10..30 {
        for target in ["/put?key=k", "/hset?tb=h&key=k"] {
            assert_eq!(client.get(&format!("{target}{number}&val=v")).status, 200);
        }
        assert_eq!(client.ask("POST", "/sadd?tb=s", format!("k{number}")).status, 200);
        assert_eq!(client.get(&format!("/zadd?tb=z&key=k{number}&score={number}")).status, 200);
    }
    for peer in [0, 1] {
        for listing in ["/hkeys?tb=h", "/smembers?tb=s"] {
            let target = format!("{listing}&peer={peer}");
            let rows = walk(&mut client, &target);
            assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), 20, "{target}");
            assert_eq!(keys(&client.get(&format!("{target}&offset=0&size=100"))), rows);
            assert_eq!(keys(&client.get(&format!("{target}&offset=5&size=7"))), rows[5..12]);
            let slots = [(0, 512), (512, 1024)].map(|(start, end)| {
                keys(&client.get(&format!("{target}&offset=0&size=100&start={start}&end={end}"))).len()
            });
            assert_eq!(slots.iter().sum::<usize>(), 20);
        }
        let files: usize = client.get(&format!("/file_count?peer={peer}")).text().parse().unwrap();
        let rows: usize =
            (0..files).map(|file| walk(&mut client, &format!("/keys?peer={peer}&file={file}")).len()).sum();
        assert_eq!(rows, 4 * 20, "all kinds");
    }
    let ranks = walk(&mut client, "/zrangebyrank?tb=z");
    assert_eq!((ranks.len(), ranks[0].as_str()), (20, "azEw"));
    assert_eq!(keys(&client.get("/zrangebyrank?tb=z&offset=18&size=9")), ranks[18..]);
    assert_eq!(walk(&mut client, "/zrangebyscore?tb=z&min=12&max=20"), ranks[2..11]);
    let row = client.get("/zrangebyscore?tb=z&min=12&offset=0&size=1&noval=false&stamps=true").text();
    assert!(row.starts_with("[{\"key\":\"azEy\",\"val\":\"12\",\"ver\":1,\"stamp\":\""), "{row}");
    client.check(&[
        ("/zrangebyscore?tb=z&min=2&max=1&offset=0&size=1", "", "400 - - min: over max"),
        ("/zrangebyrank?tb=z&offset=-1&size=1", "", "400 - - offset: not in 0..1000000"),
        ("/zrangebyrank?tb=none&offset=0&size=1", "", "412 - - tb: no such table"),
        ("/hkeys?tb=none&peer=0&offset=0&size=1", "", "412 - - tb: no such table"),
        ("/hkeys?tb=h&peer=0&cursor=!&size=1", "", "400 - - cursor: illegal"),
    ]);
}

#[test]
fn which_node_is_asked() {
    // Hosts of the configuration come first, in its order, then those of the table.
    let stubs = Stubs::with(3, |hosts| {
        let [one, two, three] = [0, 1, 2].map(|at| hosts[at].as_str());
        (at_rest(one, two), vec![format!("backends=[\"{three}\",\"{two}\"]")])
    });
    let mut client = stubs.client();
    assert_eq!(client.get("/peer_count").text(), "3");
    stubs.say(Part::Plain, &["200|one", "200|two", "200|three"]);
    let by_peer = [0, 1, 2].map(|peer| client.get(&format!("/file_count?peer={peer}")).text());
    assert_eq!(by_peer, ["three", "two", "one"]);
    client.check(&[
        ("/file_count", "", "400 - - peer: missing"),
        ("/file_count?peer=", "", "400 - - peer: empty"),
        ("/file_count?peer=3", "", "400 - - peer: not in 0..2"),
        ("/file_count?peer=-1", "", "400 - - peer: not in 0..2"),
        ("/keys?peer=0", "", "400 - - file: missing"),
        ("/hkeys?peer=0", "", "400 - - tb: missing"),
        ("/smembers?peer=0&tb=", "", "400 - - tb: empty"),
    ]);
    // Health does not matter, and nobody else is asked.
    stubs.nodes[0].say(Part::Health, "503|draining\n");
    stubs.wait_for(0, "down", false);
    stubs.say(Part::Plain, &["200|one"]);
    assert_eq!(client.get("/stat?peer=2").text(), "one");
    for (said, status, text) in [
        ("400|offset: x\n", 400, "offset: x\n"),
        ("404|", 404, ""),
        ("412|tb: no such table\n", 412, "tb: no such table\n"),
        ("500|x\n", 503, "peer: H1 500 (x)\n"),
        ("503 retry-after=1|x\n", 503, "peer: H1 503 (x)\n"),
        ("401 www-authenticate=Basic|x\n", 503, "peer: H1 401 (x)\n"),
    ] {
        stubs.say(Part::Plain, &[said]);
        let reply = client.get("/stat?peer=2&tb=t");
        assert_eq!((reply.status, stubs.named(&reply.text()).as_str()), (status, text), "{said}");
        assert_eq!(stubs.took(), "P  ");
    }
}

#[test]
fn who_does_not_say_what_it_owes_owes_what_it_did() {
    let stubs = Stubs::pair(&[]);
    let binlog =
        |to: usize, debts: u64| format!("200|[{{\"BINLOG\":{{\"{}\":{debts}}}}}]", stubs.nodes[to].host());
    stubs.nodes[0].say(Part::Owes, &binlog(1, 3));
    stubs.wait_for(1, "up", true);
    stubs.nodes[0].say(Part::Owes, "503 retry-after=1|overloaded\n");
    let mut client = stubs.client();
    // Of the second poll from here on all is known to be new.
    for debts in [5, 6, 7] {
        stubs.nodes[1].say(Part::Owes, &binlog(0, debts));
        let mut shown = String::new();
        let is_polled = wait_until(LONG, || {
            shown = client.get("/backends").text();
            shown.contains(&format!("\"debts\":{debts},"))
        });
        assert!(is_polled && shown.contains("\"behind\":true,\"debts\":3,"), "{shown}");
    }
    stubs.nodes.iter().for_each(|node| node.say(Part::Owes, "200|[{}]"));
    stubs.calm();
}

#[test]
fn the_nodes_as_the_proxy_sees_them() {
    let stubs = Stubs::pair(&[]);
    let row = |number: usize, state: &str, behind: bool, debts: u64| {
        let host = stubs.nodes[number].host();
        format!(
            "{{\"peer\":{number},\"host\":\"{host}\",\"state\":\"{state}\",\"behind\":{behind},\"debts\":{debts},\"hints\":0}}"
        )
    };
    let reply = stubs.client().get("/backends");
    assert_eq!(reply.text(), format!("[{},{}]", row(0, "up", false, 0), row(1, "up", false, 0)));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let host = stubs.nodes[1].host();
    stubs.nodes[0].say(Part::Owes, &format!("200|[{{\"BINLOG\":{{\"{host}\":17,\"other:1\":3}}}}]"));
    stubs.wait_for(1, "up", true);
    assert_eq!(
        stubs.client().get("/backends").text(),
        format!("[{},{}]", row(0, "up", false, 0), row(1, "up", true, 17))
    );
    stubs.nodes[0].say(Part::Health, "503|draining\n");
    stubs.wait_for(0, "down", false);
    let metrics = stubs.client().get("/metrics").text();
    let host_1 = stubs.nodes[0].host();
    for line in [
        format!("hustha_backend_up{{host=\"{host_1}\"}} 0"),
        format!("hustha_backend_up{{host=\"{host}\"}} 1"),
        format!("hustha_backend_behind{{host=\"{host}\"}} 1"),
        format!("hustha_debts{{host=\"{host}\"}} 17"),
    ] {
        assert!(metrics.contains(&line), "{line} in\n{metrics}");
    }
}
