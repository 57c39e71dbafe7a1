//! Who may know whom.

use std::{collections::BTreeSet, fs};

use anyhow::Context;
use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};

use super::{files_under, none, root, sources};

/// Which of our crates each may know. What is not listed is forbidden.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("journal", &[]),
    ("identity", &["postgres"]),
    ("artifacts", &["postgres"]),
    ("postgres", &[]),
    ("commands", &["domain", "journal"]),
    ("projections", &["domain", "journal", "postgres"]),
    ("workers", &["domain", "commands", "projections", "artifacts"]),
    ("api", &["domain", "commands", "projections", "identity", "artifacts"]),
    (
        "app",
        &[
            "domain",
            "journal",
            "identity",
            "artifacts",
            "postgres",
            "commands",
            "projections",
            "workers",
            "api",
        ],
    ),
    (
        "bench",
        &[
            "domain",
            "journal",
            "postgres",
            "artifacts",
            "commands",
            "projections",
            "workers",
            "app",
        ],
    ),
    ("tests", &[]), // its dependencies are for development only
];

/// Every framework has one home. Elsewhere, nobody knows its name.
const HOMES: &[(&str, &[&str])] = &[
    ("apollo-compiler", &["api"]),
    ("argon2", &["identity"]),
    ("async-graphql", &["api"]),
    ("axum", &["api"]),
    ("clap", &["app"]),
    ("cqrs-es", &["commands"]),
    ("jsonschema", &["commands"]),
    ("jsonwebtoken", &["identity"]),
    ("lettre", &["api"]),
    ("object_store", &["artifacts"]),
    ("schemars", &["api"]),
    // The bench measures a plain insert beside ours.
    ("sqlx", &["journal", "projections", "identity", "artifacts", "postgres", "app", "bench"]),
    ("tower-http", &["api"]),
];

#[test]
fn crates_only_know_whom_they_may() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for package in packages()? {
        let name = package.name.as_str();
        let Some((_, may_know)) = MAY_KNOW.iter().find(|(it, _)| *it == name) else {
            faults.push(format!("`{name}` is not in MAY_KNOW"));
            continue;
        };
        for it in in_production(&package).filter(|it| it.path.is_some()) {
            if !may_know.contains(&it.name.as_str()) {
                faults.push(format!("`{name}` must not know `{}`", it.name));
            }
        }
    }
    none(&faults)
}

#[test]
fn frameworks_stay_at_home() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for package in packages()? {
        for dependency in in_production(&package) {
            let home = HOMES.iter().find(|(framework, _)| *framework == dependency.name);
            let Some((framework, home)) = home else { continue };
            if !home.contains(&package.name.as_str()) {
                let name = &package.name;
                faults.push(format!("`{name}` must not know `{framework}`, at home in {home:?}"));
            }
        }
    }
    none(&faults)
}

#[test]
fn every_home_is_lived_in() -> anyhow::Result<()> {
    let packages = packages()?;
    let lives_in = |framework: &str, home: &str| {
        packages
            .iter()
            .filter(|it| it.name == home)
            .flat_map(in_production)
            .any(|it| it.name == framework)
    };
    let mut faults = Vec::new();
    for (framework, homes) in HOMES {
        let empty = homes.iter().filter(|home| !lives_in(framework, home));
        faults.extend(empty.map(|home| format!("`{home}` does not use `{framework}`")));
    }
    none(&faults)
}

/// Versions are chosen in one place, where each has its reason.
#[test]
fn dependencies_come_from_the_workspace_and_have_a_reason() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let used: BTreeSet<String> = packages()?
        .iter()
        .flat_map(|it| it.dependencies.iter().map(|it| it.name.clone()))
        .collect();
    for line in table(&manifest, "[workspace.dependencies]") {
        let name = line.split(' ').next().unwrap_or_default();
        let is_ours = line.contains("path = \"");
        if !is_ours && !line.contains(" # ") {
            faults.push(format!("Cargo.toml: `{name}` has no reason"));
        }
        if !used.contains(name) && !MAY_KNOW.iter().any(|(it, _)| *it == name) {
            faults.push(format!("Cargo.toml: nobody uses `{name}`"));
        }
    }
    for package in packages()? {
        let manifest = fs::read_to_string(&package.manifest_path)?;
        for header in ["[dependencies]", "[dev-dependencies]", "[build-dependencies]", "[lints]"] {
            // A crate may ask itself for what it has for tests only.
            let own = table(&manifest, header)
                .filter(|it| !it.contains("workspace = true") && !it.contains("path = \".\""));
            faults.extend(own.map(|it| format!("{}: `{it}` is not the workspace's", package.name)));
        }
        if table(&manifest, "[lints]").next().is_none() {
            faults.push(format!("{}: no lints of the workspace", package.name));
        }
    }
    none(&faults)
}

