//! What the documents say of the tests.

use std::fs;
use std::path::Path;

/// What stands before the names of tests in `docs/guarantees.md`, and where these are.
const PACKAGES: [(&str, &str); 8] = [
    ("postgres", "plugins/postgres"),
    ("sqlite", "plugins/sqlite"),
    ("files", "plugins/files"),
    ("core", "core"),
    ("sdk", "sdk"),
    ("chaos", "tests/chaos"),
    ("round-trip", "tests/round_trip"),
    ("end-to-end", "tests/end_to_end"),
];

/// All code of a package.
fn code(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder of the workspace");
    entries.flatten().map(|entry| entry.path()).fold(String::new(), |code, path| match path.extension() {
        _ if path.is_dir() => code + &self::code(&path),
        Some(ending) if ending == "rs" => code + &fs::read_to_string(&path).expect("code"),
        _ => code,
    })
}

#[test]
fn every_scenario_has_a_row_and_every_test_that_a_row_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let packages = PACKAGES.map(|(name, folder)| (name, code(&root.join(folder))));
    let text = fs::read_to_string(root.join("docs/guarantees.md")).expect("the document");
    let rows: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.trim_end_matches(" |").split(" | ");
            Some((cells.next()?, cells.nth(1)?))
        })
        .collect();
    let mut named = 0;
    for (letter, count) in [('A', 15), ('B', 6), ('D', 10), ('F', 20), ('G', 12)] {
        for number in 1..=count {
            let id = format!("{letter}{number}");
            let found: Vec<&str> = rows.iter().filter(|row| row.0 == id).map(|row| row.1).collect();
            let [cell] = found[..] else { panic!("{} rows for {id}", found.len()) };
            named += check(&id, cell, &packages);
        }
    }
    println!("{named} tests named");
    assert!(named > 100, "{named}");
}

/// Checks the names of a cell: words between backticks, after those of their packages.
fn check(id: &str, cell: &str, packages: &[(&str, String)]) -> usize {
    let (mut named, mut current): (usize, Vec<&(&str, String)>) = (0, Vec::new());
    for (at, part) in cell.split('`').enumerate() {
        if at % 2 == 0 {
            let words: Vec<&str> = part.split([' ', ';', ',', ':', '(', ')']).collect();
            let found: Vec<_> = packages.iter().filter(|(name, _)| words.contains(name)).collect();
            if !found.is_empty() {
                current = found;
            }
        } else if part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            assert!(!current.is_empty(), "{id}: `{part}` stands behind no package");
            for (package, code) in &current {
                assert!(code.contains(&format!("fn {part}")), "{id}: {package} has no test `{part}`");
                named += 1;
            }
        }
    }
    named
}
