use super::*;

fn sample(baseline: Option<&'static str>) -> Report {
    let mut report = Report::new("sample", baseline);
    let read = Line::more("read", "ops/s").goal(Goal::Ratio(2.0));
    for (contender, figures) in
        [(OURS, [900.0, 300.0, 310.0]), ("a", [100.0, 90.0, 500.0]), ("b", [60.0, 50.0, 70.0])]
    {
        figures.iter().for_each(|figure| report.add(&read, contender, *figure));
    }
    let time = Line::less("open <1 & 2>", "s").goal(Goal::Figure(0.3));
    report.add(&time, OURS, 0.4);
    report.add(&time, "a", 0.8);
    report
}

#[test]
fn medians_are_the_middle() {
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
}

#[test]
fn ratios_are_to_the_best_peer_or_the_named_one() {
    let best = sample(None);
    assert_eq!(best.entries[0].ratio(None), Some(3.1));
    assert_eq!(best.entries[0].reached(None), Some(true));
    assert_eq!(best.entries[1].ratio(None), Some(0.5));
    assert_eq!(best.entries[1].reached(None), Some(false));
    let named = sample(Some("b"));
    assert!((named.entries[0].ratio(named.baseline).unwrap() - 310.0 / 60.0).abs() < 1e-9);
    assert_eq!(named.entries[1].ratio(named.baseline), None);
}

#[test]
fn the_table_says_what_is_missed() {
    let table = sample(None).table();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].ends_with(">= 2x ok"), "{table}");
    assert!(lines[2].ends_with("<= 0.30 MISSED"), "{table}");
    assert!(lines[2].contains("  -  "), "b has no figure: {table}");
}

#[test]
fn results_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let paths = sample(None).finish(dir.path(), &serde_json::json!({ "seed": 7 })).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&paths[0]).unwrap()).unwrap();
    assert_eq!(json["lines"][0]["median"]["a"], 100.0);
    assert_eq!(json["lines"][0]["rounds"]["hust"][0], 900.0);
    assert_eq!(json["lines"][1]["reached"], false);
    let svg = std::fs::read_to_string(&paths[1]).unwrap();
    assert!(svg.contains("open &lt;1 &amp; 2&gt;"), "{svg}");
    assert_eq!(svg.matches("<rect").count(), 6);
}
