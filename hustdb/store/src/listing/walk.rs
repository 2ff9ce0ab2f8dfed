//! Going over the sections of a listing, from the beginning or from a place.

use std::ops::{ControlFlow, Range};

use hust_engine::{Key, Visited};

use super::{
    illegal_cursor,
    judge::{Judge, Many, One},
    page::{Flow, Page, Style},
    place::Place,
    reader::Reader,
    sets::SortedSets,
    window::{self, Window, Within},
};
use crate::{
    address::TableId,
    error::Result,
    kind::{Kind, NUMBERS},
    write::score_bytes,
};

/// Rows not yet in tables that are copied after a seek, which is often followed by another.
const COPIED_AFTER_SEEK: usize = 64;

/// What is listed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// A file.
    File(usize),
    /// A hash or a set.
    Spread { kind: Kind, id: TableId },
    /// A sorted set between two scores.
    Scores { id: TableId, min: i64, max: i64 },
}

impl Target {
    /// A table of this type; `scores` are for sorted sets.
    pub(crate) fn of_table(kind: Kind, id: TableId, (min, max): (i64, i64)) -> Target {
        match kind {
            Kind::Zset => Target::Scores { id, min, max },
            _ => Target::Spread { kind, id },
        }
    }
}

/// A range of keys in one partition. Both bounds belong to it.
#[derive(Clone, Copy, Debug)]
struct Section {
    partition: usize,
    from: Key,
    to: Key,
}

impl Section {
    /// The rest from `place` on, if that lies inside.
    fn after(self, place: Option<Place>) -> Result<Section> {
        match place {
            None => Ok(self),
            Some(place) if self.from <= place.key && place.key <= self.to => {
                Ok(Section { from: place.key, ..self })
            }
            Some(_) => Err(illegal_cursor()),
        }
    }
}

/// A listing of some slots.
#[derive(Clone, Debug)]
pub(crate) struct Walk<'a> {
    pub reader: Reader<'a>,
    /// Number of files.
    pub files: usize,
    pub slots: Range<u16>,
}

