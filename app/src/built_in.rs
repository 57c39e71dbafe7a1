//! Those who do the jobs that Greffe does itself, as the operator wants them.

use std::sync::Arc;

use anyhow::Context;
use artifacts::Artifacts;
use projections::feed::Feed;
use workers::{
    Crawler, Execute, Ollama, OllamaSettings, Reader, Reports,
    crawl::{Allowed, Settings},
};

use crate::config::BuiltIn;

/// How many pages a crawl takes down for each that it may visit.
const FOUND_PER_PAGE: u32 = 10;

/// Those who do the jobs, and how many at a time.
pub(crate) type Executors = Vec<(Arc<dyn Execute>, u16)>;

/// All there are, as the operator wants them.
pub(crate) fn executors(
    config: &BuiltIn,
    artifacts: &Artifacts,
    feed: &Arc<Feed>,
) -> anyhow::Result<Executors> {
    let settings = Settings {
        about: config.crawl_about.clone(),
        allowed: Arc::new(Allowed::new(config.crawl_allow.iter().map(String::as_str))),
        delay: config.crawl_delay,
        found_max: config.crawl_pages_max.saturating_mul(FOUND_PER_PAGE),
        ..Settings::default()
    };
    let crawler = Crawler::new(artifacts.clone(), Arc::clone(feed), settings);
    let crawler = crawler.context("cannot crawl")?;
    let reader = config.reader.clone().map_or(Reader::Here, Reader::Apart);
    let reports = Reports::new(artifacts.clone(), ollama(config)?, reader);
    let (crawler, reports): (Arc<dyn Execute>, Arc<dyn Execute>) =
        (Arc::new(crawler), Arc::new(reports));
    let all = [(crawler, config.crawls_at_once), (reports, config.reports_at_once)];
    // Who has no hands does not register.
    Ok(all.into_iter().filter(|(_, slots)| 0 < *slots).collect())
}

fn ollama(config: &BuiltIn) -> anyhow::Result<Option<Ollama>> {
    let (Some(url), Some(model)) = (&config.ollama_url, &config.ollama_model) else {
        return Ok(None);
    };
    let deadline = config.ollama_deadline;
    let settings = OllamaSettings { url: url.clone(), model: model.clone(), deadline };
    Ollama::try_new(settings).map(Some).context("cannot ask Ollama")
}
