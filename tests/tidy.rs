//! What no compiler checks: the shape of the whole.
//!
//! Each rule is a list and a test. A rule that is in the way is changed here,
//! with its reason, and not gone round.

mod crates;
mod files;
mod metrics;
mod never_again;
mod sql;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// The folders of our crates: whatever the workspace has as members.
fn members() -> anyhow::Result<Vec<String>> {
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let (_, rest) = manifest.split_once("members = [").context("members of the workspace")?;
    let (list, _) = rest.split_once(']').context("the end of the members")?;
    Ok(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// A source file of ours.
struct Source {
    /// From the root.
    path: PathBuf,
    /// What runs in production.
    code: String,
    /// What runs in tests.
    tests: String,
}

/// All Rust sources. A file is cut where its tests begin, and is all test under
/// `tests/` or by the name of `tests.rs`.
fn sources() -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for member in members()? {
        for path in files_under(&root().join(member), "rs")? {
            let text = fs::read_to_string(&path)?;
            let path = path.strip_prefix(root())?.to_path_buf();
            let mut parts = path.iter();
            let all_test = parts.any(|it| it == "tests" || it == "tests.rs");
            let cut = if all_test { 0 } else { tests_begin(&text) };
            let (code, tests) = text.split_at(cut);
            sources.push(Source { path, code: code.to_owned(), tests: tests.to_owned() });
        }
    }
    anyhow::ensure!(100 < sources.len(), "only {} sources were found", sources.len());
    Ok(sources)
}

/// Where a module of tests is written out; `mod tests;` only names a file.
fn tests_begin(text: &str) -> usize {
    let places = text.match_indices("#[cfg(test)]").map(|(place, _)| place);
    let written_out = |place: &usize| {
        let head = text[*place..].split_inclusive(['{', ';']).next().unwrap_or_default();
        head.contains("mod ") && head.ends_with('{')
    };
    places.into_iter().find(written_out).unwrap_or(text.len())
}

/// Every file with an extension, in a steady order. What npm installs and what
/// is built is not ours.
fn files_under(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let foreign = ["node_modules", "target", "dist"].iter().any(|it| path.ends_with(it));
        if path.is_dir() && !foreign {
            files.extend(files_under(&path, extension)?);
        } else if path.extension().is_some_and(|it| it == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Gathers all faults, so that one run shows them all.
fn none(faults: &[String]) -> anyhow::Result<()> {
    anyhow::ensure!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
    Ok(())
}

#[test]
fn a_file_is_cut_where_its_tests_are_written_out() {
    let text = "mod a;\n#[cfg(test)]\nmod tests;\nfn f() {}\n#[cfg(test)]\nmod more {}";
    assert_eq!(&text[tests_begin(text)..], "#[cfg(test)]\nmod more {}");
    assert_eq!(tests_begin("fn f() {}"), "fn f() {}".len());
}
