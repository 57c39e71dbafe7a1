//! The pages that a crawl has heard of, each once, under the number that it was
//! found with. Rebuilt from what is recorded; pure.

use std::{collections::HashMap, sync::Arc};

use domain::job::FoundPage;
use url::Url;

use super::link;

/// Where discovery ends, whatever the links say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How many pages are taken down.
    pub(super) found_max: u32,
    /// How many of one host.
    pub(super) of_host_max: u32,
}

/// The pages that a crawl has heard of.
#[derive(Debug)]
pub(super) struct Frontier {
    bounds: Bounds,
    pages: Vec<Entry>,
    /// Each page by its address, and by those that lead to it.
    seen: HashMap<Arc<str>, u32>,
    by_host: HashMap<String, u32>,
}

/// A page that a crawl has heard of.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where it is, or what somebody took for that.
    pub(super) url: Arc<str>,
    pub(super) depth: u16,
    pub(super) from: Option<u32>,
    /// Where its redirects have led.
    pub(super) moved: Option<Box<Moved>>,
}

/// Where the redirects of a page have led.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    pub(super) to: Url,
    pub(super) hops: u8,
}

/// Whether a page is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It has this number now.
    New(u32),
    /// It had this number already.
    Known(u32),
    /// It is not taken down.
    Passed,
}

impl Frontier {
    pub(super) fn new(bounds: Bounds) -> Self {
        let (pages, seen, by_host) = (Vec::new(), HashMap::new(), HashMap::new());
        Self { bounds, pages, seen, by_host }
    }

    /// How many pages have been found.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&self, number: u32) -> Option<&Entry> {
        self.pages.get(number as usize)
    }

    /// The page at this address.
    pub(super) fn known(&self, url: &Url) -> Option<u32> {
        self.seen.get(url.as_str()).copied()
    }

    /// Takes a seed down, whatever it is: nobody is to wonder where it went.
    pub(super) fn seed(&mut self, written: &str) -> Heard {
        let url = link::parse(written);
        let url = url.as_ref().map_or(written, Url::as_str);
        if let Some(known) = self.seen.get(url) {
            return Heard::Known(*known);
        }
        self.add(url, 0, None)
    }

    /// Takes the target of a link down, within bounds.
    pub(super) fn hear(&mut self, url: &Url, depth: u16, from: u32) -> Heard {
        if let Some(known) = self.known(url) {
            return Heard::Known(known);
        }
        let host = link::site(url);
        let of_host = self.by_host.get(host).copied().unwrap_or_default();
        if self.bounds.found_max <= self.len()
            || self.bounds.of_host_max <= of_host
            || link::is_trap(url)
        {
            return Heard::Passed;
        }
        self.add(url.as_str(), depth, Some(from))
    }

    /// Takes down a page that is on record.
    pub(super) fn recall(&mut self, page: &FoundPage) {
        self.add(&page.url, page.depth, page.from);
    }

    /// Notes that an address leads to a page, unless it has one of its own.
    pub(super) fn leads_to(&mut self, url: &str, number: u32) {
        self.seen.entry(url.into()).or_insert(number);
    }

    /// Notes where a redirect of the page leads. How many there have been.
    pub(super) fn moves(&mut self, number: u32, to: Url) -> u8 {
        let Some(entry) = self.pages.get_mut(number as usize) else { return 0 };
        let hops = entry.moved.as_ref().map_or(0, |it| it.hops).saturating_add(1);
        self.seen.entry(to.as_str().into()).or_insert(number);
        entry.moved = Some(Box::new(Moved { to, hops }));
        hops
    }

    /// Forgets where redirects have led: the page is done with.
    pub(super) fn settles(&mut self, number: u32) {
        if let Some(entry) = self.pages.get_mut(number as usize) {
            entry.moved = None;
        }
    }

    fn add(&mut self, url: &str, depth: u16, from: Option<u32>) -> Heard {
        let (number, url) = (self.len(), Arc::<str>::from(url));
        if let Ok(parsed) = Url::parse(&url) {
            *self.by_host.entry(link::site(&parsed).to_owned()).or_default() += 1;
        }
        self.seen.insert(Arc::clone(&url), number);
        self.pages.push(Entry { url, depth, from, moved: None });
        Heard::New(number)
    }
}
