//! Hashes, sets and sorted sets: types, creation, disappearance, numbers, exact counts.

use super::*;
use crate::{Figures, Kind, Member, ScoreOperation, Stat, score_of};

const KEEP: Terms = Terms { lifetime: Lifetime::Kept, ..Terms::PLAIN };

fn member<'a>(kind: Kind, table: &'a str, key: &'a str) -> Member<'a> {
    Member { kind, table: table.as_bytes(), key: key.as_bytes() }
}

fn write(node: &Node, member: Member<'_>, change: Change<'_>, terms: Terms) -> Result<(Answer, Option<i64>)> {
    let written = node.call(|| node.store().members().write(&member, change, terms))?;
    let number = written.number;
    Ok((settle(Ok(written))?, number))
}

fn hset(node: &Node, table: &str, key: &str, value: &str) -> Result<Answer> {
    let put = Change::Put(value.as_bytes());
    write(node, member(Kind::Hash, table, key), put, Terms::PLAIN).map(|(answer, _)| answer)
}

fn sadd(node: &Node, table: &str, key: &str) -> Result<Answer> {
    write(node, member(Kind::Set, table, key), Change::Put(b""), Terms::PLAIN).map(|(answer, _)| answer)
}

fn zadd(node: &Node, table: &str, key: &str, score: i64, operation: ScoreOperation) -> Result<(Answer, i64)> {
    let change = Change::Score { score, operation };
    let (answer, number) = write(node, member(Kind::Zset, table, key), change, KEEP)?;
    Ok((answer, number.unwrap()))
}

fn hincrby(node: &Node, table: &str, key: &str, by: i64) -> Result<(Answer, i64)> {
    let (answer, sum) = write(node, member(Kind::Hash, table, key), Change::Add(by), KEEP)?;
    Ok((answer, sum.unwrap()))
}

fn del(node: &Node, member: Member<'_>) -> Result<Answer> {
    write(node, member, Change::Delete, Terms::PLAIN).map(|(answer, _)| answer)
}

fn get(node: &Node, member: Member<'_>) -> Result<Option<Vec<u8>>> {
    Ok(node.store().members().get(&member)?.map(|record| record.value.to_vec()))
}

fn figures(node: &Node, table: &str) -> Option<(Kind, Figures)> {
    node.store().table_stat(table.as_bytes()).map(|stat| (stat.kind, stat.figures))
}

fn version(answer: Answer) -> u64 {
    applied(answer).version
}

fn reason<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(error) => error.to_string(),
        Ok(done) => panic!("{done:?}"),
    }
}

/// Everything `Store` says of tables agrees with a recount, and again after a restart.
fn recount(node: &mut Node, expected: &[(&str, Kind, u64)]) {
    for _ in 0..2 {
        let stats = node.store().table_stats();
        let counts: Vec<_> =
            stats.iter().map(|s| (std::str::from_utf8(&s.name).unwrap(), s.kind, s.count())).collect();
        assert_eq!(counts, expected);
        assert_eq!(node.store().table_count(), expected.len());
        node.restart();
    }
}

#[test]
fn a_hash_lives_from_its_first_field_to_its_last() {
    let mut node = Node::new(|_| ());
    let f = member(Kind::Hash, "t", "f");
    assert_eq!(reason(get(&node, f)), "tb: no such table");
    assert_eq!(reason(del(&node, f)), "tb: no such table");
    assert_eq!(node.store().table_count(), 0, "a refused delete leaves no name");
    assert_eq!(version(hset(&node, "t", "f", "5").unwrap()), 1);
    assert_eq!(get(&node, f).unwrap().unwrap(), b"5");
    assert_eq!(get(&node, member(Kind::Hash, "t", "none")).unwrap(), None);
    assert_eq!(hincrby(&node, "t", "f", -8).unwrap().1, -3);
    let stat = Stat { count: 1, size: 3, capacity: 1024 };
    assert_eq!(figures(&node, "t"), Some((Kind::Hash, Figures { hash: stat, ..Figures::default() })));
    assert_eq!(node.store().hash_stat(), stat);
    recount(&mut node, &[("t", Kind::Hash, 1)]);
    assert_eq!(version(del(&node, f).unwrap()), 2);
    assert_eq!(reason(get(&node, f)), "tb: no such table");
    assert_eq!(figures(&node, "t"), None);
    assert_eq!(node.store().hash_stat(), Stat::default());
    assert!(node.store().digest(0..1024).iter().all(|digest| *digest == 0));
    recount(&mut node, &[]);
    assert_eq!(version(hset(&node, "t", "f", "6").unwrap()), 1, "a new life begins at 1");
}

