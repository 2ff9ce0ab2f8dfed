//! The reference of a program's configuration: `conf/PROGRAM.toml` and its table in `doc/config.md` say what the structs
//! say. `HUST_WRITE_REFERENCE=1` writes them anew.

use std::{
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

use hust_wire::config::{Config, conf, doc, load, mismatches};

/// A file of the source tree.
pub fn in_tree(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

/// Panics where a key of `C` is not described, or a file does not say what `C` says.
pub fn check_reference<C: Config + PartialEq + Debug>(program: &str) {
    let described = mismatches::<C>();
    assert_eq!(described, Ok(Vec::new()), "keys that only the struct or only the table of keys has");
    let file = expected(conf::<C>());
    assert_eq!(load::<C>(&file, &[]), Ok(C::default()), "the generated file");
    check(&format!("conf/{program}.toml"), &file);
    let (begin, end) =
        (format!("<!-- {program}.toml: begin -->\n"), format!("<!-- {program}.toml: end -->\n"));
    let text = fs::read_to_string(in_tree("doc/config.md")).unwrap_or_default();
    let parts = text.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
    let Some((head, tail)) = parts else { panic!("doc/config.md has no {begin:?} with its end") };
    check("doc/config.md", &format!("{head}{begin}\n{}\n{end}{tail}", expected(doc::<C>())));
}

fn expected(made: Result<String, impl Debug>) -> String {
    made.unwrap_or_else(|error| panic!("the reference cannot be made: {error:?}"))
}

/// The file `name` must be `expected`; written first where that is asked for.
#[expect(clippy::disallowed_methods, reason = "files of the source tree")]
fn check(name: &str, expected: &str) {
    let path = in_tree(name);
    if std::env::var_os("HUST_WRITE_REFERENCE").is_some() {
        let written = fs::write(&path, expected);
        assert!(written.is_ok(), "{name}: {written:?}");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name} is not what the code says; run this test with HUST_WRITE_REFERENCE=1");
}
