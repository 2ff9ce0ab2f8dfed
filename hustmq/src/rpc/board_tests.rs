//! The board: tables of what happens in turn.

use super::*;

type Board = super::Board<&'static str, &'static str>;

const PATIENCE: Duration = Duration::from_secs(10);

fn start() -> (Board, Instant) {
    (Board::new(3, PATIENCE), Instant::now())
}

fn call(
    board: &mut Board,
    caller: &'static str,
    queue: &str,
    now: Instant,
) -> (TaskId, Option<&'static str>) {
    let bits = u128::from(caller.as_bytes()[0]);
    let (id, handed) = board.call(queue, caller.into(), caller, now, || Some(Token::new(bits))).unwrap();
    if let Some((_, job)) = &handed {
        assert_eq!((&job.arguments[..], &*job.queue), (caller.as_bytes(), queue));
    }
    (id, handed.map(|(seat, _)| seat))
}

fn token(caller: &str) -> Token {
    Token::new(u128::from(caller.as_bytes()[0]))
}

fn took(job: Option<Job>) -> Option<String> {
    job.map(|job| String::from_utf8(job.arguments.to_vec()).unwrap())
}

#[test]
fn tasks_go_in_the_order_in_which_they_came() {
    let (mut board, now) = start();
    for (caller, queue) in [("a", "x"), ("b", "y"), ("c", "x")] {
        assert_eq!(call(&mut board, caller, queue, now).1, None);
    }
    assert_eq!(took(board.take(Some("y"), now)).as_deref(), Some("b"));
    assert_eq!(took(board.take(Some("y"), now)), None, "a named queue is not served with others");
    assert_eq!(took(board.take(None, now)).as_deref(), Some("a"));
    assert_eq!(took(board.take(Some("x"), now)).as_deref(), Some("c"));
    assert_eq!(took(board.take(None, now)), None);
    assert_eq!(board.counts(), Counts { unclaimed: 0, claimed: 3, workers: 0, limit: 3 });
}

#[test]
fn workers_are_served_in_the_order_in_which_they_came() {
    let (mut board, now) = start();
    board.park(Some("x"), "X").unwrap();
    let any = board.park(None, "any").unwrap();
    board.park(Some("x"), "X2").unwrap();
    assert_eq!(board.park(None, "more"), Err(Refused::Full));
    assert_eq!(call(&mut board, "a", "y", now).1, Some("any"), "the first is passed over");
    assert!(!board.leave(any), "it has been given something");
    assert_eq!(call(&mut board, "b", "x", now).1, Some("X"));
    let last = board.park(None, "last").unwrap();
    assert!(board.leave(last) && !board.leave(last));
    assert_eq!(call(&mut board, "c", "x", now).1, Some("X2"));
    assert_eq!(board.counts().workers, 0);
}

#[test]
fn a_token_is_good_once_and_while_its_task_is_claimed() {
    let (mut board, now) = start();
    let (id, _) = call(&mut board, "a", "x", now);
    assert_eq!(board.answer(token("a")), None, "nobody has it");
    board.take(None, now).unwrap();
    assert_eq!(board.answer(token("b")), None);
    assert_eq!(board.answer(token("a")), Some("a"));
    assert_eq!(board.answer(token("a")), None, "used");
    assert_eq!(board.late(id, now + PATIENCE), Late::Gone);
    let (id, _) = call(&mut board, "a", "x", now);
    board.take(None, now).unwrap();
    board.abandon(id);
    assert_eq!(board.answer(token("a")), None, "the caller has gone");
    assert_eq!(board.counts(), Counts { limit: 3, ..Counts::default() });
}

#[test]
fn a_token_in_use_is_not_given_again() {
    let (mut board, now) = start();
    call(&mut board, "a", "x", now);
    let mut bits = [u128::from(b'a'), u128::from(b'a'), 7].into_iter();
    board.call("x", "b".into(), "b", now, || bits.next().map(Token::new)).unwrap();
    assert_eq!(board.call("x", "c".into(), "c", now, || None), Err(Refused::NoToken));
    board.take(None, now).unwrap();
    board.take(None, now).unwrap();
    assert_eq!((board.answer(Token::new(7)), board.answer(token("a"))), (Some("b"), Some("a")));
}

#[test]
fn time_runs_from_the_call_and_anew_from_the_claim() {
    let (mut board, now) = start();
    let at = |seconds| now + Duration::from_secs(seconds);
    let (id, _) = call(&mut board, "a", "x", now);
    assert_eq!(board.late(id, at(9)), Late::Until(at(10)));
    board.take(None, at(9)).unwrap();
    assert_eq!(board.late(id, at(10)), Late::Until(at(19)));
    assert_eq!(board.late(id, at(19)), Late::Ended);
    assert_eq!((board.late(id, at(19)), board.answer(token("a"))), (Late::Gone, None), "late");
}

#[test]
fn what_is_given_back_stands_where_it_stood() {
    let (mut board, now) = start();
    let at = |seconds| now + Duration::from_secs(seconds);
    for (caller, seconds) in [("a", 0), ("b", 1), ("c", 2)] {
        call(&mut board, caller, "x", at(seconds));
    }
    assert_eq!(board.give_back(token("a"), now), Back::Gone, "nobody has it");
    board.take(None, at(5)).unwrap();
    assert_eq!(board.give_back(token("a"), at(6)), Back::Waits);
    assert_eq!(board.answer(token("a")), None, "it was not handed over");
    assert_eq!(took(board.take(None, at(7))).as_deref(), Some("a"));
    assert_eq!(board.give_back(token("a"), at(10)), Back::Ended("a"), "its first time is over");
    assert_eq!(board.give_back(token("a"), at(10)), Back::Gone);
    assert_eq!(took(board.take(None, at(7))).as_deref(), Some("b"));
    board.take(None, at(7)).unwrap();
    board.park(None, "w").unwrap();
    let Back::Handed("w", job) = board.give_back(token("c"), at(8)) else { panic!("someone waits for it") };
    assert_eq!(job.token, token("c"));
    assert_eq!(board.counts(), Counts { unclaimed: 0, claimed: 2, workers: 0, limit: 3 });
}

#[test]
fn a_full_board_takes_no_more() {
    let (mut board, now) = start();
    for caller in ["a", "b", "c"] {
        call(&mut board, caller, "x", now);
    }
    board.take(None, now).unwrap();
    let more = board.call("x", "d".into(), "d", now, || Some(token("d")));
    assert_eq!(more, Err(Refused::Full), "claimed ones count");
    assert_eq!(board.answer(token("a")), Some("a"));
    call(&mut board, "d", "x", now);
}

#[test]
fn a_draining_board_keeps_what_is_claimed() {
    let (mut board, now) = start();
    for caller in ["a", "b", "c"] {
        call(&mut board, caller, "x", now);
    }
    board.park(Some("y"), "w").unwrap();
    board.take(None, now).unwrap();
    board.take(None, now).unwrap();
    assert_eq!(board.drain(), (vec!["c"], vec!["w"]));
    assert_eq!(board.call("x", "d".into(), "d", now, || Some(token("d"))), Err(Refused::Draining));
    assert_eq!(board.park(None, "v"), Err(Refused::Draining));
    assert_eq!(board.give_back(token("b"), now), Back::Ended("b"), "nobody will come for it");
    assert_eq!(board.answer(token("a")), Some("a"));
    assert_eq!(board.counts(), Counts { limit: 3, ..Counts::default() });
}
