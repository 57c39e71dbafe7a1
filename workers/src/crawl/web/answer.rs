//! What came of a request.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use domain::job::{Exclusion, PageOutcome};
use reqwest::StatusCode;
use url::Url;

use crate::crawl::{
    corpus,
    resolve::{PrivateAddress, Unresolved, cause},
};

/// What came of a request for a page.
#[derive(Debug)]
pub(in crate::crawl) enum Answer {
    /// The page.
    Document(Document),
    /// It is elsewhere.
    Moved(Url),
    /// It is there, and is not for us.
    Excluded(Exclusion),
    /// It could not be had.
    Failed(Fault),
}

/// A page as it came.
#[derive(Debug)]
pub(in crate::crawl) struct Document {
    pub(in crate::crawl) status: u16,
    pub(in crate::crawl) media_type: String,
    pub(in crate::crawl) charset: Option<String>,
    pub(in crate::crawl) body: Bytes,
}

/// Why a page could not be had.
#[derive(Clone, Debug)]
pub(in crate::crawl) struct Fault {
    pub(in crate::crawl) status: Option<u16>,
    pub(in crate::crawl) error: String,
    pub(in crate::crawl) message: String,
    /// When to come back, if the server says so.
    pub(in crate::crawl) retry_after: Option<Duration>,
}

impl Answer {
    pub(super) fn from_error(error: &reqwest::Error) -> Self {
        if cause::<PrivateAddress>(error).is_some() {
            return Self::Excluded(Exclusion::PrivateAddress);
        }
        Self::Failed(Fault::of(error))
    }

    /// What went wrong, if something did.
    pub(super) fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Failed(fault) => Some(fault),
            Self::Document(_) | Self::Moved(_) | Self::Excluded(_) => None,
        }
    }
}

impl Fault {
    pub(in crate::crawl) fn new(error: &str, message: impl Into<String>) -> Self {
        let (error, message) = (error.to_owned(), message.into());
        Self { status: None, error, message, retry_after: None }
    }

    pub(in crate::crawl) fn bad_url() -> Self {
        Self::new("bad_url", "this is no address of a page")
    }

    pub(super) fn bad_redirect(status: StatusCode) -> Self {
        let message = "the server says that it is elsewhere, and not where";
        Self { status: Some(status.as_u16()), ..Self::new("bad_redirect", message) }
    }

    pub(in crate::crawl) fn robots_unavailable(
        status: Option<u16>,
        retry_after: Option<Duration>,
    ) -> Self {
        let message = "the site's robots.txt cannot be had, so nothing is fetched from it";
        Self { status, retry_after, ..Self::new("robots_unavailable", message) }
    }

    pub(super) fn status(status: StatusCode, retry_after: Option<Duration>) -> Self {
        let status = status.as_u16();
        let fault = Self::new(&format!("http_{status}"), format!("the server answered {status}"));
        Self { status: Some(status), retry_after, ..fault }
    }

    pub(super) fn of(error: &reqwest::Error) -> Self {
        if cause::<Unresolved>(error).is_some() {
            return Self::new("dns", "the name of the host does not resolve");
        }
        if error.is_timeout() {
            return Self::new("timeout", "the server took too long to answer");
        }
        if let Some(error) = cause::<rustls::Error>(error) {
            return Self::new("tls", format!("no safe connection: {error}"));
        }
        let root = std::iter::successors(error.source(), |&it| it.source()).last();
        let root = root.map(|it| format!(": {it}")).unwrap_or_default();
        if error.is_connect() {
            return Self::new("connect", format!("no connection to the server{root}"));
        }
        Self::new("interrupted", format!("the answer ended in the middle{root}"))
    }

    /// Whether it may be gone in a moment.
    pub(super) fn is_worth_another_try(&self) -> bool {
        self.is_momentary() && !self.wants_rest()
    }

    /// Whether the host is to be left alone before it is asked for anything.
    pub(in crate::crawl) fn wants_rest(&self) -> bool {
        self.is_momentary() && (self.status == Some(429) || self.retry_after.is_some())
    }

    fn is_momentary(&self) -> bool {
        matches!(self.status, Some(429 | 502..=504))
            || matches!(self.error.as_str(), "timeout" | "interrupted" | "robots_unavailable")
    }

    /// Whether a site of which no robots.txt can be had for this is to be asked
    /// for it again. A name that does not resolve may do so in a moment.
    pub(in crate::crawl) fn may_pass(&self) -> bool {
        self.error == "dns" || corpus::is_passing(self.status, &self.error)
    }
}

impl From<Fault> for PageOutcome {
    fn from(fault: Fault) -> Self {
        let Fault { status, error, mut message, .. } = fault;
        message.truncate(message.floor_char_boundary(1_000));
        Self::Failed { status, error, message: message.replace('\0', "\u{FFFD}") }
    }
}
