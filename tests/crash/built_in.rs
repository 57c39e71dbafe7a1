//! What Greffe does itself goes on where it was when Greffe was killed.

use std::time::Duration;

use anyhow::{Context, ensure};
use artifacts::Artifacts;
use domain::{
    artifact::Sha256,
    job::{CrawlEvent, JobEvent, PageOutcome, ReportEvent},
    report::Provenance,
};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::time::Instant;

use super::{
    processes::{Processes, job_after},
    web::{HELD, Model, Site},
};
use crate::world::eventually;

const TEMPLATE: &[u8] = include_bytes!("../../app/demo-report/template.docx");
const SOURCE: &[u8] = include_bytes!("../../app/demo-report/interview.pdf");

/// How many pages lead to the one that is held back.
const PAGES: usize = 20;

/// How long a field takes at least to be left behind as soon as it is written.
const LONG: Duration = Duration::from_secs(1);

/// What lets a crawl of ours be quick, and go to a site on this machine.
const CRAWL: [&str; 4] = ["--crawl-allow", "127.0.0.1", "--crawl-delay-s", "0"];

#[tokio::test]
async fn a_crawl_goes_on_where_greffe_was_killed_and_no_page_is_fetched_twice() -> anyhow::Result<()>
{
    let processes = Processes::new().await?;
    let site = Site::start(PAGES).await?;
    let mut greffe = processes.greffe("127.0.0.1:0", &CRAWL).await?;
    let caller = processes.member(&greffe.base).await?;
    let seed = format!("{}/0", site.base);
    let crawl = json!({ "seeds": [seed], "terms": ["lighthouse"], "depth": 100, "limit": 100 });
    let crawl = caller.mutate("startCrawl", "crawl { id }", crawl).await?;
    let job = crawl["crawl"]["id"].as_str().context("a crawl")?;

    eventually("all pages but the one held back to be recorded".to_owned(), async || {
        let recorded = visited(&processes.events(job).await?);
        Ok(recorded == PAGES && site.asked().contains_key(HELD))
    })
    .await?;
    greffe.child.kill().await?;
    let listen = greffe.address();
    let greffe = processes.greffe(&listen, &CRAWL).await?;
    eventually("the page held back to be asked for again".to_owned(), async || {
        Ok(site.asked().get(HELD) == Some(&2))
    })
    .await?;
    site.let_go();
    caller.until(job, "SUCCEEDED").await?;

    let mut asked = site.asked();
    let (robots, held) = (asked.remove("/robots.txt"), asked.remove(HELD));
    ensure!((robots, held) == (Some(2), Some(2)), "{robots:?}, {held:?}");
    ensure!(asked.len() == PAGES && asked.values().all(|it| *it == 1), "{asked:?}");
    let events = processes.events(job).await?;
    ensure!(visited(&events) == PAGES + 1, "every page is recorded once");
    let done = events.iter().find_map(|it| {
        let JobEvent::Crawl(CrawlEvent::CrawlCompleted(it)) = it else { return None };
        Some((it.pages, it.errors))
    });
    ensure!(done == Some((PAGES as u64 + 1, 0)), "{done:?}");
    let state = job_after(&events);
    let present = state.present().context("the job")?;
    ensure!((present.losses, present.failures) == (1, 0), "it was interrupted once");
    processes.check_the_journal().await?;
    processes.check_the_tables(greffe).await
}

/// How many pages were kept, however often each.
fn visited(events: &[JobEvent]) -> usize {
    let kept = |event: &JobEvent| {
        let JobEvent::Crawl(CrawlEvent::PagesVisited(it)) = event else { return 0 };
        it.visited.iter().filter(|it| matches!(it.outcome, PageOutcome::Kept(_))).count()
    };
    events.iter().map(kept).sum()
}

#[tokio::test]
async fn a_report_goes_on_where_greffe_was_killed_and_keeps_the_fields_that_were_done()
-> anyhow::Result<()> {
    let processes = Processes::new().await?;
    let mut model = Model::start().await?;
    let mut greffe = processes.greffe("127.0.0.1:0", &model.flags()).await?;
    let caller = processes.member(&greffe.base).await?;
    let template = caller.upload("template.docx", TEMPLATE.to_vec()).await?;
    let source = caller.upload("interview.pdf", SOURCE.to_vec()).await?;
    let report = json!({
        "template": template["sha256"],
        "sources": [{ "sha256": source["sha256"], "name": "interview.pdf" }],
        "writer": "OLLAMA",
    });
    let report = caller.mutate("requestReport", "report { id }", report).await?;
    let job = report["report"]["id"].as_str().context("a report")?;

    model.until_asked(1).await?;
    let since = Instant::now();
    eventually(
        "the first field to have taken long".to_owned(),
        async || Ok(LONG < since.elapsed()),
    )
    .await?;
    model.answer(1);
    model.until_asked(2).await?;
    let mut left = None;
    eventually("the first field to be left behind".to_owned(), async || {
        left = left_behind(&processes, job).await?;
        Ok(left.is_some())
    })
    .await?;
    greffe.child.kill().await?;
    let left = read(&processes, left.context("what was left behind")?).await?;
    let written = left.fields.iter().filter(|it| it.writer.is_some()).count();
    ensure!(written == 1, "{written} fields were written");
    let listen = greffe.address();
    let greffe = processes.greffe(&listen, &model.flags()).await?;
    model.answer(1_000);
    caller.until(job, "SUCCEEDED").await?;

    let events = processes.events(job).await?;
    let done = events.iter().find_map(|it| {
        let JobEvent::Report(ReportEvent::ReportCompleted(it)) = it else { return None };
        it.written.clone()
    });
    let provenance = read(&processes, done.context("what was written")?.provenance.sha256).await?;
    let before = left.fields.len();
    ensure!(provenance.fields[..before] == left.fields, "what was done is not as it was");
    let asked_for = provenance.fields.iter().filter(|it| it.writer.is_some()).count();
    ensure!(model.asked() == asked_for + 1, "{} for {asked_for} fields", model.asked());
    let state = job_after(&events);
    let present = state.present().context("the job")?;
    ensure!((present.losses, present.failures) == (1, 0), "it was interrupted once");
    processes.check_the_journal().await?;
    processes.check_the_tables(greffe).await
}

/// The file of fields that another attempt could go on from.
async fn left_behind(processes: &Processes, job: &str) -> anyhow::Result<Option<Sha256>> {
    let state = job_after(&processes.events(job).await?);
    let left: Option<&Value> = state.present().and_then(|it| it.checkpoint.as_ref());
    left.map(|it| Ok(serde_json::from_value(it["fields"].clone())?)).transpose()
}

async fn read(processes: &Processes, sha256: Sha256) -> anyhow::Result<Provenance> {
    let db = PgPool::connect(processes.url()).await?;
    let place = processes.artifacts();
    let place = place.to_str().context("the path of a folder")?;
    let artifacts = Artifacts::connect(db, place, artifacts::Settings::default()).await?;
    let bytes = artifacts.read(&sha256.bytes(), 1024 * 1024).await?;
    Ok(serde_json::from_slice(&bytes)?)
}
