//! Ours: a process that does one crawl.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use app::system::id;
use commands::{Command, Wishes};
use domain::{
    JobId,
    job::{CrawlEvent, CrawlSpec, Follow, JobEvent},
};
use workers::crawl::{Allowed, Crawler, Settings};

use super::Crawled;
use crate::{
    child::{self, Child},
    machine,
    server::Bench,
    site::{PAGES, TERM},
    works::Works,
};

/// The first argument of that process.
pub(crate) const CHILD: &str = "crawl-child";

const DATABASE: &str = "bench_crawl";

/// Requests at a time.
const CONCURRENCY: usize = 16;

pub(super) async fn run(bench: &Bench, first: &str) -> anyhow::Result<Crawled> {
    let url = bench.database(DATABASE).await?;
    let files = tempfile::tempdir()?;
    let folder = files.path().to_str().context("a folder for files")?;
    let mut child = Child::of_this(&[CHILD, &url, folder, first])?;
    let crawled = child.tells().await?;
    child.end().await?;
    bench.drop(DATABASE).await?;
    Ok(crawled)
}

/// What that process does.
pub(crate) async fn child(arguments: &[String]) -> anyhow::Result<()> {
    let [database, folder, first] = arguments else {
        anyhow::bail!("a database, a folder for files, and the first page")
    };
    let mut works = Works::start(database, folder).await?;
    works.work(Crawler::new(works.artifacts(), works.feed(), impolite())?);
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
    let command = Command::StartCrawl { id: job, crawl, wishes: Wishes::default() };
    let begun = Instant::now();
    let last = works.done(job, command).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let Some((_, JobEvent::Crawl(CrawlEvent::CrawlCompleted(done)))) = last.fact.of_job() else {
        anyhow::bail!("it ended as {:?}", last.after)
    };
    anyhow::ensure!(done.errors == 0, "{} pages could not be read", done.errors);
    let pages = u32::try_from(done.pages)?;
    let crawled = Crawled { pages, seconds, peak_kib: machine::peak_kib()? };
    works.stop().await;
    child::say(serde_json::to_string(&crawled)?)
}

/// Nothing is held back, and this machine may be read.
fn impolite() -> Settings {
    Settings {
        allowed: Arc::new(Allowed::new(["127.0.0.1"])),
        at_once: CONCURRENCY,
        at_once_per_host: CONCURRENCY,
        delay: Duration::ZERO,
        ..Settings::default()
    }
}
