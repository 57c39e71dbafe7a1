//! What SQL files must have, and who writes which table.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{files_under, none, root, sources};

/// What comes before the name of a table that is written.
const WRITES: &[&str] = &["insert into ", "update ", "delete from ", "truncate ", "copy "];

#[test]
fn migrations_are_one_sequence() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for (index, path) in files_under(&root().join("migrations"), "sql")?.iter().enumerate() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with(&format!("{:04}_", index + 1)) {
            faults.push(format!("{name} is number {}", index + 1));
        }
    }
    none(&faults)
}

#[test]
fn every_sql_file_says_what_it_is_for() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for path in sql_files()? {
        if !fs::read_to_string(&path)?.starts_with("-- ") {
            faults.push(format!("{} says nothing", path.display()));
        }
    }
    none(&faults)
}

/// In `projections` one module writes a table, elsewhere one crate does.
#[test]
fn every_table_has_one_writer() -> anyhow::Result<()> {
    let tables = tables()?;
    let mut writers: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in sources()? {
        let text = flattened(&source.code);
        for table in written(&text).filter_map(|it| tables.get(it)) {
            writers.entry(table).or_default().insert(owner(&source.path));
        }
    }
    anyhow::ensure!(!writers.is_empty(), "nobody writes any table");
    let mut faults = Vec::new();
    for (table, owners) in writers {
        if 1 < owners.len() {
            faults.push(format!("`{table}` is written by {owners:?}"));
        }
    }
    none(&faults)
}

fn sql_files() -> anyhow::Result<Vec<PathBuf>> {
    let mut files = files_under(&root().join("migrations"), "sql")?;
    files.extend(files_under(&root().join("projections/src"), "sql")?);
    Ok(files)
}

fn tables() -> anyhow::Result<BTreeSet<String>> {
    let mut tables = BTreeSet::new();
    for path in sql_files()? {
        let text = fs::read_to_string(path)?;
        let names =
            text.split("create table ").skip(1).map(|it| it.trim_start_matches("if not exists "));
        tables.extend(names.filter_map(identifier).map(str::to_owned));
    }
    Ok(tables)
}

/// Whatever stands where the name of a written table does.
fn written(flattened: &str) -> impl Iterator<Item = &str> {
    flattened.match_indices(' ').filter_map(|(space, _)| {
        let text = &flattened[space + 1..];
        let rest = WRITES.iter().find_map(|it| text.strip_prefix(it))?;
        identifier(rest.trim_start_matches("only "))
    })
}

fn identifier(text: &str) -> Option<&str> {
    let end = text.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(text.len());
    (0 < end).then(|| &text[..end])
}

/// Without comments, and with one space wherever there is any space or quote:
/// statements run over lines.
fn flattened(code: &str) -> String {
    let lines = code.lines().filter(|it| !it.trim_start().starts_with("//"));
    let words =
        lines.flat_map(|it| it.split(|it: char| it.is_whitespace() || it == '"' || it == '('));
    words.filter(|it| !it.is_empty()).fold(String::from(" "), |text, it| text + it + " ")
}

/// `journal`, or `projections::job_list`.
fn owner(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|it| it.to_string_lossy()).collect();
    match parts.as_slice() {
        [member, _, module, ..] if member == "projections" => {
            format!("projections::{}", module.trim_end_matches(".rs"))
        }
        [member, ..] => member.to_string(),
        [] => String::new(),
    }
}

#[test]
fn a_write_is_recognised_over_lines_and_by_the_whole_name() {
    let text = flattened(
        "query(\"insert into\n    job_list (id) values\") // update stream\n// update event",
    );
    assert_eq!(written(&text).collect::<Vec<_>>(), ["job_list", "stream"]);
    assert_eq!(owner(Path::new("projections/src/job_list.rs")), "projections::job_list");
    assert_eq!(owner(Path::new("projections/src/job_list/fold.rs")), "projections::job_list");
    assert_eq!(owner(Path::new("journal/src/postgres/appender.rs")), "journal");
}
