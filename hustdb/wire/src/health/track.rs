//! From events to the state of a node. Pure.

/// How a node is, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It answers.
    Up,
    /// A connection could not be made.
    Suspect,
    /// It does not answer, or it is ending.
    Down,
}

/// When a node counts as up and as down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Good checks in a row.
    pub rise: u32,
    /// Bad checks in a row.
    pub fall: u32,
}

/// Something that tells about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A check was answered 200.
    Good,
    /// A check could not connect.
    Unreachable,
    /// A check was answered 503: the node is ending, or not ready.
    Ending,
    /// A check went wrong otherwise.
    Bad,
    /// A request could not connect.
    RequestUnreachable,
    /// A request timed out or lost its connection.
    RequestLost,
}

/// The state of a node and what led to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// `None` before the first check.
    state: Option<State>,
    good: u32,
    bad: u32,
}

impl Track {
    /// The state; down before the first check.
    pub fn state(&self) -> State {
        self.state.unwrap_or(State::Down)
    }

    /// Takes an event in.
    pub fn observe(&mut self, event: Event, limits: Limits) {
        let first = self.state.is_none();
        match event {
            Event::Good => {
                self.bad = 0;
                self.good = self.good.saturating_add(1);
                if first || self.good >= limits.rise {
                    self.state = Some(State::Up);
                }
                return;
            }
            Event::Unreachable | Event::RequestUnreachable => {
                if first || self.state == Some(State::Up) {
                    self.state = Some(State::Suspect);
                }
            }
            Event::Ending => self.state = Some(State::Down),
            Event::Bad if first => self.state = Some(State::Down),
            Event::Bad | Event::RequestLost => {}
        }
        self.good = 0;
        // A refused connection costs nothing: many at once must not slow down the checks.
        if event != Event::RequestUnreachable {
            self.bad = self.bad.saturating_add(1);
        }
        if self.bad >= limits.fall {
            self.state = Some(State::Down);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Event::*, *};

    #[test]
    fn events_lead_to_states() {
        let (up, suspect, down) = (State::Up, State::Suspect, State::Down);
        let table: [(&[Event], State); 16] = [
            (&[], down),
            (&[Good], up),
            (&[Unreachable], suspect),
            (&[Bad], down),
            (&[Ending], down),
            (&[Good, Bad, Bad], up),
            (&[Good, Bad, Bad, Bad], down),
            (&[Good, Bad, Bad, Good, Bad], up),
            (&[Good, RequestLost, RequestLost], up),
            (&[Good, RequestLost, RequestLost, RequestLost], down),
            (&[Good, RequestUnreachable], suspect),
            (
                &[Good, RequestUnreachable, RequestUnreachable, RequestUnreachable, RequestUnreachable],
                suspect,
            ),
            (&[Good, RequestUnreachable, Unreachable, Unreachable, Unreachable], down),
            (&[Good, RequestUnreachable, Good], suspect),
            (&[Good, RequestUnreachable, Good, Good], up),
            (&[Good, Ending, Good, Good], up),
        ];
        for (events, expected) in table {
            let mut track = Track::default();
            for event in events {
                track.observe(*event, Limits { rise: 2, fall: 3 });
            }
            assert_eq!(track.state(), expected, "{events:?}");
        }
    }
}
