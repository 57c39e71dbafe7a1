//! Services: the named kinds of tasks.

use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::job::Policy;

/// Names a service: 1 to 63 lower-case letters, digits, `.`, `_` or `-`,
/// starting with a letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ServiceName(String);

/// The service that crawls are leased under. Built in.
pub const CRAWL: &str = "crawl";
/// The service that reports are leased under. Built in.
pub const REPORT: &str = "report";

impl ServiceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Greffe keeps this name for itself.
    pub fn is_reserved(&self) -> bool {
        [CRAWL, REPORT].contains(&self.as_str())
    }

    /// The service that crawls are leased under.
    pub fn crawl() -> Self {
        Self(CRAWL.to_owned())
    }

    /// The service that reports are leased under.
    pub fn report() -> Self {
        Self(REPORT.to_owned())
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Borrow<str> for ServiceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceName {
    type Err = NotAServiceName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
        let bytes = text.as_bytes();
        let well_formed = bytes.len() < 64
            && bytes.first().is_some_and(|it| plain(*it))
            && bytes.iter().all(|it| plain(*it) || b"._-".contains(it));
        if well_formed { Ok(Self(text.to_owned())) } else { Err(NotAServiceName) }
    }
}

impl From<ServiceName> for String {
    fn from(name: ServiceName) -> Self {
        name.0
    }
}

impl TryFrom<String> for ServiceName {
    type Error = NotAServiceName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The text names no service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a service name is 1 to 63 lower-case letters, digits, `.`, `_` or `-`, \
     starting with a letter or a digit"
)]
pub struct NotAServiceName;

/// What a service is, apart from the schema of its bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What it is called.
    pub name: ServiceName,
    /// For humans, one sentence.
    pub description: String,
    /// What its jobs are created with.
    pub policy: Policy,
    /// How long after its creation a job may still end, in milliseconds.
    pub expiry_ms: u64,
}

#[cfg(test)]
mod tests;
