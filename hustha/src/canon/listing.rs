//! Listings, ranges and statistics: read, some of one node.

use hust_wire::{
    Refusal, Request,
    client::{Call, Target},
    param::required,
    slot::slot,
};
use hyper::Method;

use super::table;

/// A command that answers many rows, or figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    Keys,
    Hkeys,
    Smembers,
    Zrangebyrank,
    Zrangebyscore,
    Stat,
    StatAll,
    FileCount,
}

impl Listing {
    fn path(self) -> &'static str {
        match self {
            Listing::Keys => "/hustdb/keys",
            Listing::Hkeys => "/hustdb/hkeys",
            Listing::Smembers => "/hustdb/smembers",
            Listing::Zrangebyrank => "/hustdb/zrangebyrank",
            Listing::Zrangebyscore => "/hustdb/zrangebyscore",
            Listing::Stat => "/hustdb/stat",
            Listing::StatAll => "/hustdb/stat_all",
            Listing::FileCount => "/hustdb/file_count",
        }
    }

    /// The parameters it knows beside `tb`. Their values are the node's to check.
    fn parameters(self) -> &'static [&'static str] {
        const ROWS: &[&str] = &["offset", "size", "start", "end", "noval", "async", "stamps", "cursor"];
        const FILE: &[&str] =
            &["file", "offset", "size", "start", "end", "noval", "async", "stamps", "cursor"];
        const SCORES: &[&str] =
            &["min", "max", "offset", "size", "start", "end", "noval", "async", "stamps", "cursor"];
        match self {
            Listing::Keys => FILE,
            Listing::Hkeys | Listing::Smembers | Listing::Zrangebyrank => ROWS,
            Listing::Zrangebyscore => SCORES,
            Listing::Stat | Listing::StatAll | Listing::FileCount => &[],
        }
    }

    fn call(self, request: &Request, table: Option<&str>) -> Result<Call, Refusal> {
        let query = request.query();
        let mut target = Target::new(self.path()).some("tb", table);
        for name in self.parameters() {
            if let Some(value) = query.bytes(name)? {
                target = target.bytes(name, &value);
            }
        }
        Ok(target.call(Method::GET, Default::default())?.idempotent())
    }
}

/// A range of a sorted set: the slot it lies in and the request.
pub fn range(listing: Listing, request: &Request) -> Result<(u16, Call), Refusal> {
    let table = table(request.query())?;
    Ok((slot(table.as_bytes()), listing.call(request, Some(&table))?))
}

/// What one node is asked: its number among `peers` and the request.
pub fn peer(listing: Listing, request: &Request, peers: usize) -> Result<(usize, Call), Refusal> {
    let query = request.query();
    let last = (peers as u64).saturating_sub(1);
    let peer = required("peer", query.unsigned_in("peer", 0, last)?)?;
    let table = match listing {
        Listing::Hkeys | Listing::Smembers => Some(table(query)?),
        Listing::Stat if query.find("tb").is_some() => Some(table(query)?),
        Listing::Keys => required("file", query.find("file")).map(|_| None)?,
        _ => None,
    };
    Ok((usize::try_from(peer).unwrap_or(usize::MAX), listing.call(request, table.as_deref())?))
}
