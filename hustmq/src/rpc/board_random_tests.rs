//! The board under a long random run, against the rules kept as plain lists.

use hust_testkit::Random;

use super::*;

type Board = super::Board<TaskId, u64>;

const LIMIT: usize = 6;

/// What the rules say, kept as plain lists.
#[derive(Default)]
struct Model {
    /// Task, queue, token, claimed.
    tasks: Vec<(TaskId, &'static str, Token, bool)>,
    /// Worker, queue.
    workers: Vec<(WorkerId, Option<&'static str>)>,
}

impl Model {
    fn claim_first(&mut self, queue: Option<&str>) -> Option<Token> {
        let fits = |task: &&mut (_, &str, _, bool)| !task.3 && queue.is_none_or(|queue| queue == task.1);
        let task = self.tasks.iter_mut().find(fits)?;
        task.3 = true;
        Some(task.2)
    }

    fn seat_first(&mut self, queue: &str) -> Option<WorkerId> {
        let at = self.workers.iter().position(|(_, takes)| takes.is_none_or(|takes| takes == queue))?;
        Some(self.workers.remove(at).0)
    }
}

/// A board and what it should be like.
struct Run {
    random: Random,
    board: Board,
    model: Model,
    now: Instant,
    /// The seat last given.
    seat: u64,
    parked: HashMap<u64, WorkerId>,
    /// Which step of which seed this is.
    what: String,
}

impl Run {
    fn new(seed: u64) -> Run {
        Run {
            random: Random(seed),
            board: Board::new(LIMIT, Duration::from_secs(10)),
            model: Model::default(),
            now: Instant::now(),
            seat: 0,
            parked: HashMap::new(),
            what: String::new(),
        }
    }

    fn step(&mut self) {
        let queue = ["x", "y"][self.random.place(2)];
        let named = [None, Some("x"), Some("y")][self.random.place(3)];
        let at = self.random.place(self.model.tasks.len());
        match self.random.below(6) {
            0 | 1 => self.call(queue),
            2 => self.take(named),
            3 if !self.model.tasks.is_empty() => self.answer(at),
            4 if !self.model.tasks.is_empty() => self.give_back(at),
            5 if !self.model.workers.is_empty() => self.leave(),
            _ if !self.model.tasks.is_empty() => self.board.abandon(self.model.tasks.remove(at).0),
            _ => {}
        }
        self.check();
    }

    fn call(&mut self, queue: &'static str) {
        let token = Token::new(u128::from(self.random.any()) << 64 | u128::from(self.random.any()));
        match self.board.call(queue, Bytes::new(), 0, self.now, || Some(token)) {
            Ok((id, handed)) => {
                assert!(self.model.tasks.len() < LIMIT, "{}", self.what);
                let worker = self.model.seat_first(queue);
                assert_eq!(handed.map(|(seat, _)| self.parked[&seat]), worker, "{}", self.what);
                self.model.tasks.push((id, queue, token, worker.is_some()));
            }
            Err(refused) => {
                assert_eq!((refused, self.model.tasks.len()), (Refused::Full, LIMIT), "{}", self.what);
            }
        }
    }

    fn take(&mut self, named: Option<&'static str>) {
        if let Some(job) = self.board.take(named, self.now) {
            assert_eq!(Some(job.token), self.model.claim_first(named), "{}", self.what);
            return;
        }
        assert_eq!(self.model.claim_first(named), None, "{}", self.what);
        self.seat += 1;
        match self.board.park(named, self.seat) {
            Ok(id) => {
                self.parked.insert(self.seat, id);
                self.model.workers.push((id, named));
            }
            Err(_) => assert_eq!(self.model.workers.len(), LIMIT, "{}", self.what),
        }
    }

    fn answer(&mut self, at: usize) {
        let (.., token, claimed) = self.model.tasks[at];
        assert_eq!(self.board.answer(token).is_some(), claimed, "{}", self.what);
        if claimed {
            self.model.tasks.remove(at);
        }
    }

    fn give_back(&mut self, at: usize) {
        let (_, queue, token, claimed) = self.model.tasks[at];
        match self.board.give_back(token, self.now) {
            Back::Gone => assert!(!claimed, "{}", self.what),
            Back::Waits => {
                assert!(claimed && self.model.seat_first(queue).is_none(), "{}", self.what);
                self.model.tasks[at].3 = false;
            }
            Back::Handed(seat, job) => {
                let (found, expected) = (Some(self.parked[&seat]), self.model.seat_first(queue));
                assert_eq!((job.token, found), (token, expected), "{}", self.what);
            }
            Back::Ended(_) => panic!("{}", self.what),
        }
    }

    fn leave(&mut self) {
        let at = self.random.place(self.model.workers.len());
        let (id, _) = self.model.workers.remove(at);
        assert!(self.board.leave(id), "{}", self.what);
    }

    fn check(&self) {
        let Model { tasks, workers } = &self.model;
        let claimed = tasks.iter().filter(|task| task.3).count();
        let counts =
            Counts { unclaimed: tasks.len() - claimed, claimed, workers: workers.len(), limit: LIMIT };
        assert_eq!(self.board.counts(), counts, "{}", self.what);
        let idle = |task: &(_, &str, _, bool)| {
            !task.3 && workers.iter().any(|(_, takes)| takes.is_none_or(|takes| takes == task.1))
        };
        assert!(!tasks.iter().any(idle), "{}: a worker waits for a task that waits", self.what);
    }
}

#[test]
fn a_random_run_keeps_the_rules() {
    for seed in 1..=200 {
        let mut run = Run::new(seed);
        for step in 0..300 {
            run.what = format!("seed {seed} step {step}");
            run.step();
        }
        for (id, ..) in run.model.tasks {
            run.board.abandon(id);
        }
        let left = (run.board.unclaimed_of.queues(), run.board.by_token.len());
        assert_eq!(left, (0, 0), "nothing is left behind");
    }
}
