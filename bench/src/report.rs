//! Figures of a suite: collected over rounds, shown as medians and ratios, kept as JSON and a plot.
//!
//! A line is one thing measured, a contender is who was measured. Ratios are ours over the baseline: a contender
//! named in advance, or the best of the others.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

mod plot;

/// The name of our own contender in every report.
pub const OURS: &str = "hust";

/// Which figures are the better ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// The greater, as throughput.
    More,
    /// The smaller, as time.
    Less,
}

/// What ours must reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// This ratio to the baseline, or better.
    Ratio(f64),
    /// This figure, or better.
    Figure(f64),
}

/// One thing measured.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    name: String,
    unit: &'static str,
    better: Better,
    goal: Option<Goal>,
}

impl Line {
    /// Something of which more is better.
    pub fn more(name: impl Into<String>, unit: &'static str) -> Line {
        Line { name: name.into(), unit, better: Better::More, goal: None }
    }

    /// Something of which less is better.
    pub fn less(name: impl Into<String>, unit: &'static str) -> Line {
        Line { name: name.into(), unit, better: Better::Less, goal: None }
    }

    /// With a goal.
    pub fn goal(self, goal: Goal) -> Line {
        Line { goal: Some(goal), ..self }
    }
}

/// A line with its figures.
#[derive(Debug, Serialize)]
struct Entry {
    #[serde(flatten)]
    line: Line,
    /// By contender, in the order of the rounds.
    rounds: BTreeMap<String, Vec<f64>>,
}

/// What is kept of an entry beside its rounds.
#[derive(Debug, Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    median: BTreeMap<&'a str, f64>,
    ratio: Option<f64>,
    reached: Option<bool>,
}

impl Entry {
    fn median(&self, contender: &str) -> Option<f64> {
        median(self.rounds.get(contender)?)
    }

    /// The figure that ours is compared with.
    fn baseline(&self, named: Option<&str>) -> Option<f64> {
        if let Some(name) = named {
            return self.median(name);
        }
        let peers = self.rounds.keys().filter(|name| *name != OURS).filter_map(|name| self.median(name));
        match self.line.better {
            Better::More => peers.reduce(f64::max),
            Better::Less => peers.reduce(f64::min),
        }
    }

    fn ratio(&self, named: Option<&str>) -> Option<f64> {
        let ratio = self.median(OURS)? / self.baseline(named)?;
        ratio.is_finite().then_some(ratio)
    }

    /// Whether the goal is reached; `None` without a goal or without what it takes to tell.
    fn reached(&self, named: Option<&str>) -> Option<bool> {
        let (figure, bound) = match self.line.goal? {
            Goal::Ratio(bound) => (self.ratio(named)?, bound),
            Goal::Figure(bound) => (self.median(OURS)?, bound),
        };
        Some(match self.line.better {
            Better::More => figure >= bound,
            Better::Less => figure <= bound,
        })
    }

    fn goal_text(&self, named: Option<&str>) -> String {
        let sign = if self.line.better == Better::More { ">=" } else { "<=" };
        let goal = match self.line.goal {
            None => return String::new(),
            Some(Goal::Ratio(bound)) => format!("{sign} {bound}x"),
            Some(Goal::Figure(bound)) => format!("{sign} {}", figure(bound)),
        };
        match self.reached(named) {
            None => goal,
            Some(true) => format!("{goal} ok"),
            Some(false) => format!("{goal} MISSED"),
        }
    }
}

/// The figures of one suite.
#[derive(Debug)]
pub struct Report {
    suite: &'static str,
    baseline: Option<&'static str>,
    contenders: Vec<String>,
    entries: Vec<Entry>,
    notes: Vec<String>,
}

impl Report {
    /// An empty report whose ratios are to `baseline`, or to the best peer.
    pub fn new(suite: &'static str, baseline: Option<&'static str>) -> Report {
        Report { suite, baseline, contenders: Vec::new(), entries: Vec::new(), notes: Vec::new() }
    }

