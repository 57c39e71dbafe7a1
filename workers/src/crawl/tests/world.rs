//! A crawl that is over, and what it handed out.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::job::{
    CrawlSpec, Follow, FoundPage, JobError, KeptPage, PageOutcome, PagesVisited, VisitedPage,
};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::crawl::{
    Allowed, Settings,
    batch::Batch,
    engine::{End, Engine},
    relevance::Dictionary,
    web::Web,
};

/// Quick, and at home on this machine.
pub(super) fn settings() -> Settings {
    Settings {
        allowed: Arc::new(Allowed::new(["127.0.0.1"])),
        delay: Duration::ZERO,
        at_once_per_host: 8,
        timeout: Duration::from_secs(5),
        retries: 2,
        backoff_first: Duration::from_millis(1),
        backoff_max: Duration::from_millis(5),
        rest_first: Duration::from_millis(1),
        rest_max: Duration::from_millis(5),
        ..Settings::default()
    }
}

pub(super) fn spec(seeds: &[String]) -> CrawlSpec {
    CrawlSpec {
        land: None,
        seeds: seeds.to_vec(),
        terms: vec!["lighthouse".to_owned()],
        depth: 5,
        pages_max: 100,
        languages: vec!["en".to_owned()],
        follow: Follow::Relevant,
    }
}

pub(super) fn engine(spec: CrawlSpec, settings: Settings) -> Engine {
    let settings = Arc::new(settings);
    let web = Web::new(Arc::clone(&settings)).unwrap();
    let dictionary = Arc::new(Dictionary::new(&spec.terms, &spec.languages));
    Engine::new(spec, settings, web, dictionary)
}

/// What a crawl handed out.
#[derive(Debug)]
pub(super) struct Crawled {
    pub(super) end: End,
    pub(super) failure: Option<JobError>,
    pub(super) events: Vec<PagesVisited>,
    texts: BTreeMap<u32, Value>,
}

pub(super) async fn crawl(spec: CrawlSpec) -> Crawled {
    crawl_with(spec, settings()).await
}

pub(super) async fn crawl_with(spec: CrawlSpec, settings: Settings) -> Crawled {
    run(engine(spec, settings), CancellationToken::new()).await
}

/// Runs it until it ends.
pub(super) async fn run(mut engine: Engine, stop: CancellationToken) -> Crawled {
    let (out, mut batches) = mpsc::channel::<Batch>(1);
    let take = async {
        let (mut events, mut texts) = (Vec::new(), BTreeMap::new());
        while let Some(batch) = batches.recv().await {
            let progress = batch.progress.unwrap();
            assert!(progress.done <= progress.total.unwrap());
            for page in &batch.visited {
                let PageOutcome::Kept(kept) = &page.outcome else { continue };
                let start = usize::try_from(kept.text.offset).unwrap();
                let end = start + usize::try_from(kept.text.bytes).unwrap();
                texts
                    .insert(page.number, serde_json::from_slice(&batch.texts[start..end]).unwrap());
            }
            let (found, visited) = (batch.found, batch.visited);
            events.push(PagesVisited { fence: 2, found, visited, texts: None });
        }
        (events, texts)
    };
    let (end, (events, texts)) = tokio::join!(engine.run(out, &stop), take);
    Crawled { end, failure: engine.failure(), events, texts }
}

impl Crawled {
    pub(super) fn found(&self) -> Vec<&FoundPage> {
        self.events.iter().flat_map(|it| &it.found).collect()
    }

    pub(super) fn visited(&self) -> Vec<&VisitedPage> {
        self.events.iter().flat_map(|it| &it.visited).collect()
    }

    pub(super) fn number(&self, url: &str) -> u32 {
        self.found().into_iter().find(|it| it.url == url).unwrap().number
    }

    /// What became of the page at this address.
    pub(super) fn outcome(&self, url: &str) -> &PageOutcome {
        let number = self.number(url);
        &self.visited().into_iter().find(|it| it.number == number).unwrap().outcome
    }

    pub(super) fn kept(&self, url: &str) -> &KeptPage {
        let outcome = self.outcome(url);
        let PageOutcome::Kept(page) = outcome else { panic!("{url} is not kept: {outcome:?}") };
        page
    }

    /// The code of what went wrong with the page at this address.
    pub(super) fn error(&self, url: &str) -> (Option<u16>, &str) {
        let outcome = self.outcome(url);
        let PageOutcome::Failed { status, error, .. } = outcome else {
            panic!("{url} has not failed: {outcome:?}")
        };
        (*status, error)
    }

    pub(super) fn text(&self, url: &str) -> &Value {
        &self.texts[&self.number(url)]
    }

    /// The kept pages, by their paths.
    pub(super) fn corpus(&self) -> Vec<String> {
        let kept = self.visited().into_iter().filter_map(|it| {
            let PageOutcome::Kept(page) = &it.outcome else { return None };
            Some(page.url.clone())
        });
        let mut kept: Vec<String> =
            kept.map(|it| url::Url::parse(&it).unwrap().path().to_owned()).collect();
        kept.sort();
        kept
    }
}
