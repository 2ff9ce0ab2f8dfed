//! Every rule of the contract with examples that break it; the complaint names the place.

use super::*;

/// What is said of `elements` with `from` replaced by `to`.
fn broken(elements: &str, from: &str, to: &str) -> String {
    assert!(elements.contains(from), "{from}");
    parse(&file(&elements.replacen(from, to, 1))).expect_err(to)
}

#[test]
fn the_examples_are_legal() {
    for elements in [REST, GROWS, SHRINKS] {
        parse(&file(elements)).unwrap();
    }
    assert!(parse(&format!("\r\n\t {} \n", file(REST))).is_ok());
}

#[test]
fn rule_1_one_object_in_utf_8_without_unknown_or_repeated_members() {
    let huge = format!("{}{}", file(REST), " ".repeat(TABLE_MAX_BYTES));
    let deep = "[".repeat(100_000);
    let table: [(&[u8], &str); 13] = [
        (huge.as_bytes(), "file: over 1 MiB"),
        (b"\xff{}", "file: not UTF-8"),
        (b"", "line 1 column 0: EOF while parsing a value"),
        (b"{\"table\":[\n}", "line 2 column 1: expected value"),
        (b"[]", "file: not an object"),
        (b"{}", "table: not an array"),
        (b"{\"table\":[]} x", "line 1 column 14: trailing characters"),
        (b"{\"table\":[]}{}", "line 1 column 13: trailing characters"),
        (b"\xef\xbb\xbf{}", "line 1 column 1: expected value"),
        (deep.as_bytes(), "line 1 column 128: recursion limit exceeded"),
        (b"{\"table\":[],\"x\\n\":1}", "file: unknown member \"x\\n\""),
        (b"{\"table\":[],\"table\":[]}", "file: member \"table\" twice"),
        (b"{\"table\":[],\"\\u0074able\":[]}", "file: member \"table\" twice"),
    ];
    for (bytes, expected) in table {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
        assert_eq!(Table::parse(bytes).unwrap_err().to_string(), expected, "{shown}");
    }
    let exact = format!("{}{}", file(REST), " ".repeat(TABLE_MAX_BYTES - file(REST).len()));
    assert!(parse(&exact).is_ok());
    let inner = [
        (REST, "\"item\"", "\"x\":1,\"item\"", "table[0]: unknown member \"x\""),
        (REST, "\"item\"", "\"item\":1,\"item\"", "table[0]: member \"item\" twice"),
        (REST, "\"key\"", "\"\":1,\"key\"", "table[0].item: unknown member \"\""),
        (REST, "\"key\"", "\"val\":1,\"key\"", "table[0].item: member \"val\" twice"),
        (GROWS, "\"low\"", "\"Low\":1,\"low\"", "table[0].increase: unknown member \"Low\""),
        (GROWS, "\"low\"", "\"low\":1,\"low\"", "table[0].increase: member \"low\" twice"),
        (GROWS, "\"phase\"", "\"phase\":\"copy\",\"phase\"", "table[0].increase: member \"phase\" twice"),
        (SHRINKS, "\"remove\"", "\"item\":1,\"remove\"", "table[0].decrease: unknown member \"item\""),
        (SHRINKS, "\"remove\"", "\"remove\":1,\"remove\"", "table[0].decrease: member \"remove\" twice"),
    ];
    for (elements, from, to, expected) in inner {
        assert_eq!(broken(elements, from, to), expected);
    }
}

#[test]
fn rule_2_elements_are_objects_with_an_item() {
    let many = vec![REST; 1025].join(",");
    let table = [
        ("{\"table\":{}}".into(), "table: not an array"),
        (file(""), "table: 0 elements, not 1 to 1024"),
        (file(&many), "table: 1025 elements, not 1 to 1024"),
        (file("[]"), "table[0]: not an object"),
        (file(&format!("{REST},null")), "table[1]: not an object"),
        (file("{}"), "table[0]: no member \"item\""),
        (file("{\"item\":1}"), "table[0].item: not an object"),
        (file("{\"item\":{\"val\":[]}}"), "table[0].item: no member \"key\""),
        (file("{\"item\":{\"key\":[]}}"), "table[0].item: no member \"val\""),
    ];
    for (text, expected) in table {
        assert_eq!(parse(&text).unwrap_err(), expected);
    }
}

