//! The plot of a report: for every line one bar a contender, scaled to the longest bar of the line.

use svg::{
    Document,
    node::element::{Rectangle, Text, Title},
};

use super::{Entry, Report, figure};

const WIDTH: f64 = 900.0;
const NAME_WIDTH: f64 = 300.0;
const FIGURE_WIDTH: f64 = 180.0;
const BAR_HEIGHT: f64 = 16.0;
const GAP: f64 = 14.0;
const COLORS: [&str; 6] = ["#c2410c", "#4b5563", "#9ca3af", "#0e7490", "#a3a380", "#7c6f9f"];

/// The report as an SVG document.
pub fn bars(report: &Report) -> String {
    let bar_count: usize = report.entries.iter().map(|entry| entry.rounds.len()).sum();
    let height = 50.0 + bar_count as f64 * BAR_HEIGHT + report.entries.len() as f64 * GAP;
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH, height))
        .set("font-family", "sans-serif")
        .set("font-size", 12)
        .add(Rectangle::new().set("width", "100%").set("height", "100%").set("fill", "white"))
        .add(Title::new(format!("hust-bench {}", report.suite)))
        .add(text(10.0, 24.0, format!("{}: medians; each line has its own scale", report.suite), "start"));
    let mut top = 44.0;
    for entry in &report.entries {
        document = document.add(text(10.0, top + 12.0, &entry.line.name, "start"));
        document = line(document, report, entry, top);
        top += entry.rounds.len() as f64 * BAR_HEIGHT + GAP;
    }
    document.to_string()
}

fn line(mut document: Document, report: &Report, entry: &Entry, mut top: f64) -> Document {
    let medians =
        || report.contenders.iter().enumerate().filter_map(|(n, name)| Some((n, name, entry.median(name)?)));
    let longest = medians().map(|(.., median)| median).fold(f64::MIN_POSITIVE, f64::max);
    for (n, name, median) in medians() {
        let width = (median / longest * (WIDTH - NAME_WIDTH - FIGURE_WIDTH)).max(1.0);
        let bar = Rectangle::new()
            .set("x", NAME_WIDTH)
            .set("y", top)
            .set("width", format!("{width:.1}"))
            .set("height", BAR_HEIGHT - 3.0)
            .set("fill", COLORS[n % COLORS.len()]);
        let label = format!("{name}  {} {}", figure(median), entry.line.unit);
        document = document.add(bar).add(text(NAME_WIDTH + width + 6.0, top + 11.0, label, "start"));
        top += BAR_HEIGHT;
    }
    document
}

fn text(x: f64, y: f64, content: impl Into<String>, anchor: &str) -> Text {
    Text::new(content).set("x", format!("{x:.1}")).set("y", format!("{y:.1}")).set("text-anchor", anchor)
}