impl Walk<'_> {
    /// Hands the rows to the page until it is full.
    pub(crate) fn run(&self, target: &Target, place: Option<Place>, page: &mut Page<'_>) -> Result<()> {
        if matches!(
            (target, place),
            (Target::Spread { .. } | Target::Scores { .. }, Some(Place { name_md5: Some(_), .. }))
        ) {
            return Err(illegal_cursor());
        }
        match *target {
            Target::File(file) => self.file(file, place, page),
            Target::Spread { kind, id } => self.spread(kind.table(id.number), kind, place, page),
            Target::Scores { id, min, max } => {
                let section = self.scores(id.number, min, max).after(place)?;
                let style = Style { kind: Kind::Zset, table: None, name_md5: None };
                if window::shows(&self.slots, &id.md5) {
                    self.section(section, &mut One { page, style })?;
                }
                Ok(())
            }
        }
    }

    /// The rows of one hashed table, partition after partition.
    fn spread(&self, table: u32, kind: Kind, mut place: Option<Place>, page: &mut Page<'_>) -> Result<()> {
        let begin = place.map_or(0, |place| place.key.partition(self.files.ilog2()));
        let style = Style { kind, table: None, name_md5: None };
        for file in begin..self.files {
            let Some(window) = Window::of_file(file, self.files, &self.slots) else {
                if place.is_some() {
                    return Err(illegal_cursor());
                }
                continue;
            };
            let section = Section { partition: file, from: window.first(table), to: window.last(table) };
            if !self.section(section.after(place.take())?, &mut One { page, style })? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// kv pairs, then tables by type.
    fn file(&self, file: usize, place: Option<Place>, page: &mut Page<'_>) -> Result<()> {
        let Some(window) = Window::of_file(file, self.files, &self.slots) else {
            return if place.is_some() { Err(illegal_cursor()) } else { Ok(()) };
        };
        let stages = [Kind::Kv, Kind::Hash, Kind::Set, Kind::Score];
        let begin = match place {
            None => 0,
            Some(place) => stage_of(&place, &window, &stages).ok_or_else(illegal_cursor)?,
        };
        for (at, kind) in stages.into_iter().enumerate().skip(begin) {
            let place = place.filter(|_| at == begin);
            if !self.stage(file, kind, &window, place, page)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn stage(
        &self,
        file: usize,
        kind: Kind,
        window: &Window,
        place: Option<Place>,
        page: &mut Page<'_>,
    ) -> Result<bool> {
        let last = if kind == Kind::Kv { 0 } else { NUMBERS - 1 };
        let (from, to) = (window.first(kind.table(0)), window.last(kind.table(last)));
        let section = Section { partition: file, from, to };
        match kind {
            Kind::Kv => {
                let style = Style { kind, table: None, name_md5: None };
                self.section(section.after(place)?, &mut One { page, style })
            }
            Kind::Hash | Kind::Set => {
                let mut many = Many::new(page, self.reader, self.files, *window, kind);
                self.section(section.after(place)?, &mut many)
            }
            _ => self.sorted_sets(file, window, place, page),
        }
    }

    /// The sorted sets whose names lie in the window, by md5 of the name.
    fn sorted_sets(
        &self,
        file: usize,
        window: &Window,
        place: Option<Place>,
        page: &mut Page<'_>,
    ) -> Result<bool> {
        let names = Kind::Meta.table(0);
        let mut section = Section { partition: file, from: window.first(names), to: window.last(names) };
        if let Some(md5) = place.and_then(|place| place.name_md5) {
            section.from = Key::hashed(names, md5);
        }
        loop {
            let mut sets = SortedSets::default();
            let more = !self.section(section, &mut sets)?;
            for (md5, table) in &sets.found {
                let scores = self.scores(table.row.number, i64::MIN, i64::MAX);
                // The set may have come and gone since the token was made, and have another number.
                let rest = place.filter(|place| place.name_md5.as_ref() == Some(md5));
                let scores = scores.after(rest).unwrap_or(scores);
                let style = Style { kind: Kind::Zset, table: Some(&table.name), name_md5: Some(*md5) };
                if !self.section(scores, &mut One { page, style })? {
                    return Ok(false);
                }
            }
            match sets.next.filter(|_| more) {
                Some(next) => section.from = next,
                None => return Ok(true),
            }
        }
    }

    fn scores(&self, number: u32, min: i64, max: i64) -> Section {
        let bound = |score: i64, fill: u8| {
            let mut tail = [fill; 20];
            tail[..8].copy_from_slice(&score_bytes(score));
            Key::new(Kind::Score.table(number), tail)
        };
        let (from, to) = (bound(min, 0), bound(max, 0xff));
        Section { partition: from.partition(self.files.ilog2()), from, to }
    }

    /// The rows of one section; `false`: the judge wants no more.
    fn section(&self, section: Section, judge: &mut impl Judge) -> Result<bool> {
        let Section { partition, mut from, to } = section;
        let mut copied_max = usize::MAX;
        loop {
            let copied = judge.copied().min(copied_max);
            let visited = self.reader.visit(partition, from, to, copied, |lent| match judge.judge(lent) {
                Ok(Flow::Next) => ControlFlow::Continue(()),
                other => ControlFlow::Break(other),
            })?;
            from = match visited {
                Visited::Done => return Ok(true),
                Visited::More(next) => {
                    copied_max = copied_max.saturating_mul(4);
                    next
                }
                Visited::Broken(flow) => match flow? {
                    Flow::Next => return Ok(true),
                    Flow::Seek(next) => {
                        copied_max = COPIED_AFTER_SEEK;
                        next
                    }
                    Flow::Full => return Ok(false),
                },
            };
        }
    }
}

/// The stage of a file's listing that a place lies in.
fn stage_of(place: &Place, window: &Window, stages: &[Kind]) -> Option<usize> {
    let kind = place.key.table() / NUMBERS;
    let at = stages.iter().position(|stage| *stage as u32 == kind)?;
    let inside = match place.name_md5 {
        None => kind != Kind::Score as u32 && window.holds(place.key) == Within::Inside,
        Some(md5) => {
            let name = Key::hashed(Kind::Meta.table(0), md5);
            kind == Kind::Score as u32 && window.holds(name) == Within::Inside
        }
    };
    inside.then_some(at)
}