#[test]
fn rule_3_keys_are_two_integers() {
    for wrong in ["0.0", "0e0", "-0", "-1", "\"0\"", "false", "null", "[0]", "1025", "99999999999999999999"] {
        let expected = "table[0].item.key[0]: not an integer in 0..1024";
        assert_eq!(broken(REST, "[0,", &format!("[{wrong},")), expected);
    }
    assert_eq!(broken(REST, "1024", "1024.0"), "table[0].item.key[1]: not an integer in 0..1024");
    for wrong in ["[0]", "[0,1,2]", "[]", "{}", "7"] {
        assert_eq!(broken(REST, "[0,1024]", wrong), "table[0].item.key: not an array of two");
    }
    assert_eq!(broken(REST, "[0,1024]", "[0,0]"), "table[0].item.key: [0, 0] is no range of slots");
    assert_eq!(broken(REST, "[0,1024]", "[9,8]"), "table[0].item.key: [9, 8] is no range of slots");
    let low = broken(GROWS, "[0,256]", "[0,0]");
    assert_eq!(low, "table[0].increase.low.key: [0, 0] is no range of slots");
    let high = broken(GROWS, "[256,512]", "[true,512]");
    assert_eq!(high, "table[0].increase.high.key[0]: not an integer in 0..1024");
}

#[test]
fn rule_4_items_cover_all_slots_in_order() {
    assert_eq!(broken(GROWS, "[512,1024]", "[513,1024]"), "table[1].item.key: starts at 513, not at 512");
    assert_eq!(broken(GROWS, "[512,1024]", "[511,1024]"), "table[1].item.key: starts at 511, not at 512");
    assert_eq!(broken(GROWS, "[512,1024]", "[512,1023]"), "table[1].item.key: ends at 1023, not at 1024");
    assert_eq!(broken(REST, "[0,", "[1,"), "table[0].item.key: starts at 1, not at 0");
}

#[test]
fn rule_5_hosts_are_legal() {
    let table = [
        ("\"a\"", "table[0].item.val[0]: no port"),
        ("\"a:0\"", "table[0].item.val[0]: port is not in 1..65535"),
        ("\"u@a:1\"", "table[0].item.val[0]: no legal host name"),
        ("\"::1:1\"", "table[0].item.val[0]: an IPv6 address needs brackets"),
        ("7", "table[0].item.val[0]: not a string"),
    ];
    for (wrong, expected) in table {
        assert_eq!(broken(REST, "\"a:1\"", wrong), expected);
    }
    for wrong in ["[]", "[\"a:1\"]", "[\"a:1\",\"b:1\",\"c:1\"]", "\"a:1\""] {
        assert_eq!(broken(REST, "[\"a:1\",\"b:1\"]", wrong), "table[0].item.val: not an array of two");
    }
    assert_eq!(broken(GROWS, "c:1", "c"), "table[0].increase.low.val[1]: no port");
    assert_eq!(broken(SHRINKS, "\"remove\":\"r:1\"", "\"remove\":\"\""), "table[0].decrease.remove: no port");
    let replaced = broken(SHRINKS, "\"replace_by\":\"b:1\"", "\"replace_by\":[]");
    assert_eq!(replaced, "table[0].decrease.replace_by: not a string");
}

#[test]
fn rule_6_the_two_hosts_differ() {
    for (first, second) in [("a:1", "A:1"), ("[::1]:1", "[0::1]:1"), ("1.2.3.4:1", "[::ffff:1.2.3.4]:1")] {
        let elements = REST.replace("a:1", first).replace("b:1", second);
        let expected = format!("table[0].item.val: {first} and {second} are one host");
        assert_eq!(parse(&file(&elements)).unwrap_err(), expected);
    }
    let low = broken(GROWS, "[\"a:1\",\"c:1\"]", "[\"a:1\",\"a:1\"]");
    assert_eq!(low, "table[0].increase.low.val: a:1 and a:1 are one host");
}

