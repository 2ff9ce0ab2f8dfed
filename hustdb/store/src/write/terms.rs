//! The terms of a write: who writes and expects what, how long the record lives, until when the write may happen.

use crate::{
    error::{Error, Result},
    record::{MAX_VERSION, Origin},
    store::Shared,
};

/// Until when a record lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Seconds from now; 0 = for ever.
    Ttl(u64),
    /// Unix ms; 0 = for ever.
    Until(u64),
    /// As long as it does now; a new record for ever.
    Kept,
}

/// What a write asks for beside its change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Who writes, expecting which version.
    pub origin: Origin,
    /// Until when the record lives; of no meaning for deletes.
    pub lifetime: Lifetime,
    /// Wall time after which the write must not happen any more, unix ms.
    pub deadline_ms: Option<u64>,
}

impl Terms {
    /// Any version, for ever, at any time: what a client's plain write asks for.
    pub const PLAIN: Terms =
        Terms { origin: Origin::Local { ver: 0 }, lifetime: Lifetime::Ttl(0), deadline_ms: None };

    /// Terms without a deadline.
    pub fn new(origin: Origin, lifetime: Lifetime) -> Terms {
        Terms { origin, lifetime, deadline_ms: None }
    }

    /// Checks version and stamp, and learns the stamp. `stores`: the record will be there.
    pub(super) fn check(&self, shared: &Shared, now_ms: u64, stores: bool) -> Result<()> {
        let (ver, least) = match self.origin {
            Origin::Local { ver } => (ver, 0),
            Origin::Replica { ver, .. } => (ver, u64::from(stores)),
            Origin::Unstamped { ver } => (ver, 1),
        };
        if !(least..=MAX_VERSION).contains(&ver) {
            return Err(Error::invalid("ver", format!("not in {least}..{MAX_VERSION}")));
        }
        if let Origin::Replica { stamp, .. } = self.origin {
            if stamp == 0 {
                return Err(Error::invalid("stamp", "0"));
            }
            if shared.stamps.is_beyond_skew(now_ms, stamp) {
                return Err(Error::invalid("stamp", "too far ahead of this node's clock"));
            }
            shared.stamps.see(stamp);
        }
        Ok(())
    }

    /// Refuses a write that is too late. Asked under the locks, right before the commit.
    pub(super) fn check_deadline(&self, shared: &Shared) -> Result<()> {
        match self.deadline_ms {
            Some(deadline_ms) if shared.clock.now_ms() > deadline_ms => Err(Error::Deadline),
            _ => Ok(()),
        }
    }
}

/// A lifetime as a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// Unix ms; 0 = never.
    At(u64),
    /// As it is.
    Kept,
}

impl Lifetime {
    pub(super) fn expiry(self, shared: &Shared, now_ms: u64) -> Result<Expiry> {
        match self {
            Lifetime::Ttl(0) => Ok(Expiry::At(0)),
            Lifetime::Ttl(ttl_s) if ttl_s > shared.ttl_maximum_s => {
                Err(Error::invalid("ttl", format!("over {}", shared.ttl_maximum_s)))
            }
            Lifetime::Ttl(ttl_s) => Ok(Expiry::At(now_ms.saturating_add(ttl_s.saturating_mul(1000)))),
            Lifetime::Until(expire_ms) => Ok(Expiry::At(expire_ms)),
            Lifetime::Kept => Ok(Expiry::Kept),
        }
    }
}
