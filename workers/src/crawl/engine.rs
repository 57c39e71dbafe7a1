//! A crawl, from its seeds to its end: what is fetched next, what becomes of
//! what was fetched, and when it is over. What it has to say it says in batches;
//! from those of an earlier attempt it goes on.

mod judge;
mod patience;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use domain::job::{CrawlSpec, FoundPage, JobError, PageOutcome, PagesVisited, Progress};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    Settings,
    batch::{Batch, Batches},
    corpus::{Corpus, Fate},
    frontier::{Bounds, Frontier, Heard},
    hosts::{Hosts, Next, Pace, Rank},
    link,
    relevance::Dictionary,
    visit::{Visit, Visitor},
    web::{Fault, Web},
};
use patience::Patience;

/// How many pages are taken down for each that may be visited.
const FOUND_PER_VISIT: u32 = 10;

/// What may be taken down whatever the limit.
const FOUND_MIN: u32 = 1_000;

/// A crawl.
pub(super) struct Engine {
    spec: CrawlSpec,
    settings: Arc<Settings>,
    visitor: Arc<Visitor>,
    pub(super) frontier: Frontier,
    pub(super) corpus: Corpus,
    hosts: Hosts,
    batches: Batches,
    in_flight: JoinSet<(u32, String, Visit)>,
    /// How many pages have been sent for, but for those that were not visited
    /// then.
    started: u32,
    /// Those of them that the crawl is not done with: on their way, or to be sent
    /// for again, or at another address.
    under_way: HashSet<u32>,
    patience: Patience,
    seeds: u32,
    seed_sites: HashSet<String>,
    /// What is wrong with seeds, by number.
    seed_troubles: BTreeMap<u32, String>,
    latest: String,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// There is nothing left to visit, or no more may be.
    Finished,
    /// It was told to stop, or nobody listens any more.
    Stopped,
}

impl Engine {
    pub(super) fn new(
        spec: CrawlSpec,
        settings: Arc<Settings>,
        web: Web,
        dictionary: Arc<Dictionary>,
    ) -> Self {
        let found_max = spec.pages_max.saturating_mul(FOUND_PER_VISIT).max(FOUND_MIN);
        let found_max = found_max.min(settings.found_max);
        let bounds = Bounds { found_max, of_host_max: settings.pages_of_host_max };
        let seeds = spec.seeds.iter().filter_map(|it| link::parse(it));
        let pace = Pace {
            at_once: settings.at_once_per_host,
            delay: settings.delay,
            delay_max: settings.delay_max,
        };
        let Settings { rest_first, rest_max, retries, .. } = *settings;
        Self {
            seed_sites: seeds.map(|it| link::site(&it).to_owned()).collect(),
            spec,
            visitor: Arc::new(Visitor::new(web, dictionary, Arc::clone(&settings))),
            settings,
            frontier: Frontier::new(bounds),
            corpus: Corpus::default(),
            hosts: Hosts::new(pace),
            batches: Batches::default(),
            in_flight: JoinSet::new(),
            started: 0,
            under_way: HashSet::new(),
            patience: Patience::new(rest_first, rest_max, retries),
            seeds: 0,
            seed_troubles: BTreeMap::new(),
            latest: String::new(),
        }
    }

    /// Takes in what an earlier attempt has recorded, in the order of the
    /// record.
    pub(super) fn recall(&mut self, pages: &PagesVisited) {
        for page in &pages.found {
            self.frontier.recall(page);
        }
        for page in &pages.visited {
            self.corpus.take_in(page);
            self.note_trouble(page.number, &page.outcome);
            if let PageOutcome::Kept(kept) = &page.outcome {
                self.frontier.leads_to(&kept.url, page.number);
                self.note_seed_site(page.number, &kept.url);
            }
        }
    }

