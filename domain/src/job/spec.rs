//! What is to be done, by kind of job.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limit;
use crate::{LandId, Refusal, artifact::Sha256, service::ServiceName};

/// The largest body, result or other JSON that an event may hold, in bytes.
pub const JSON_BYTES_MAX: usize = 256 * 1024;

/// All seeds of a crawl together, in bytes of JSON.
const SEEDS_BYTES_MAX: usize = 2 * JSON_BYTES_MAX;

/// What is to be done, by kind of job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Spec {
    /// Work of a named service, done by an outside worker.
    Task(TaskSpec),
    /// Web pages to fetch, done by Greffe.
    Crawl(CrawlSpec),
    /// A document to write, done by Greffe.
    Report(ReportSpec),
}

/// Work of a named service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Which service.
    pub service: ServiceName,
    /// What the service is told. Satisfies the service's schema.
    pub body: Value,
}

/// Web pages to fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrawlSpec {
    /// The land that the pages belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub land: Option<LandId>,
    /// Where to start, as URLs.
    pub seeds: Vec<String>,
    /// The words and phrases that make a page relevant.
    pub terms: Vec<String>,
    /// How many links away from a seed a page may be.
    pub depth: u16,
    /// How many pages at most.
    pub pages_max: u32,
    /// The languages that the terms are in, as two letters. Says how a page is
    /// read whose own language is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Which links are followed.
    #[serde(default, skip_serializing_if = "Follow::is_default")]
    pub follow: Follow,
}

/// Which links a crawl follows. Those of irrelevant pages it never does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// Those of relevant pages, wherever they lead.
    #[default]
    Relevant,
    /// Of these, those that stay on the hosts of the seeds.
    SeedHosts,
}

impl Follow {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A document to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportSpec {
    /// The DOCX with the placeholders.
    pub template: Sha256,
    /// The files to draw from.
    pub sources: Vec<Sha256>,
}

/// What is to be done, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobKind {
    /// See [`TaskSpec`].
    Task,
    /// See [`CrawlSpec`].
    Crawl,
    /// See [`ReportSpec`].
    Report,
}

impl Spec {
    /// Which kind it is.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Task(_) => JobKind::Task,
            Self::Crawl(_) => JobKind::Crawl,
            Self::Report(_) => JobKind::Report,
        }
    }

    /// The service that it is leased under.
    pub fn service(&self) -> ServiceName {
        match self {
            Self::Task(task) => task.service.clone(),
            Self::Crawl(_) => ServiceName::crawl(),
            Self::Report(_) => ServiceName::report(),
        }
    }
}

impl TaskSpec {
    /// Refuses what cannot be kept, or is not for tasks.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.service.is_reserved() {
            return Err(Refusal::invalid("service", "not one that is built in"));
        }
        limit::json("body", &self.body, JSON_BYTES_MAX)
    }
}

impl CrawlSpec {
    /// Refuses a crawl that could not start or never end.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.seeds.is_empty() || 10_000 < self.seeds.len() {
            return Err(Refusal::invalid("seeds", "between 1 and 10000 of them"));
        }
        if self.terms.is_empty() || 1_000 < self.terms.len() {
            return Err(Refusal::invalid("terms", "between 1 and 1000 of them"));
        }
        for term in &self.terms {
            if term.trim().is_empty() {
                return Err(Refusal::invalid("terms", "none of them blank"));
            }
            limit::text("terms", term, 1_024)?;
        }
        for seed in &self.seeds {
            let web = seed.starts_with("http://") || seed.starts_with("https://");
            if !web {
                return Err(Refusal::invalid("seeds", "http or https URLs"));
            }
            limit::text("seeds", seed, 2_048)?;
        }
        limit::size("seeds", &self.seeds, SEEDS_BYTES_MAX)?;
        limit::size("terms", &self.terms, JSON_BYTES_MAX)?;
        if 100 < self.languages.len() || !self.languages.iter().all(|it| is_language(it)) {
            return Err(Refusal::invalid("languages", "codes of two lower-case letters"));
        }
        if self.pages_max == 0 {
            return Err(Refusal::invalid("limit", "at least 1"));
        }
        Ok(())
    }
}

fn is_language(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|it| it.is_ascii_lowercase())
}

impl ReportSpec {
    /// Refuses a report that would have nothing to draw from.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.sources.is_empty() || 1_000 < self.sources.len() {
            return Err(Refusal::invalid("sources", "between 1 and 1000 of them"));
        }
        Ok(())
    }
}

impl JobKind {
    /// As tables and the API write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Task => "TASK",
            Self::Crawl => "CRAWL",
            Self::Report => "REPORT",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Task, Self::Crawl, Self::Report].into_iter().find(|it| it.as_str() == text)
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
