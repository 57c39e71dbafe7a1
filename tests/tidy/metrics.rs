//! Whoever reads a number finds what it means.

use std::{collections::BTreeSet, fs};

use super::{none, root, sources};

/// Where all of them are listed.
const DOCUMENT: &str = "docs/operating.md";

/// Where those of this program are described to the recorder.
const MEANINGS: &str = "app/src/telemetry/meanings.rs";

/// What makes a number, and what describes one.
const MACROS: [&str; 3] = ["counter!(", "gauge!(", "histogram!("];

#[test]
fn every_number_is_in_the_manual_and_the_manual_names_no_other() -> anyhow::Result<()> {
    let document = fs::read_to_string(root().join(DOCUMENT))?;
    let told: BTreeSet<&str> = document.lines().filter_map(first_cell).collect();
    let sources = sources()?;
    let mut counted = BTreeSet::new();
    for source in sources.iter().filter(|it| !it.path.starts_with("bench")) {
        counted.extend(MACROS.iter().flat_map(|it| named_after(&source.code, it)));
        counted.extend(named_after(&source.code, "# TYPE "));
    }
    anyhow::ensure!(20 < counted.len(), "only {} numbers were found", counted.len());
    let mut faults = Vec::new();
    let missing = counted.difference(&told).map(|it| format!("{DOCUMENT} does not tell of `{it}`"));
    faults.extend(missing);
    faults.extend(told.difference(&counted).map(|it| format!("{DOCUMENT}: there is no `{it}`")));
    none(&faults)
}

/// What is counted under one name and described under another has no meaning where it is scraped.
#[test]
fn every_number_that_is_counted_is_described_by_its_name() -> anyhow::Result<()> {
    let meanings = fs::read_to_string(root().join(MEANINGS))?;
    let described: BTreeSet<&str> = named_after(&meanings, "(\"").collect();
    let sources = sources()?;
    let mut counted = BTreeSet::new();
    // The journal describes its own.
    for source in sources.iter().filter(|it| !it.path.starts_with("bench")) {
        counted.extend(MACROS.iter().flat_map(|it| named_after(&source.code, it)));
    }
    counted.retain(|it| it.starts_with("greffe_"));
    let mut faults = Vec::new();
    faults.extend(counted.difference(&described).map(|it| format!("{MEANINGS}: no `{it}`")));
    faults.extend(described.difference(&counted).map(|it| format!("nobody counts `{it}`")));
    none(&faults)
}

/// The name in the first cell of a row, if it is one of a number.
fn first_cell(line: &str) -> Option<&str> {
    let name = line.strip_prefix("| `")?.split('`').next()?;
    is_name(name).then_some(name)
}

/// The names that stand right after `mark`.
fn named_after<'a>(code: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    let after = code.split(mark).skip(1);
    let word =
        after.filter_map(|it| it.trim_start().trim_start_matches('"').split(['"', ' ']).next());
    word.filter(|it| is_name(it))
}

fn is_name(text: &str) -> bool {
    let ours = text.starts_with("greffe_") || text.starts_with("journal_");
    ours && text.bytes().all(|it| it.is_ascii_lowercase() || it == b'_')
}
