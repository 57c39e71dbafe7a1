//! A visit to one page: may it be fetched, what is there, and what does it say.

use std::{
    num::NonZero,
    sync::{Arc, LazyLock},
    thread::available_parallelism,
    time::Duration,
};

use domain::job::Exclusion;
use moka::{policy::EvictionPolicy, sync::Cache};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::Instant,
};
use url::Url;

use super::{
    Settings, charset,
    page::{self, Page, TooComplex},
    relevance::Dictionary,
    robots::Robots,
    web::{Answer, Document, Fault, Web},
};

/// Who may take a page apart: one for each processor, whatever the number of
/// crawls. More would not be done sooner, and each takes many times the memory
/// of its page.
static PROCESSORS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));

/// Of how many sites the rules are kept. A site that was forgotten is asked
/// again.
const SITES_MAX: u64 = 1_000;

/// Visits pages for one crawl.
pub(super) struct Visitor {
    web: Web,
    dictionary: Arc<Dictionary>,
    settings: Arc<Settings>,
    /// What each site asks of us, once it has been asked.
    robots: Cache<String, Asked>,
}

/// What a site has answered, or will.
type Asked = Arc<OnceCell<Rules>>;

/// What the robots.txt of a site is.
enum Rules {
    Robots(Robots),
    /// It cannot be asked for: the site's pages cannot be had either.
    Excluded(Exclusion),
    Failed(Fault),
    /// The site does not want to be asked now. It may be again from then on.
    Later(Fault, Instant),
}

/// What came of a visit.
pub(super) struct Visit {
    pub(super) seen: Seen,
    /// How long the site wants to be left alone between two visits.
    pub(super) delay: Option<Duration>,
}

/// What was there.
pub(super) enum Seen {
    Page(Box<Visited>),
    Moved(Url),
    Excluded(Exclusion),
    Failed(Fault),
    /// The host does not want to be asked now.
    Later(Fault),
}

impl Seen {
    /// Whether the host has answered.
    pub(super) fn is_an_answer(&self) -> bool {
        match self {
            Self::Page(_) | Self::Moved(_) => true,
            Self::Excluded(it) => !matches!(it, Exclusion::Robots | Exclusion::PrivateAddress),
            Self::Failed(fault) => fault.status.is_some(),
            Self::Later(_) => false,
        }
    }
}

/// A page that was there.
pub(super) struct Visited {
    pub(super) url: Url,
    pub(super) status: u16,
    pub(super) media_type: String,
    pub(super) bytes: u64,
    pub(super) page: Page,
}

impl Visitor {
    pub(super) fn new(web: Web, dictionary: Arc<Dictionary>, settings: Arc<Settings>) -> Self {
        let robots = Cache::builder().eviction_policy(EvictionPolicy::lru());
        Self { web, dictionary, settings, robots: robots.max_capacity(SITES_MAX).build() }
    }

    /// Visits a page.
    pub(super) async fn visit(&self, url: Url) -> Visit {
        let asked = self.asked(&url);
        // Once, however many pages of the site are visited at a time.
        let robots = match asked.get_or_init(|| self.rules(&url)).await {
            Rules::Robots(robots) => robots,
            Rules::Excluded(it) => return Seen::Excluded(*it).into(),
            Rules::Failed(it) => return Seen::Failed(it.clone()).into(),
            Rules::Later(it, _) => return Seen::Later(it.clone()).into(),
        };
        let delay = robots.delay();
        let seen = if robots.allows(url.as_str()) {
            self.look(url).await
        } else {
            Seen::Excluded(Exclusion::Robots)
        };
        Visit { seen, delay }
    }

    /// A fault that may pass is kept while the site is left alone for it, so that
    /// no page that is on its way asks once more.
    fn asked(&self, url: &Url) -> Asked {
        let (origin, now) = (url.origin().ascii_serialization(), Instant::now());
        let is_over =
            |it: &Asked| matches!(it.get(), Some(Rules::Later(_, until)) if *until <= now);
        self.robots.entry(origin).or_insert_with_if(Arc::default, is_over).into_value()
    }

    async fn rules(&self, url: &Url) -> Rules {
        let fault = match self.web.robots(url).await {
            Ok(robots) => return Rules::Robots(robots),
            Err(Answer::Excluded(it)) => return Rules::Excluded(it),
            Err(Answer::Failed(it)) => it,
            Err(Answer::Document(_) | Answer::Moved(_)) => Fault::robots_unavailable(None, None),
        };
        if !fault.may_pass() {
            return Rules::Failed(fault);
        }
        // It is left alone for at least as long.
        let Settings { rest_first, rest_max, .. } = *self.settings;
        let rest = fault.retry_after.unwrap_or(rest_first).min(rest_max);
        Rules::Later(fault, Instant::now() + rest)
    }

    async fn look(&self, url: Url) -> Seen {
        let document = match self.web.page(&url).await {
            Answer::Document(document) => document,
            Answer::Moved(to) => return Seen::Moved(to),
            Answer::Excluded(it) => return Seen::Excluded(it),
            Answer::Failed(it) if it.wants_rest() => return Seen::Later(it),
            Answer::Failed(it) => return Seen::Failed(it),
        };
        // Taking a page apart is work: others are not to wait for it.
        let processor = PROCESSORS.acquire().await.expect("nobody closes it");
        let dictionary = Arc::clone(&self.dictionary);
        let read = tokio::task::spawn_blocking(move || {
            // Until it is done, even if nobody waits for it any more.
            let _processor = processor;
            read(document, url, &dictionary)
        });
        read.await.unwrap_or_else(|_| {
            Seen::Failed(Fault::new("unreadable", "taking the page apart went wrong"))
        })
    }
}

fn read(document: Document, url: Url, dictionary: &Dictionary) -> Seen {
    let Document { status, media_type, charset, body } = document;
    let text = charset::decode(&body, charset.as_deref());
    let page = if media_type == "text/plain" {
        Ok(page::of_text(&text, None, None, dictionary))
    } else {
        page::of_html(&text, &url, dictionary)
    };
    match page {
        Ok(page) if page.is_private => Seen::Excluded(Exclusion::NoIndex),
        Ok(page) => {
            let bytes = body.len() as u64;
            Seen::Page(Box::new(Visited { url, status, media_type, bytes, page }))
        }
        Err(TooComplex) => {
            let message = "the page nests too deep, or is too much, to be taken apart";
            Seen::Failed(Fault { status: Some(status), ..Fault::new("too_complex", message) })
        }
    }
}

impl From<Seen> for Visit {
    fn from(seen: Seen) -> Self {
        Self { seen, delay: None }
    }
}