/// What is declared is named somewhere in the crate's sources.
#[test]
fn dependencies_are_used() -> anyhow::Result<()> {
    let sources = sources()?;
    let mut faults = Vec::new();
    for package in packages()? {
        let folder = package.manifest_path.parent().context("the crate's folder")?;
        let folder = folder.as_std_path().strip_prefix(root())?;
        let own: Vec<_> = sources.iter().filter(|it| it.path.starts_with(folder)).collect();
        for dependency in &package.dependencies {
            let name = dependency.name.replace('-', "_");
            if !own.iter().any(|it| it.code.contains(&name) || it.tests.contains(&name)) {
                faults.push(format!("`{}` does not use `{}`", package.name, dependency.name));
            }
        }
    }
    none(&faults)
}

/// What runs is what was tested: no build takes other versions than those that
/// are written down.
#[test]
fn dependencies_are_locked() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    anyhow::ensure!(root().join("Cargo.lock").exists(), "there is no Cargo.lock");
    // Cargo then refuses to build what the lock file does not say.
    for file in ["Makefile", ".ci/tests"] {
        let text = fs::read_to_string(root().join(file))?;
        let text = text.replace("$(ALL)", makefile_all(&text));
        for line in text.lines().map(str::trim) {
            let builds = ["build", "run", "clippy", "doc", "test", "nextest"]
                .iter()
                .any(|it| line.contains(&format!("cargo {it} ")));
            if builds && !line.contains("--version") && !line.contains("--locked") {
                faults.push(format!("{file}: `{line}` is not --locked"));
            }
        }
    }
    for folder in ["api", "clients", "deploy", "web"].map(|it| root().join(it)) {
        for path in if folder.exists() { files_under(&folder, "json")? } else { Vec::new() } {
            if path.ends_with("package.json") && !path.with_file_name("package-lock.json").exists()
            {
                faults.push(format!("{} has no lock file", path.display()));
            }
        }
    }
    none(&faults)
}

/// What the Makefile means by `ALL`.
fn makefile_all(text: &str) -> &str {
    let all = text.lines().find_map(|it| it.strip_prefix("ALL"));
    all.and_then(|it| it.split_once('=')).map_or("", |(_, it)| it.trim())
}

/// Tasks of one runtime that wait for those of another are how a server comes
/// to stand still.
#[test]
fn one_runtime_runs_everything() -> anyhow::Result<()> {
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    let others = ["actix-rt", "async-executor", "async-std", "glommio", "monoio", "smol"];
    let other = |it: &&str| lock.contains(&format!("name = \"{it}\"\n"));
    let faults: Vec<_> = others.iter().filter(|it| other(it)).map(|it| format!("`{it}`")).collect();
    none(&faults)
}

fn packages() -> anyhow::Result<Vec<Package>> {
    Ok(MetadataCommand::new().current_dir(root()).no_deps().exec()?.packages)
}

fn in_production(package: &Package) -> impl Iterator<Item = &Dependency> {
    package.dependencies.iter().filter(|it| it.kind != DependencyKind::Development)
}

/// The entries of a table, one a line.
fn table<'a>(manifest: &'a str, header: &'a str) -> impl Iterator<Item = &'a str> {
    let mut lines = manifest.lines().skip_while(move |it| *it != header);
    lines.next();
    lines.take_while(|it| !it.starts_with('[')).filter(|it| !it.is_empty() && !it.starts_with('#'))
}
