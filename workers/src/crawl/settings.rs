//! What an operator can decide about crawls.

use std::{sync::Arc, time::Duration};

use super::{Allowed, robots};

/// What an operator can decide about crawls.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where a webmaster reads who is crawling. Named in every request.
    pub about: Option<String>,
    /// Which private addresses may be connected to. None, if not said.
    pub allowed: Arc<Allowed>,
    /// How many pages of one crawl are fetched at once.
    pub at_once: usize,
    /// How many of them of one host.
    pub at_once_per_host: usize,
    /// How long between the starts of two requests to a host.
    pub delay: Duration,
    /// How much longer than that a host may ask for.
    pub delay_max: Duration,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a page may take from the first word to the last.
    pub timeout: Duration,
    /// The longest page, uncompressed.
    pub page_bytes_max: usize,
    /// How often a request is repeated whose fault may pass, and how often a page
    /// is asked for again whose host wanted to be left alone.
    pub retries: u32,
    /// How long to wait before the first repetition. Doubles each time.
    pub backoff_first: Duration,
    /// How long to wait at most.
    pub backoff_max: Duration,
    /// How long a host is left alone that does not want to be asked now, if it
    /// does not say how long. Doubles each time.
    pub rest_first: Duration,
    /// How long at most, whatever it says.
    pub rest_max: Duration,
    /// How many pages a crawl takes down, whatever its limit: they are in memory.
    pub found_max: u32,
    /// How many pages of one host a crawl takes down.
    pub pages_of_host_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            about: None,
            allowed: Arc::default(),
            at_once: 32,
            at_once_per_host: 2,
            delay: Duration::from_millis(500),
            delay_max: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            page_bytes_max: 10 * 1024 * 1024,
            retries: 3,
            backoff_first: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            rest_first: Duration::from_secs(2),
            rest_max: Duration::from_mins(10),
            found_max: 500_000,
            pages_of_host_max: 100_000,
        }
    }
}

impl Settings {
    /// How we call ourselves.
    pub(super) fn user_agent(&self) -> String {
        let about = self.about.as_ref().map(|it| format!(" (+{it})")).unwrap_or_default();
        format!("{}/{}{about}", robots::AGENT, env!("CARGO_PKG_VERSION"))
    }
}
