//! get2 and its kin: what masters have side by side, and that asking makes them equal.

use crate::cluster::{Cluster, brief};

#[test]
fn differences_are_told_and_made_good() {
    let cluster = Cluster::start();
    let mut client = cluster.client();
    client.check(&[
        ("/put?key=same&val=v", "", "200 1 false"),
        ("/get2?key=same", "", "200 1 - v"),
        ("/get2?key=none", "", "404 0 -"),
        ("/hget2?tb=none&key=f", "", "412 0 - tb: no such table"),
        ("/sadd?tb=s&key=m", "", "200 1 false"),
        ("/sismember2?tb=s", "m", "200 1 -"),
        ("/zadd?tb=z&key=m&score=-4", "", "200 1 false -4"),
        ("/zscore2?tb=z&key=m", "", "200 1 - -4"),
    ]);
    for (number, value) in [(0, "one"), (1, "other")] {
        cluster.node(number).get(&format!("/hustdb/put?key=k&val={value}"));
    }
    let reply = client.get("/get2?key=k");
    assert_eq!((brief(&reply).as_str(), reply.header("val-offset")), ("409 1 - oneother", Some("3")));
    cluster.node(0).get("/hustdb/put?key=single&val=v");
    let reply = client.get("/get2?key=single");
    assert_eq!(brief(&reply), "409 - - v");
    let versions = (reply.header("version1"), reply.header("version2"), reply.header("val-offset"));
    assert_eq!(versions, (Some("1"), Some("0"), Some("1")));
    cluster.wait_for_healing();
    assert_eq!(brief(&client.get("/get2?key=k")), "200 1 - other", "the greater stamp wins");
    assert_eq!(brief(&client.get("/get2?key=single")), "200 1 - v");
    cluster.equal("/hustdb/get?key=k");
}
