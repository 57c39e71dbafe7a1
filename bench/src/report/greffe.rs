//! A whole system in a process of its own, with one report, asked for as a
//! front end asks.

use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

use super::{
    Written,
    pages::SUBJECTS,
    source::{self, File},
};
use crate::{
    child::{self, Child},
    machine,
    server::Bench,
    system::Whole,
};

/// The first argument of that process.
pub(crate) const CHILD: &str = "report-child";

const DATABASE: &str = "bench_report";

const REQUEST: &str = "mutation($input: RequestReportInput!) { requestReport(input: $input) { \
    report { id } userErrors { code message path } } }";

pub(super) async fn run(bench: &Bench, pages: u32) -> anyhow::Result<Written> {
    let url = bench.database(DATABASE).await?;
    let files = tempfile::tempdir()?;
    let files = files.path().to_str().context("a folder for files")?;
    let mut child = Child::of_this(&[CHILD, &url, files, &pages.to_string()])?;
    let written = child.tells().await?;
    child.end().await?;
    bench.drop(DATABASE).await?;
    Ok(written)
}

/// What that process does.
pub(crate) async fn child(arguments: &[String]) -> anyhow::Result<()> {
    let [database, files, pages] = arguments else {
        anyhow::bail!("a database, a folder for files, and how many pages")
    };
    let whole = Whole::start(database, &["--data-dir", files]).await?;
    let input = input(&whole, pages.parse()?).await?;
    let begun = Instant::now();
    let mut data = whole.ask(REQUEST, json!({ "input": input })).await?;
    let requested = data["requestReport"].take();
    let id = requested["report"]["id"].as_str().with_context(|| requested.to_string())?;
    let ended = whole.watch(id.parse()?).await?.end().await?;
    let seconds = begun.elapsed().as_secs_f64();
    anyhow::ensure!(ended["state"] == "SUCCEEDED" && ended["errors"] == 0, "it ended as {ended}");
    child::say(serde_json::to_string(&Written { seconds, peak_kib: machine::peak_kib()? })?)?;
    whole.stop().await
}

/// Sends the files, and says what is to be made of them.
async fn input(whole: &Whole, pages: u32) -> anyhow::Result<Value> {
    let keys: Vec<String> = SUBJECTS.iter().map(|it| it.to_uppercase()).collect();
    let File { name, bytes } = source::template(&keys)?;
    let template = whole.send(&name, bytes).await?;
    let mut sources = Vec::new();
    for File { name, bytes } in source::sources(pages)? {
        sources.push(json!({ "sha256": whole.send(&name, bytes).await?, "name": name }));
    }
    let fields: Vec<Value> = keys
        .iter()
        .zip(["NARRATIVE", "SHORT", "LIST"].iter().cycle())
        .map(|(key, kind)| json!({ "key": key, "kind": kind }))
        .collect();
    Ok(json!({
        "template": template,
        "sources": sources,
        "fields": fields,
        "writer": "EXTRACTIVE",
    }))
}
