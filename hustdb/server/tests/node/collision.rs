//! Two keys with one md5: the first has the place, the second is refused and never shown the other's record.

use crate::support::{Client, brief, node};

/// The single-block collision of Marc Stevens (2012): 64 bytes each, one md5.
const FIRST: &str = "4dc968ff0ee35c209572d4777b721587d36fa7b21bdc56b74a3dc0783e7b9518\
                     afbfa200a8284bf36e8e4b55b35f427593d849676da0d1555d8360fb5f07fea2";
const SECOND: &str = "4dc968ff0ee35c209572d4777b721587d36fa7b21bdc56b74a3dc0783e7b9518\
                      afbfa202a8284bf36e8e4b55b35f427593d849676da0d1d55d8360fb5f07fea2";

/// As a value of the query.
fn encoded(hex: &str) -> String {
    (0..hex.len()).step_by(2).map(|at| format!("%{}", &hex[at..at + 2])).collect()
}

#[test]
fn the_second_of_two_keys_with_one_md5_is_refused() {
    let node = node();
    let mut client = Client::of(&node);
    let (first, second) = (encoded(FIRST), encoded(SECOND));
    const REFUSED: &str = "key: its md5 belongs to another key";
    for (put, get, del) in [
        ("put?val=v&", "get?", "del?"),
        ("hset?tb=h&val=v&", "hget?tb=h&", "hdel?tb=h&"),
        ("sadd?tb=s&", "sismember?tb=s&", "srem?tb=s&"),
        ("zadd?tb=z&score=3&", "zscore?tb=z&", "zrem?tb=z&"),
    ] {
        let mut ask = |command: &str, key: &str| brief(&client.get(&format!("/hustdb/{command}key={key}")));
        assert!(ask(put, &first).starts_with("200 1 false"), "{put}");
        let shown = ask(get, &first);
        let refused = ask(put, &second);
        assert!(refused.starts_with("500 ") && refused.ends_with(REFUSED), "{put}: {refused}");
        assert_eq!(ask(get, &second), "404 0 -", "{get}: it is not there");
        let deleted = ask(del, &second);
        assert!(!deleted.starts_with("200"), "{del}: {deleted}");
        assert_eq!(ask(get, &first), shown, "the first is as it was");
        assert!(ask(del, &first).starts_with("200 1 false"), "{del}");
    }
}
