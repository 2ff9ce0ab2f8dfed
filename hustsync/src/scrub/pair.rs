//! Compares the slots of one pair and sends what differs both ways.
//!
//! Digests are asked for twice, so that writes under way settle; what still differs is found record by record, and
//! digests are compared afterwards. What is left then is for the next round.

use std::collections::BTreeSet;

use hust_wire::frame::Content;
use tokio::time::{Duration, Instant, sleep};

use super::{
    difference::{self, Comparison, Ids, REMEMBERED_MAX, Wanted},
    journal::Journal,
    plan::{self, PairRange},
    throttle::Throttle,
};
use crate::{
    nodes::{Nodes, Trouble},
    replay::{Batch, BatchWriter, deliver},
};
use hust_wire::Host;

/// Writes under way have this long to settle.
const SETTLE: Duration = Duration::from_secs(2);

/// What comparing needs, for a whole round.
#[derive(Debug)]
pub struct Comparer<'a> {
    pub nodes: &'a Nodes,
    pub journal: &'a Journal,
    pub throttle: Throttle,
    pub begun: Instant,
}

impl Comparer<'_> {
    /// Compares a pair, and makes it equal as far as nobody writes meanwhile.
    pub async fn pair(&mut self, pair: &PairRange) -> Result<(), Trouble> {
        let suspected = self.different(pair).await?;
        if suspected.is_empty() {
            return Ok(());
        }
        sleep(SETTLE).await;
        let slots = plan::in_both(&suspected, &self.different(pair).await?);
        self.journal.note(|round| round.slots_different += slots.len() as u64);
        for slot in &slots {
            self.slot(pair, *slot).await?;
        }
        if !slots.is_empty() {
            let left = plan::in_both(&slots, &self.different(pair).await?);
            let [first, second] = &pair.masters;
            tracing::info!(%first, %second, slots = slots.len(), left = left.len(), "slots were different");
        }
        Ok(())
    }

    async fn different(&self, pair: &PairRange) -> Result<Vec<u16>, Trouble> {
        let PairRange { start, end, masters: [first, second] } = pair;
        let first = self.nodes.digests(first, *start, *end);
        let second = self.nodes.digests(second, *start, *end);
        let (first, second) = tokio::try_join!(first, second)?;
        Ok(plan::different(*start, &first, &second))
    }

    async fn slot(&mut self, pair: &PairRange, slot: u16) -> Result<(), Trouble> {
        let [first, second] = &pair.masters;
        let ids = Ids::default();
        let mut comparison = Comparison::new(ids.clone(), REMEMBERED_MAX);
        for (number, host) in [first, second].into_iter().enumerate() {
            let mut pages = Pages::new(host, slot, Content::Digest);
            while !comparison.overflows()
                && let Some(body) = pages.next(self).await?
            {
                let taken = if number == 0 { comparison.first(&body) } else { comparison.second(&body) };
                taken.map_err(|error| Trouble::new(format!("{host}: {error}")))?;
            }
        }
        let [from_first, from_second] = comparison.finish();
        self.send(first, second, slot, &ids, from_first).await?;
        self.send(second, first, slot, &ids, from_second).await
    }

    /// Sends records of a slot from one node to the other.
    async fn send(
        &mut self,
        from: &Host,
        to: &Host,
        slot: u16,
        ids: &Ids,
        wanted: Wanted,
    ) -> Result<(), Trouble> {
        if wanted.is_none() {
            return Ok(());
        }
        let mut pages = Pages::new(from, slot, Content::Whole);
        let mut batch = BatchWriter::default();
        while let Some(body) = pages.next(self).await? {
            let frames = difference::pick(&body, ids, &wanted)
                .map_err(|error| Trouble::new(format!("{from}: {error}")))?;
            for frame in frames {
                if !batch.has_room(frame.len()) {
                    let full = std::mem::take(&mut batch);
                    self.merge(to, full.finish()).await?;
                }
                batch.push(&frame);
            }
        }
        self.merge(to, batch.finish()).await
    }

    async fn merge(&mut self, to: &Host, batch: Batch) -> Result<(), Trouble> {
        let lot: Vec<usize> = (0..batch.len()).collect();
        let refused: BTreeSet<usize> = deliver(self.nodes, to, &batch, &lot).await?.into_iter().collect();
        let bytes: usize =
            lot.iter().filter(|at| !refused.contains(at)).map(|at| batch.frame(*at).len()).sum();
        self.journal.note(|round| {
            round.records_sent += (lot.len() - refused.len()) as u64;
            round.bytes_sent += bytes as u64;
            round.errors += refused.len() as u64;
        });
        self.pay(batch.size_bytes()).await;
        Ok(())
    }

    /// Waits until what was moved is within the rate.
    async fn pay(&mut self, bytes: usize) {
        let wait = self.throttle.wait(bytes as u64, self.begun.elapsed());
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }
}

/// The pages of a scan of a slot.
struct Pages<'a> {
    host: &'a Host,
    slot: u16,
    content: Content,
    cursor: Option<String>,
    ended: bool,
}

impl<'a> Pages<'a> {
    fn new(host: &'a Host, slot: u16, content: Content) -> Pages<'a> {
        Pages { host, slot, content, cursor: None, ended: false }
    }

    async fn next(&mut self, comparer: &mut Comparer<'_>) -> Result<Option<bytes::Bytes>, Trouble> {
        if self.ended {
            return Ok(None);
        }
        let page = comparer.nodes.scan(self.host, self.slot, self.content, self.cursor.as_deref()).await?;
        comparer.pay(page.body.len()).await;
        self.ended = page.cursor.is_none();
        self.cursor = page.cursor;
        Ok(Some(page.body))
    }
}
