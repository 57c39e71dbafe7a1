//! What becomes of a page that was visited.

use domain::job::{DuplicateBy, Exclusion, Follow, KeptPage, PageOutcome, TextSlice, VisitedPage};
use tokio::time::Instant;
use url::Url;

use super::{Engine, patience::Advice};
use crate::crawl::{
    batch::PageText,
    corpus,
    frontier::Heard,
    link,
    visit::{Seen, Visit, Visited},
    web::Fault,
};

/// How many redirects one page may take.
const HOPS_MAX: u8 = 10;

/// The longest address that is shown as what the crawl is at, in bytes.
const LATEST_BYTES_MAX: usize = 200;

impl Engine {
    /// Takes in what came of a visit.
    pub(super) fn take_in(&mut self, number: u32, host: &str, visit: Visit) {
        let now = Instant::now();
        let advice = match &visit.seen {
            Seen::Later(fault) => Some(self.patience.advice(host, number, fault, now)),
            seen @ (Seen::Page(_) | Seen::Moved(_) | Seen::Excluded(_) | Seen::Failed(_)) => {
                if seen.is_an_answer() {
                    self.patience.answered(host, number);
                }
                None
            }
        };
        let rest = advice.and_then(|it| match it {
            Advice::Again(rest) | Advice::Enough(rest) => Some(rest),
            Advice::GiveUp => None,
        });
        self.hosts.done(host, visit.delay, rest, now);
        if let Some(entry) = self.frontier.get(number) {
            let end = entry.url.floor_char_boundary(LATEST_BYTES_MAX);
            self.latest = entry.url[..end].to_owned();
        }
        match visit.seen {
            Seen::Page(visited) => self.judge(number, &visited),
            Seen::Moved(to) => self.moved(number, to, now),
            Seen::Excluded(reason) => {
                self.settle(number, PageOutcome::Excluded { reason }, Vec::new());
            }
            Seen::Later(_) if matches!(advice, Some(Advice::Again(_))) => self.queue(number, now),
            Seen::Later(fault) => {
                if let Some(given_up) = self.patience.given_up(host).cloned() {
                    for waiting in self.hosts.drain(host) {
                        self.failed(waiting, given_up.clone());
                    }
                }
                self.failed(number, fault);
            }
            Seen::Failed(fault) => self.failed(number, fault),
        }
    }

    pub(super) fn failed(&mut self, number: u32, fault: Fault) {
        self.settle(number, fault.into(), Vec::new());
    }

    /// What is wrong with a seed is told when no seed could be had.
    pub(super) fn note_trouble(&mut self, number: u32, outcome: &PageOutcome) {
        if !self.is_seed(number) {
            return;
        }
        let trouble = match outcome {
            PageOutcome::Kept(_) | PageOutcome::Duplicate { .. } => return,
            PageOutcome::Excluded { reason } => reason.as_str().to_lowercase(),
            PageOutcome::Failed { error, message, .. } => format!("{error}, {message}"),
        };
        self.seed_troubles.insert(number, trouble);
    }

    /// A page that is elsewhere is visited there, unless that is another page.
    fn moved(&mut self, number: u32, to: Url, now: Instant) {
        match self.frontier.known(&to) {
            Some(of) if self.corpus.stands_for(of) == number => {
                let message = format!("the redirects lead back to {to}");
                self.failed(number, Fault::new("redirect_loop", message));
            }
            Some(of) => {
                let outcome = PageOutcome::Duplicate { of, by: DuplicateBy::Redirect };
                self.settle(number, outcome, Vec::new());
            }
            None if self.leaves_the_sites(number, &to) => {
                let outcome = PageOutcome::Excluded { reason: Exclusion::OtherSite };
                self.settle(number, outcome, Vec::new());
            }
            None if HOPS_MAX < self.frontier.moves(number, to) => {
                let message = format!("more than {HOPS_MAX} redirects");
                self.failed(number, Fault::new("too_many_redirects", message));
            }
            None => self.queue(number, now),
        }
    }