    /// Crawls until there is nothing left or `stop`; hands out what is to be
    /// recorded.
    pub(super) async fn run(&mut self, out: mpsc::Sender<Batch>, stop: &CancellationToken) -> End {
        self.set_out(Instant::now());
        loop {
            let wake = self.send_for_pages(Instant::now());
            if self.in_flight.is_empty() && wake.is_none() {
                return self.hand_out(&out, true).await.map_or(End::Stopped, |()| End::Finished);
            }
            let due = self.batches.due().into_iter().chain(wake).min();
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.in_flight.abort_all();
                    // Whether or not anybody listens: it has stopped.
                    let _ = self.hand_out(&out, true).await;
                    return End::Stopped;
                }
                Some(visited) = self.in_flight.join_next() => match visited {
                    Ok((number, host, visit)) => self.take_in(number, &host, visit),
                    // A fault of ours: whoever holds the lease tells of it.
                    Err(error) => match error.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        Err(_) => return End::Stopped,
                    },
                },
                () = until(due) => {}
            }
            if self.hand_out(&out, false).await.is_err() {
                self.in_flight.abort_all();
                return End::Stopped;
            }
        }
    }

    /// Why the crawl has come to nothing, if it has: none of its seeds has led to
    /// a page, and so there was nothing to follow either.
    pub(super) fn failure(&self) -> Option<JobError> {
        if self.seeds == 0 || 0 < self.corpus.kept {
            return None;
        }
        let visited = (0..self.seeds).filter(|it| self.corpus.fate(*it).is_some()).count();
        let beyond = if (visited as u64) < u64::from(self.seeds) {
            format!(" (the limit allowed for {visited} of them)")
        } else {
            String::new()
        };
        let trouble = self.seed_troubles.first_key_value().map(|(number, trouble)| {
            let url = self.frontier.get(*number).map_or("", |it| &it.url);
            format!("; {url}: {trouble}")
        });
        let trouble = trouble.unwrap_or_default();
        Some(JobError {
            error_type: "NoSeed".to_owned(),
            message: format!("none of {} seeds could be had{beyond}{trouble}", self.seeds),
            detail: None,
            retryable: self.passing_seeds().next().is_some(),
        })
    }

    /// The pages that seeds have led to and that another try may find mended.
    fn passing_seeds(&self) -> impl Iterator<Item = u32> {
        let ends = (0..self.seeds).map(|it| self.corpus.stands_for(it));
        let passing = |it| matches!(it, Some(Fate::Failed { passing: true, .. }));
        ends.filter(move |it| passing(self.corpus.fate(*it)))
    }

    /// How far it has come.
    fn progress(&self) -> Progress {
        let done = self.corpus.done();
        let total = self.spec.pages_max.min(self.frontier.len()).max(done);
        let message = Some(self.latest.clone()).filter(|it| !it.is_empty());
        Progress { done: done.into(), total: Some(total.into()), message }
    }

    /// Takes the seeds down, and has every page wait that is still to be
    /// visited.
    fn set_out(&mut self, now: Instant) {
        let mut numbers = HashSet::new();
        for seed in self.spec.seeds.clone() {
            match self.frontier.seed(&seed) {
                Heard::New(number) => {
                    numbers.insert(number);
                    self.note_found(number, now);
                }
                Heard::Known(number) => {
                    numbers.insert(number);
                }
                Heard::Passed => {}
            }
        }
        self.seeds = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        self.seed_troubles.retain(|number, _| *number < self.seeds);
        if self.failure().is_some() {
            // Another attempt is there to find them mended.
            for seed in self.passing_seeds().collect::<Vec<_>>() {
                self.corpus.forget_failure(seed);
                self.seed_troubles.remove(&seed);
            }
        }
        self.started = self.corpus.visited();
        for number in 0..self.frontier.len() {
            if self.corpus.fate(number).is_none() {
                self.queue(number, now);
            }
        }
    }

    fn note_found(&mut self, number: u32, now: Instant) {
        let Some(entry) = self.frontier.get(number) else { return };
        let (url, depth, from) = (entry.url.to_string(), entry.depth, entry.from);
        self.batches.found(FoundPage { number, url, depth, from }, now);
    }

    /// Has a page wait for its host.
    fn queue(&mut self, number: u32, now: Instant) {
        let Some(entry) = self.frontier.get(number) else { return };
        let relevance = entry.from.and_then(|it| match self.corpus.fate(it) {
            Some(Fate::Kept { relevance }) => Some(relevance),
            Some(Fate::Duplicate { .. } | Fate::Excluded | Fate::Failed { .. }) | None => None,
        });
        let relevance = Reverse(relevance.unwrap_or_default());
        let is_new = !self.under_way.contains(&number);
        let rank = Rank { is_new, depth: entry.depth, relevance, number };
        let Some(url) = self.address(number) else {
            return self.failed(number, Fault::bad_url());
        };
        let host = host_of(&url);
        match self.patience.given_up(&host) {
            Some(fault) => self.failed(number, fault.clone()),
            None => self.hosts.push(&host, rank, now),
        }
    }

    /// Where the page is, as far as its redirects have told.
    fn address(&self, number: u32) -> Option<Url> {
        let entry = self.frontier.get(number)?;
        match &entry.moved {
            Some(moved) => Some(moved.to.clone()),
            None => link::parse(&entry.url),
        }
    }

    /// Sends for as many pages as may be fetched at once. When to look again,
    /// if there are more and their hosts want to be left alone.
    fn send_for_pages(&mut self, now: Instant) -> Option<Instant> {
        while self.in_flight.len() < self.settings.at_once {
            // When the limit is reached, the others stay found: if one of those
            // under way turns out not to be had, the next goes in its place.
            let may_begin = self.started < self.spec.pages_max;
            if !may_begin && self.under_way.len() <= self.in_flight.len() {
                return None;
            }
            match self.hosts.next(may_begin, now) {
                Next::Page(number) => self.send_for(number),
                Next::Wait(until) => return Some(until),
                Next::Nothing => return None,
            }
        }
        None
    }

    fn send_for(&mut self, number: u32) {
        let Some(url) = self.address(number) else { return };
        let host = host_of(&url);
        if self.under_way.insert(number) {
            self.started += 1;
        }
        let visitor = Arc::clone(&self.visitor);
        self.in_flight.spawn(async move { (number, host, visitor.visit(url).await) });
    }

    /// Hands out what is due; with `all`, everything.
    async fn hand_out(&mut self, out: &mpsc::Sender<Batch>, all: bool) -> Result<(), Unheard> {
        while let Some(mut batch) = self.batches.take(Instant::now(), all) {
            batch.progress = Some(self.progress());
            out.send(batch).await.map_err(|_| Unheard)?;
        }
        Ok(())
    }
}

/// Nobody listens any more.
struct Unheard;

/// Whom one asks for the page.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("{host}:{}", url.port_or_known_default().unwrap_or_default())
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
