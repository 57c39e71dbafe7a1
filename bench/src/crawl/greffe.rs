//! Ours: a whole system in a process of its own, with one crawl.

use std::time::Instant;

use anyhow::Context;
use app::system::id;
use commands::{Asked, Command, Wishes};
use domain::{
    Actor, JobId, UserId,
    actor::Role,
    job::{CrawlSpec, Follow},
};

use super::Crawled;
use crate::{
    child::{self, Child},
    machine,
    server::Bench,
    site::{PAGES, TERM},
    system::Whole,
};

/// The first argument of that process.
pub(crate) const CHILD: &str = "crawl-child";

const DATABASE: &str = "bench_crawl";

pub(super) async fn run(bench: &Bench, first: &str) -> anyhow::Result<Crawled> {
    let url = bench.database(DATABASE).await?;
    let files = tempfile::tempdir()?;
    let files = files.path().to_str().context("a folder for files")?;
    let mut child = Child::of_this(&[CHILD, &url, files, first])?;
    let crawled = child.tells().await?;
    child.end().await?;
    bench.drop(DATABASE).await?;
    Ok(crawled)
}

/// What that process does.
pub(crate) async fn child(arguments: &[String]) -> anyhow::Result<()> {
    let [database, files, first] = arguments else {
        anyhow::bail!("a database, a folder for files, and the first page")
    };
    let whole = Whole::start(database, &["--data-dir", files]).await?;
    let job = JobId(id());
    let crawl = CrawlSpec {
        land: None,
        seeds: vec![first.clone()],
        terms: vec![TERM.to_owned()],
        depth: 10,
        pages_max: PAGES + 1,
        languages: vec!["en".to_owned()],
        follow: Follow::SeedHosts,
    };
    let owner = Actor::User { id: UserId(id()), role: Role::Member };
    let command = Command::StartCrawl { id: job, crawl, wishes: Wishes::default() };
    let begun = Instant::now();
    whole.commands().execute(command, Asked::by(owner)).await?;
    let ended = whole.watch(job).await?.end().await?;
    let seconds = begun.elapsed().as_secs_f64();
    anyhow::ensure!(ended["state"] == "SUCCEEDED" && ended["errors"] == 0, "it ended as {ended}");
    let pages = ended["progress"]["done"].as_u64().context("how many pages")?;
    let crawled = Crawled { pages: pages.try_into()?, seconds, peak_kib: machine::peak_kib()? };
    whole.stop().await?;
    child::say(serde_json::to_string(&crawled)?)
}