    fn judge(&mut self, number: u32, visited: &Visited) {
        let kept = kept(visited);
        if let Some((of, by)) = self.corpus.twin(&kept)
            && of != number
        {
            self.settle(number, PageOutcome::Duplicate { of, by }, Vec::new());
            return;
        }
        let outcome = PageOutcome::Kept(Box::new(kept));
        let page = VisitedPage { number, outcome, links: Vec::new() };
        // Its links are ranked by how relevant it is.
        self.corpus.take_in(&page);
        self.frontier.leads_to(visited.url.as_str(), number);
        self.note_seed_site(number, visited.url.as_str());
        let links = self.follow(number, visited);
        let text = PageText {
            number,
            url: visited.url.as_str(),
            title: visited.page.title.as_deref(),
            text: &visited.page.text,
            media: &visited.page.media,
            terms: &visited.page.relevance.terms,
        };
        self.frontier.settles(number);
        self.under_way.remove(&number);
        self.batches.visited(VisitedPage { links, ..page }, Some(&text), Instant::now());
    }

    /// The pages that it links to, as far as they are taken down. Links of an
    /// irrelevant page, or one that is far enough away, lead to nothing new.
    fn follow(&mut self, number: u32, visited: &Visited) -> Vec<u32> {
        let depth = self.frontier.get(number).map_or(u16::MAX, |it| it.depth);
        let onward = 0 < visited.page.relevance.score && depth < self.spec.depth;
        let (mut links, now) = (Vec::new(), Instant::now());
        for url in &visited.page.links {
            let heard = if onward && self.may_follow(url) {
                self.frontier.hear(url, depth + 1, number)
            } else {
                self.frontier.known(url).map_or(Heard::Passed, Heard::Known)
            };
            match heard {
                Heard::New(found) => {
                    self.note_found(found, now);
                    self.queue(found, now);
                    links.push(found);
                }
                Heard::Known(known) if known != number => links.push(known),
                Heard::Known(_) | Heard::Passed => {}
            }
        }
        links.sort_unstable();
        links.dedup();
        links
    }

    /// A seed may lead elsewhere; what it is there belongs to the crawl.
    pub(super) fn note_seed_site(&mut self, number: u32, url: &str) {
        if self.is_seed(number)
            && let Ok(url) = Url::parse(url)
        {
            self.seed_sites.insert(link::site(&url).to_owned());
        }
    }

    fn leaves_the_sites(&self, number: u32, to: &Url) -> bool {
        !self.is_seed(number) && !self.may_follow(to)
    }

    fn is_seed(&self, number: u32) -> bool {
        self.frontier.get(number).is_some_and(|it| it.from.is_none())
    }

    pub(in crate::crawl) fn may_follow(&self, url: &Url) -> bool {
        match self.spec.follow {
            Follow::Relevant => true,
            Follow::SeedHosts => self.seed_sites.contains(link::site(url)),
        }
    }

    /// The crawl is done with a page that is not kept.
    fn settle(&mut self, number: u32, outcome: PageOutcome, links: Vec<u32>) {
        if self.under_way.remove(&number)
            && let PageOutcome::Failed { error, .. } = &outcome
            && !corpus::is_visited(error)
        {
            // Another may be instead.
            self.started -= 1;
        }
        let page = VisitedPage { number, outcome, links };
        self.note_trouble(number, &page.outcome);
        self.corpus.take_in(&page);
        self.frontier.settles(number);
        self.batches.visited(page, None, Instant::now());
    }
}

fn kept(visited: &Visited) -> KeptPage {
    let page = &visited.page;
    KeptPage {
        url: visited.url.to_string(),
        status: visited.status,
        media_type: visited.media_type.clone(),
        bytes: visited.bytes,
        title: page.title.clone(),
        description: page.description.clone(),
        language: page.language.clone(),
        canonical: page.canonical.as_ref().map(Url::to_string),
        published_at: page.published_at,
        words: page.words,
        relevance: page.relevance.score,
        content: page.content,
        text: TextSlice { offset: 0, bytes: 0 },
        media: u32::try_from(page.media.len()).unwrap_or(u32::MAX),
    }
}