#[test]
fn rule_7_one_kind_of_change() {
    let both = broken(SHRINKS, "\"decrease\"", "\"increase\":{},\"decrease\"");
    assert_eq!(both, "table[0]: both increase and decrease");
    let second = "\"val\":[\"b:1\",\"a:1\"]}";
    let mixed = format!("{second},\"decrease\":{{\"remove\":\"a:1\",\"replace_by\":\"d:1\"}}");
    assert_eq!(broken(GROWS, second, &mixed), "table[1].decrease: table[0] has increase");
}

#[test]
fn rule_8_an_increase_fits_its_item() {
    let table = [
        ("[0,256]", "[1,256]", "low.key: starts at 1, not at 0"),
        ("[0,256]", "[0,255]", "high.key: starts at 256, not at 255"),
        ("[256,512]", "[256,511]", "high.key: ends at 511, not at 512"),
        ("[\"a:1\",\"c:1\"]", "[\"d:1\",\"c:1\"]", "low.val[0]: d:1, not a:1 as in item"),
        ("[\"c:1\",\"b:1\"]", "[\"c:1\",\"d:1\"]", "high.val[1]: d:1, not b:1 as in item"),
        ("[\"a:1\",\"c:1\"]", "[\"a:1\",\"b:1\"]", "low.val[1]: b:1 is in item already"),
        ("[\"c:1\",\"b:1\"]", "[\"a:1\",\"b:1\"]", "high.val[0]: a:1 is in item already"),
    ];
    for (from, to, expected) in table {
        assert_eq!(broken(GROWS, from, to), format!("table[0].increase.{expected}"));
    }
    assert_eq!(broken(GROWS, "\"low\"", "\"high\""), "table[0].increase: member \"high\" twice");
    let lone = r#""increase":{"low":{"key":[0,256],"val":["a:1","c:1"]}}"#;
    let rest = REST.replace("}}", &format!("}},{lone}}}"));
    assert_eq!(parse(&file(&rest)).unwrap_err(), "table[0].increase: no member \"high\"");
}

#[test]
fn rule_9_a_decrease_fits_all_items() {
    let table = [
        ("\"remove\":\"r:1\",", "", "table[0].decrease: no member \"remove\""),
        (",\"replace_by\":\"b:1\"", "", "table[0].decrease: no member \"replace_by\""),
        ("\"remove\":\"r:1\"", "\"remove\":\"x:1\"", "table[0].decrease.remove: x:1 is not in item"),
        (
            "\"replace_by\":\"b:1\"",
            "\"replace_by\":\"A:1\"",
            "table[0].decrease.replace_by: A:1 is in item already",
        ),
        (
            "\"remove\":\"r:1\",\"replace_by\":\"a:1\"",
            "\"remove\":\"b:1\",\"replace_by\":\"a:1\"",
            "table[0].decrease.replace_by: b:1 is removed in table[1]",
        ),
        (
            ",\"decrease\":{\"remove\":\"r:1\",\"replace_by\":\"a:1\"}",
            "",
            "table[1].item.val[0]: r:1 is removed in table[0] but not here",
        ),
        (
            "\"remove\":\"r:1\",\"replace_by\":\"a:1\"",
            "\"remove\":\"b:1\",\"replace_by\":\"c:1\"",
            "table[0].decrease.replace_by: b:1 is removed in table[1]",
        ),
    ];
    for (from, to, expected) in table {
        assert_eq!(broken(SHRINKS, from, to), expected);
    }
}

#[test]
fn rule_10_phases_are_words() {
    let expected = "table[0].increase.phase: not \"copy\", \"hold\" or \"switch\"";
    for wrong in ["\"Copy\"", "\"\"", "1", "null"] {
        assert_eq!(broken(GROWS, "\"hold\"", wrong), expected);
    }
    let expected = "table[0].decrease.phase: not \"copy\", \"hold\" or \"switch\"";
    assert_eq!(broken(SHRINKS, "\"switch\"", "\"done\""), expected);
}
