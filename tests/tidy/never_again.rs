//! What is said never to happen again, and the tests that are said to see to it.

use std::{collections::HashSet, fs};

use super::{none, root, sources};

/// Where it is said.
const DOCUMENT: &str = "docs/never-again.md";

/// What one row says.
struct Row<'a> {
    number: &'a str,
    /// Its last cell: tests by their names, or why there is none yet.
    tests: &'a str,
}

/// A table that is not found would pass for one without faults.
const ROWS_MIN: usize = 30;

#[test]
fn every_test_that_is_named_exists() -> anyhow::Result<()> {
    let document = fs::read_to_string(root().join(DOCUMENT))?;
    let known = tests()?;
    let rows: Vec<Row<'_>> = document.lines().filter_map(row).collect();
    anyhow::ensure!(ROWS_MIN <= rows.len(), "only {} rows were found", rows.len());
    let mut faults = Vec::new();
    for Row { number, tests } in rows {
        if tests.is_empty() {
            faults.push(format!("row {number} says neither a test nor why there is none"));
        }
        for name in named(tests).filter(|it| !known.contains(*it)) {
            faults.push(format!("row {number}: there is no test `{name}`"));
        }
    }
    none(&faults)
}

/// A line of a table, if it is one that begins with a number.
fn row(line: &str) -> Option<Row<'_>> {
    let cells = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let (number, rest) = cells.split_once('|')?;
    let (number, (_, tests)) = (number.trim(), rest.rsplit_once('|')?);
    let is_numbered = !number.is_empty() && number.chars().all(|it| it.is_ascii_digit());
    is_numbered.then(|| Row { number, tests: tests.trim() })
}

/// What stands between backticks and could be the name of a test.
fn named(cell: &str) -> impl Iterator<Item = &str> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter(|it| it.contains('_') && it.chars().all(is_of_a_name))
}

fn is_of_a_name(it: char) -> bool {
    it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_'
}

/// The names of all tests.
fn tests() -> anyhow::Result<HashSet<String>> {
    let mut tests = HashSet::new();
    for source in sources()? {
        tests.extend(tests_in(&source.code));
        tests.extend(tests_in(&source.tests));
    }
    Ok(tests)
}

/// The functions that an attribute makes tests of.
fn tests_in(text: &str) -> Vec<String> {
    let (mut tests, mut marked) = (Vec::new(), false);
    for line in text.lines().map(str::trim) {
        if let Some(attribute) = line.strip_prefix("#[") {
            let path = attribute.split(['(', ']']).next().unwrap_or_default();
            marked |= path == "test" || path.ends_with("::test");
        } else if let Some((before, rest)) = line.split_once("fn ") {
            if marked && matches!(before, "" | "async ") {
                let name: String = rest.chars().take_while(|it| is_of_a_name(*it)).collect();
                tests.push(name);
            }
            marked = false;
        } else if !line.starts_with("//") {
            marked = false;
        }
    }
    tests
}

#[test]
fn a_test_is_what_an_attribute_says_so_of() {
    let text = "#[cfg(test)]\nmod tests;\nfn a_helper() {}\n#[tokio::test]\n/// Why.\n\
                async fn a_test() {}\n#[test]\n#[expect(x)]\nfn another(x: u8) {}\n#[tested]\nfn no() {}";
    assert_eq!(tests_in(text), ["a_test", "another"]);
}

#[test]
fn a_row_begins_with_a_number_and_names_its_tests() {
    let told = row("| 3 | do `this_thing` | `a_test`, and `make test` for `B5` |");
    let told = told.map(|it| (it.number, named(it.tests).collect::<Vec<_>>()));
    assert_eq!(told, Some(("3", vec!["a_test"])));
    assert!(row("| # | must never | tests |").is_none());
    assert!(row("|---|---|---|").is_none());
}