    /// Adds a figure of one round.
    pub fn add(&mut self, line: &Line, contender: &str, figure: f64) {
        if !self.contenders.iter().any(|known| known == contender) {
            self.contenders.push(contender.to_owned());
        }
        let at = self.entries.iter().position(|entry| entry.line.name == line.name).unwrap_or_else(|| {
            self.entries.push(Entry { line: line.clone(), rounds: BTreeMap::new() });
            self.entries.len() - 1
        });
        self.entries[at].rounds.entry(contender.to_owned()).or_default().push(figure);
    }

    /// Keeps a remark that belongs to the figures (a peer left out, a setting), and shows it at once.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        eprintln!("{note}");
        self.notes.push(note);
    }

    /// [`Report::note`], unless it was said before.
    pub fn note_once(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.note(note);
        }
    }

    /// The table of medians.
    pub fn table(&self) -> String {
        let mut head = vec!["".to_owned(), "unit".to_owned()];
        head.extend(self.contenders.iter().cloned());
        head.extend([format!("{OURS} / {}", self.baseline.unwrap_or("best peer")), "goal".to_owned()]);
        let mut rows = vec![head];
        for entry in &self.entries {
            let mut row = vec![entry.line.name.clone(), entry.line.unit.to_owned()];
            for contender in &self.contenders {
                row.push(entry.median(contender).map_or("-".to_owned(), |median| self.cell(entry, median)));
            }
            row.push(entry.ratio(self.baseline).map_or("-".to_owned(), |ratio| format!("{ratio:.2}x")));
            row.push(entry.goal_text(self.baseline));
            rows.push(row);
        }
        aligned(&rows)
    }

    /// A median, with its own ratio where the baseline is a contender with a name.
    fn cell(&self, entry: &Entry, median: f64) -> String {
        match self.baseline.and_then(|name| entry.median(name)) {
            Some(base) if base > 0.0 => format!("{} ({:.2}x)", figure(median), median / base),
            _ => figure(median),
        }
    }

    /// Prints the table and writes `SUITE.json` and `SUITE.svg` into `results`.
    pub fn finish(&self, results: &Path, settings: &serde_json::Value) -> io::Result<Vec<PathBuf>> {
        print!("{}", self.table());
        std::fs::create_dir_all(results)?;
        let lines: Vec<Kept<'_>> = self.entries.iter().map(|entry| self.kept(entry)).collect();
        let json = serde_json::json!({
            "suite": self.suite,
            "settings": settings,
            "baseline": self.baseline.unwrap_or("best peer"),
            "notes": self.notes,
            "lines": lines,
        });
        let (json_path, svg_path) =
            (results.join(format!("{}.json", self.suite)), results.join(format!("{}.svg", self.suite)));
        std::fs::write(&json_path, serde_json::to_vec_pretty(&json)?)?;
        std::fs::write(&svg_path, plot::bars(self))?;
        Ok(vec![json_path, svg_path])
    }

    fn kept<'a>(&self, entry: &'a Entry) -> Kept<'a> {
        let medians = entry.rounds.iter().filter_map(|(name, rounds)| Some((name.as_str(), median(rounds)?)));
        Kept {
            median: medians.collect(),
            ratio: entry.ratio(self.baseline),
            reached: entry.reached(self.baseline),
            entry,
        }
    }
}

/// The middle figure, or the mean of the two in the middle.
fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        len if len % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// A figure with three or more significant digits.
fn figure(figure: f64) -> String {
    match figure.abs() {
        size if size >= 1000.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        size if size >= 0.1 || size == 0.0 => format!("{figure:.2}"),
        _ => format!("{figure:.4}"),
    }
}

/// Columns of equal width: the first and the last to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = match column {
                0 => write!(line, "{cell:width$}"),
                1 => write!(line, "  {cell:width$}"),
                _ if column + 1 == columns => write!(line, "  {cell}"),
                _ => write!(line, "  {cell:>width$}"),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