#[test]
fn a_name_has_one_type_at_a_time() {
    let mut node = Node::new(|_| ());
    sadd(&node, "s", "m").unwrap();
    assert_eq!(version(sadd(&node, "s", "m").unwrap()), 2, "adding again is a write");
    assert_eq!(reason(hset(&node, "s", "f", "v")), "tb: is a set");
    assert_eq!(reason(zadd(&node, "s", "m", 1, ScoreOperation::Set)), "tb: is a set");
    assert_eq!(reason(get(&node, member(Kind::Hash, "s", "m"))), "tb: is a set");
    assert_eq!(reason(del(&node, member(Kind::Zset, "s", "m"))), "tb: is a set");
    hset(&node, "s2", "m", "v").unwrap();
    assert_eq!(reason(sadd(&node, "s2", "m")), "tb: is a hash");
    recount(&mut node, &[("s", Kind::Set, 1), ("s2", Kind::Hash, 1)]);
    del(&node, member(Kind::Set, "s", "m")).unwrap();
    assert_eq!(version(hset(&node, "s", "m", "v").unwrap()), 1);
    recount(&mut node, &[("s", Kind::Hash, 1), ("s2", Kind::Hash, 1)]);
}

#[test]
fn scores_are_set_added_kept_and_negative() {
    let mut node = Node::new(|_| ());
    let m = member(Kind::Zset, "z", "m");
    let (answer, score) = zadd(&node, "z", "m", 100, ScoreOperation::Set).unwrap();
    assert_eq!((version(answer), score), (1, 100));
    let (answer, score) = zadd(&node, "z", "m", 150, ScoreOperation::Subtract).unwrap();
    assert_eq!((version(answer), score), (2, -50));
    let (answer, score) = zadd(&node, "z", "m", -50, ScoreOperation::Set).unwrap();
    assert!(matches!(answer, Answer::Unchanged(Shown { version: 2, .. })), "{answer:?}");
    assert_eq!(score, -50);
    let (answer, score) = zadd(&node, "z", "m", 0, ScoreOperation::Add).unwrap();
    assert_eq!((version(answer), score), (3, -50), "with an operation every call is a write");
    assert_eq!(score_of(&get(&node, m).unwrap().unwrap()), Some(-50));
    let overflow = "score: the result leaves the range of int64";
    assert_eq!(reason(zadd(&node, "z", "m", i64::MIN, ScoreOperation::Add)), overflow);
    assert_eq!(score_of(&get(&node, m).unwrap().unwrap()), Some(-50));
    recount(&mut node, &[("z", Kind::Zset, 1)]);
    del(&node, m).unwrap();
    recount(&mut node, &[]);
}

#[test]
fn a_conflict_comes_before_what_the_operation_says() {
    let node = Node::new(|_| ());
    hset(&node, "t", "f", "no number").unwrap();
    let terms = Terms { origin: Origin::Local { ver: 7 }, ..KEEP };
    let f = member(Kind::Hash, "t", "f");
    assert_eq!(write(&node, f, Change::Add(1), terms).unwrap().0, Answer::Conflict { current: 1 });
    assert_eq!(reason(hincrby(&node, "t", "f", 1)), "val: what is stored is not a signed integer");
    let late = Terms { deadline_ms: Some(START_MS - 1), ..KEEP };
    assert!(matches!(write(&node, f, Change::Put(b"v"), late), Err(Error::Deadline)));
    let first = Terms { origin: Origin::Local { ver: 3 }, ..Terms::PLAIN };
    let refused = write(&node, member(Kind::Hash, "new", "f"), Change::Put(b"v"), first).unwrap().0;
    assert_eq!(refused, Answer::Conflict { current: 0 });
    assert_eq!(figures(&node, "new"), None);
    assert_eq!(node.store().table_count(), 1);
}

#[test]
fn the_table_limit_is_exact_and_replicas_are_above_it() {
    let mut node = Node::new(|options| options.table_maximum = 2);
    hset(&node, "a", "f", "v").unwrap();
    sadd(&node, "b", "m").unwrap();
    assert_eq!(reason(sadd(&node, "c", "m")), "tb: the limit of store.table_maximum is reached");
    sadd(&node, "b", "m2").unwrap();
    let replica = Terms::new(Origin::Replica { ver: 4, stamp: 9 << 16 }, Lifetime::Until(0));
    write(&node, member(Kind::Set, "c", "m"), Change::Put(b""), replica).unwrap();
    recount(&mut node, &[("a", Kind::Hash, 1), ("b", Kind::Set, 2), ("c", Kind::Set, 1)]);
    del(&node, member(Kind::Hash, "a", "f")).unwrap();
    del(&node, member(Kind::Set, "c", "m")).unwrap();
    sadd(&node, "d", "m").unwrap();
    assert!(hset(&node, "a", "f", "v").is_err());
}

