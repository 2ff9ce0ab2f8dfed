//! The program as the server loop sees it.

use hust_wire::{
    Answer, Kind, Refusal, Request,
    route::{BodyRule, Methods, Route},
    server::Handler,
};
use hyper::StatusCode;

use crate::{clock, metrics, shared::Shared, status::Status};

const SYNC_STATUS: u16 = 0;
const SCRUB: u16 = 1;

/// The paths.
pub const ROUTES: &[Route] = &[
    Route { path: "/sync_status", methods: Methods::READ, id: SYNC_STATUS, body: BodyRule::Ignored },
    Route { path: "/scrub", methods: Methods::POST, id: SCRUB, body: BodyRule::Ignored },
];

/// Answers from what is known; everything else is done in the background.
#[derive(Debug)]
pub struct Sync(pub Shared);

impl Handler for Sync {
    type Worker = ();

    fn worker(&self, _index: usize) {}

    async fn handle(&self, (): &(), request: &mut Request) -> Answer {
        match request.route {
            SYNC_STATUS => match serde_json::to_vec(&Status::of(&self.0, clock::now_ms())) {
                Ok(json) => Answer::ok(Kind::Json, json),
                Err(error) => {
                    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "status", error.to_string()).into()
                }
            },
            SCRUB => {
                let round = self.0.journal.begin(clock::now_ms());
                Answer::ok(Kind::Json, format!(r#"{{"round":{round}}}"#))
            }
            _ => Refusal::new(StatusCode::NOT_FOUND, "path", "unknown").into(),
        }
    }

    fn metrics(&self, text: &mut String) {
        metrics::write(text, &self.0);
    }
}
