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
    /// The file with everything else that it is to be written from, which may
    /// be personal: a [`ReportInput`](crate::report::ReportInput).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Sha256>,
    /// Who is to write.
    #[serde(default, skip_serializing_if = "WriterChoice::is_auto")]
    pub writer: WriterChoice,
    /// How many passages a field is written from at most, if not as usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passages_max: Option<u16>,
}

/// Who is to write a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriterChoice {
    /// A language model if one can be asked, else Greffe itself.
    #[default]
    Auto,
    /// A language model, or nobody.
    Ollama,
    /// Greffe itself.
    Extractive,
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
        if self.seeds.is_empty() {
            return Err(Refusal::invalid("seeds", "at least one"));
        }
        if self.terms.is_empty() {
            return Err(Refusal::invalid("terms", "at least one"));
        }
        Self::check_terms(&self.terms)?;
        Self::check_addresses("seeds", &self.seeds)?;
        Self::check_languages(&self.languages)?;
        if self.pages_max == 0 {
            return Err(Refusal::invalid("limit", "at least 1"));
        }
        Ok(())
    }

    /// Refuses terms that could not be looked for.
    pub(crate) fn check_terms(terms: &[String]) -> Result<(), Refusal> {
        if 1_000 < terms.len() {
            return Err(Refusal::invalid("terms", "at most 1000 of them"));
        }
        for term in terms {
            // Texts are compared by their words: without one, no page is relevant.
            if !term.contains(char::is_alphanumeric) {
                return Err(Refusal::invalid("terms", "each with a letter or a digit"));
            }
            limit::text("terms", term, 1_024)?;
        }
        limit::size("terms", terms, JSON_BYTES_MAX)
    }

    /// Refuses addresses that no crawl could start from.
    pub(crate) fn check_addresses(field: &'static str, urls: &[String]) -> Result<(), Refusal> {
        if 10_000 < urls.len() {
            return Err(Refusal::invalid(field, "at most 10000 of them"));
        }
        for url in urls {
            let web = url.starts_with("http://") || url.starts_with("https://");
            if !web {
                return Err(Refusal::invalid(field, "http or https URLs"));
            }
            limit::text(field, url, 2_048)?;
        }
        limit::size(field, urls, SEEDS_BYTES_MAX)
    }

    /// Refuses what is no language.
    pub(crate) fn check_languages(languages: &[String]) -> Result<(), Refusal> {
        if 100 < languages.len() || !languages.iter().all(|it| is_language(it)) {
            return Err(Refusal::invalid("languages", "codes of two lower-case letters"));
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
        if self.passages_max.is_some_and(|it| it == 0 || 100 < it) {
            return Err(Refusal::invalid("passagesMax", "between 1 and 100"));
        }
        Ok(())
    }

    /// A report of these, everything else as usual.
    pub fn of(template: Sha256, sources: Vec<Sha256>) -> Self {
        Self { template, sources, input: None, writer: WriterChoice::Auto, passages_max: None }
    }
}

impl WriterChoice {
    /// Whether it is left to Greffe.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    fn is_auto(&self) -> bool {
        *self == Self::Auto
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
