//! What files are called, how long they are, and what may not be in them.

use std::fs;

use super::{files_under, none, root, sources};

/// What lies at the top. The rest belongs into one of these.
const TOP: &[&str] = &[
    // Crates.
    "api",
    "app",
    "artifacts",
    "bench",
    "commands",
    "domain",
    "identity",
    "journal",
    "postgres",
    "projections",
    "tests",
    "workers",
    // Other folders.
    "clients",
    "deploy",
    "docs",
    "migrations",
    "web",
    // Files.
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
];

/// The longest a file may be, tests aside: what a reader can hold in the head.
const LINES_MAX: usize = 400;

/// The longest a crate's root may be, comments aside: a table of contents and
/// what all modules share.
const ROOT_LINES_MAX: usize = 120;

/// Names that say nothing about what is in them.
const NAMES_FORBIDDEN: &[&str] = &[
    "common", "helper", "helpers", "manager", "managers", "misc", "mod", "shared", "util", "utils",
];

#[test]
fn the_top_level_holds_what_the_design_names() -> anyhow::Result<()> {
    let ignored = fs::read_to_string(root().join(".gitignore"))?;
    let ignored: Vec<&str> = ignored.lines().map(|it| it.trim_matches('/')).collect();
    let mut faults = Vec::new();
    for entry in fs::read_dir(root())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let known = name.starts_with('.')
            || TOP.contains(&name.as_str())
            || ignored.contains(&name.as_str());
        if !known {
            faults.push(format!("`{name}` is not for the top level"));
        }
    }
    none(&faults)
}

#[test]
fn files_fit_in_the_head() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for source in sources()? {
        let lines = source.code.lines().count();
        if LINES_MAX < lines {
            faults.push(format!("{} has {lines} lines", source.path.display()));
        }
    }
    none(&faults)
}

#[test]
fn the_roots_of_crates_are_tables_of_contents() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for source in sources()? {
        if !source.path.ends_with("src/lib.rs") && !source.path.ends_with("src/main.rs") {
            continue;
        }
        let is_code = |it: &&str| !it.is_empty() && !it.starts_with("//");
        let lines = source.code.lines().map(str::trim).filter(is_code).count();
        if ROOT_LINES_MAX < lines {
            faults.push(format!("{} has {lines} lines of code", source.path.display()));
        }
    }
    none(&faults)
}

#[test]
fn names_say_something() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for source in sources()? {
        let path = source.path.with_extension("");
        let words = path.iter().flat_map(|it| it.to_str().unwrap_or_default().split(['_', '-']));
        if let Some(word) = words.into_iter().find(|it| NAMES_FORBIDDEN.contains(it)) {
            faults.push(format!("{}: `{word}` says nothing", source.path.display()));
        }
    }
    none(&faults)
}

#[test]
fn modules_say_what_they_are() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for source in sources()? {
        if !source.code.is_empty() && !source.code.starts_with("//! ") {
            faults.push(format!("{} does not say what it is", source.path.display()));
        }
    }
    none(&faults)
}

/// A test that sleeps is slow on a good day and wrong on a bad one. Only what
/// asks again and again until something is so may pause between two askings,
/// and is called `eventually…`.
#[test]
fn tests_wait_for_signals_and_not_for_time() -> anyhow::Result<()> {
    let call = concat!("sleep", "(");
    let mut faults = Vec::new();
    for source in sources()? {
        for (place, _) in source.tests.match_indices(call) {
            let before = &source.tests[..place];
            let function = before.rfind("fn ").map_or("", |it| &before[it + 3..]);
            if !function.starts_with("eventually") {
                let line = 1 + source.code.matches('\n').count() + before.matches('\n').count();
                faults.push(format!("{}:{line} sleeps", source.path.display()));
            }
        }
    }
    none(&faults)
}

/// What is switched off passes for ever.
#[test]
fn no_test_is_switched_off() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for source in sources()? {
        let in_code = source.code.lines().filter(|it| it.contains("test") || it.contains("ignore"));
        if source.tests.lines().chain(in_code).any(is_switched_off) {
            faults.push(format!("{} has tests that do not run", source.path.display()));
        }
    }
    none(&faults)
}

/// Whether an attribute of a test keeps it from running: the checks build every
/// feature, so that what wants one not to be there is never built.
fn is_switched_off(line: &str) -> bool {
    let line: String = line.split_whitespace().collect();
    let Some(attribute) = line.strip_prefix("#[").or_else(|| line.strip_prefix("#![")) else {
        return false;
    };
    let is_conditional = attribute.starts_with("cfg(") || attribute.starts_with("cfg_attr(");
    let lacks_a_feature = attribute.contains("not(") && attribute.contains("feature=");
    attribute.starts_with("ignore")
        || (is_conditional && (lacks_a_feature || attribute.contains(",ignore")))
}

#[test]
fn what_runs_only_without_a_feature_is_switched_off() {
    for line in [
        "    #[ignore]",
        "#[ignore = \"slow\"]",
        "#[cfg(not(feature = \"s3\"))]",
        "#[cfg(not(any(feature = \"s3\", feature = \"gcs\")))]",
        "#![cfg(all(test, not(feature = \"s3\")))]",
        "#[cfg_attr(windows, ignore)]",
        "#[cfg_attr(not(feature = \"s3\"), test)]",
    ] {
        assert!(is_switched_off(line), "{line}");
    }
    for line in ["#[test]", "#[cfg(test)]", "#[cfg(unix)]", "#[cfg(feature = \"s3\")]", "ignore()"]
    {
        assert!(!is_switched_off(line), "{line}");
    }
}

/// What is shown to people was computed from what happened.
#[test]
fn nothing_in_production_is_made_up() -> anyhow::Result<()> {
    let words = ["mock", "fake", "dummy", "stub", "lorem ipsum", "test_mode", "hardcoded"];
    let mut faults = Vec::new();
    // What measures makes up what it measures.
    for source in sources()?.iter().filter(|it| !it.path.starts_with("bench")) {
        for (line, text) in (1..).zip(source.code.to_lowercase().lines()) {
            let word = words.iter().find(|word| text.contains(*word));
            faults.extend(word.map(|it| format!("{}:{line}: `{it}`", source.path.display())));
        }
    }
    none(&faults)
}

/// The table of routes says of each who may use it: what is mounted beside it would not.
#[test]
fn routes_are_mounted_from_the_table() -> anyhow::Result<()> {
    let ways = [".route(", ".route_service(", ".nest(", ".nest_service(", ".fallback_service("];
    let (mut faults, mut in_table) = (Vec::new(), 0);
    for source in sources()?.iter().filter(|it| it.path.starts_with("api")) {
        let mounted = ways.iter().map(|it| source.code.matches(it).count()).sum::<usize>();
        if source.path.ends_with("src/rest.rs") {
            in_table = mounted;
        } else if 0 < mounted {
            faults.push(format!("{} mounts routes of its own", source.path.display()));
        }
    }
    anyhow::ensure!(0 < in_table, "nothing is mounted where the table is");
    none(&faults)
}

/// Packages are fetched from wherever the reader's npm fetches them.
#[test]
fn lock_files_name_no_registry() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for folder in ["api", "clients", "deploy", "web"].map(|it| root().join(it)) {
        if !folder.exists() {
            continue;
        }
        for path in files_under(&folder, "json")? {
            let is_lock = path.ends_with("package-lock.json");
            if is_lock && fs::read_to_string(&path)?.contains("\"resolved\": \"http") {
                faults.push(format!("{} names a registry", path.display()));
            }
        }
    }
    none(&faults)
}