#[test]
fn a_table_goes_with_its_last_record_that_expires() {
    let mut node = Node::new(|_| ());
    let ttl = |seconds| Terms { lifetime: Lifetime::Ttl(seconds), ..Terms::PLAIN };
    for (kind, change) in [
        (Kind::Hash, Change::Put(b"7")),
        (Kind::Set, Change::Put(b"")),
        (Kind::Zset, Change::Score { score: 7, operation: ScoreOperation::Set }),
    ] {
        let (t, key) = (kind.letter().unwrap(), "k");
        write(&node, member(kind, t, key), change, ttl(5)).unwrap();
        write(&node, member(kind, t, "other"), change, ttl(9)).unwrap();
    }
    let (_, sum) = hincrby(&node, "H", "k", 1).unwrap();
    assert_eq!(sum, 8);
    let shown = node.store().members().exist(&member(Kind::Hash, "H", "k")).unwrap().unwrap();
    assert_eq!(shown.expire_ms, START_MS + 5000, "an increment keeps the expiry");
    node.clock.advance(5000);
    assert_eq!(get(&node, member(Kind::Set, "S", "k")).unwrap(), None);
    assert_eq!(hincrby(&node, "H", "k", 3).unwrap().1, 3, "begins from nothing");
    node.sweep();
    recount(&mut node, &[("H", Kind::Hash, 2), ("S", Kind::Set, 1), ("Z", Kind::Zset, 1)]);
    node.clock.advance(4000);
    node.sweep();
    recount(&mut node, &[("H", Kind::Hash, 1)]);
    assert_eq!(reason(get(&node, member(Kind::Zset, "Z", "other"))), "tb: no such table");
    assert!(sadd(&node, "Z", "m").is_ok(), "the name is free");
}

#[test]
fn replicas_of_two_types_under_one_name_both_survive() {
    let mut node = Node::new(|_| ());
    let replica = |stamp: u64| Terms::new(Origin::Replica { ver: 1, stamp: stamp << 16 }, Lifetime::Until(0));
    write(&node, member(Kind::Set, "t", "m"), Change::Put(b""), replica(5)).unwrap();
    write(&node, member(Kind::Hash, "t", "f"), Change::Put(b"v"), replica(6)).unwrap();
    recount(&mut node, &[("t", Kind::Hash, 1)]);
    assert_eq!(reason(get(&node, member(Kind::Set, "t", "m"))), "tb: is a hash");
    del(&node, member(Kind::Hash, "t", "f")).unwrap();
    recount(&mut node, &[("t", Kind::Set, 1)]);
    // The deletion of a record in an absent table is kept too.
    let gone = member(Kind::Zset, "none", "m");
    write(&node, gone, Change::Delete, replica(9)).unwrap();
    let score = Change::Score { score: 1, operation: ScoreOperation::Set };
    let (answer, _) = write(&node, gone, score, replica(8)).unwrap();
    assert!(matches!(answer, Answer::Ignored { greater: true, .. }), "{answer:?}");
    recount(&mut node, &[("t", Kind::Set, 1)]);
}

#[test]
fn names_whose_first_number_is_taken_get_another() {
    let mut node = Node::new(|_| ());
    let number =
        |name: &str| u32::from_be_bytes(*crate::md5(name.as_bytes()).first_chunk().unwrap()) % (1 << 28);
    let mut seen = std::collections::HashMap::new();
    let (one, two) = (0..)
        .find_map(|n: u32| {
            let name = format!("t{n}");
            seen.insert(number(&name), name.clone()).map(|other| (other, name))
        })
        .unwrap();
    hset(&node, &one, "f", "of one").unwrap();
    hset(&node, &two, "f", "of two").unwrap();
    node.restart();
    assert_eq!(get(&node, member(Kind::Hash, &one, "f")).unwrap().unwrap(), b"of one");
    assert_eq!(get(&node, member(Kind::Hash, &two, "f")).unwrap().unwrap(), b"of two");
    del(&node, member(Kind::Hash, &one, "f")).unwrap();
    node.restart();
    hset(&node, &one, "g", "of one").unwrap();
    assert_eq!(get(&node, member(Kind::Hash, &two, "f")).unwrap().unwrap(), b"of two");
    assert_eq!(get(&node, member(Kind::Hash, &two, "g")).unwrap(), None);
}

#[test]
fn concurrent_increments_and_creators_are_exact() {
    let mut node = Node::new(|options| {
        options.engine.background = Background::Threads;
        options.table_maximum = 8;
    });
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let node = &node;
            scope.spawn(move || {
                for turn in 0..200u32 {
                    hincrby(node, "sum", "f", 1).unwrap();
                    zadd(node, "scores", "m", 2, ScoreOperation::Add).unwrap();
                    // Comes and goes, while others do the same.
                    let key = format!("{thread}");
                    sadd(node, "shared", &key).unwrap();
                    if turn % 2 == 0 {
                        del(node, member(Kind::Set, "shared", &key)).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(get(&node, member(Kind::Hash, "sum", "f")).unwrap().unwrap(), b"800");
    assert_eq!(score_of(&get(&node, member(Kind::Zset, "scores", "m")).unwrap().unwrap()), Some(1600));
    recount(&mut node, &[("scores", Kind::Zset, 1), ("shared", Kind::Set, 4), ("sum", Kind::Hash, 1)]);
}
