//! The `page` table: what became of each page that a crawl has found, and which
//! pages it links to.
//!
//! An event tells of many pages at once. Whoever asks for the pages of a crawl
//! has found the crawl through a question that takes a viewer.

mod fold;
mod graph;
mod questions;
mod rows;

use std::collections::{BTreeSet, HashMap};

use domain::{
    JobId, Timestamp,
    artifact::Sha256,
    job::{CrawlEvent, DuplicateBy, Exclusion, JobEvent, TextSlice},
};
use sqlx::PgConnection;

use crate::{fact::Fact, projection::Projection, schema::Tables};

pub use graph::{Link, LinkGraph, LinkGraphFilter, LinkPage};
pub use questions::{PageFilter, PageList, PageOrder, PagePaging};

/// The projection.
#[derive(Clone, Copy, Debug)]
pub struct Pages;

/// A page that a crawl has found.
#[derive(Clone, Debug, PartialEq)]
pub struct PageRow {
    /// The crawl that found it.
    pub crawl: JobId,
    /// Its place in the order of discovery, from 0.
    pub number: u32,
    /// Where it is, normalised.
    pub url: String,
    /// The host of where it was in the end.
    pub host: String,
    /// How many links away from a seed.
    pub depth: u16,
    /// The page that it was found on.
    pub found_from: Option<u32>,
    /// When it was found.
    pub found_at: Timestamp,
    /// What became of it.
    pub state: PageState,
    /// When the crawl was done with it.
    pub visited_at: Option<Timestamp>,
    /// What the server answered.
    pub status: Option<u16>,
    /// What is known of it, if it is kept.
    pub kept: Option<Kept>,
    /// The page that is the same, and what shows it.
    pub duplicate: Option<(u32, DuplicateBy)>,
    /// Why it is not for this crawl.
    pub exclusion: Option<Exclusion>,
    /// What went wrong: a code, and a message for humans.
    pub error: Option<(String, String)>,
    /// The pages that it links to.
    pub links: Vec<u32>,
}

/// What is known of a page that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Where it was in the end, after redirects.
    pub url: String,
    /// What the server said it was.
    pub media_type: String,
    /// Its length, uncompressed.
    pub bytes: u64,
    /// What it is called.
    pub title: Option<String>,
    /// What it says about itself.
    pub description: Option<String>,
    /// Its language, as two letters.
    pub language: Option<String>,
    /// The address that it would rather have.
    pub canonical: Option<String>,
    /// When it says it was published.
    pub published_at: Option<Timestamp>,
    /// How many words its readable text has.
    pub words: u32,
    /// How much of it is about the crawl's terms.
    pub relevance: u32,
    /// The hash of its readable text.
    pub content: Sha256,
    /// The artifact that holds its text, and where in it.
    pub text: Option<(Sha256, TextSlice)>,
    /// How many images, sounds, films and documents are listed with it.
    pub media: u32,
}

/// What became of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PageState {
    /// It was found, and not visited yet.
    Waiting,
    /// It is in the corpus.
    Kept,
    /// The corpus has it already, from another address.
    Duplicate,
    /// It is there, and is not for this crawl.
    Excluded,
    /// It could not be had.
    Failed,
}

impl PageState {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Waiting, Self::Kept, Self::Duplicate, Self::Excluded, Self::Failed];

    /// As tables and the API write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Kept => "KEPT",
            Self::Duplicate => "DUPLICATE",
            Self::Excluded => "EXCLUDED",
            Self::Failed => "FAILED",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

impl Projection for Pages {
    const TABLES: Tables = Tables { name: "page", version: 1, ddl: include_str!("page.sql") };

    type Key = (JobId, u32);
    type Row = PageRow;

    fn keys(fact: &Fact) -> impl Iterator<Item = (JobId, u32)> {
        let mut keys = BTreeSet::new();
        if let Some((crawl, JobEvent::Crawl(CrawlEvent::PagesVisited(it)))) = fact.of_job() {
            keys.extend(it.found.iter().map(|it| (crawl, it.number)));
            keys.extend(it.visited.iter().map(|it| (crawl, it.number)));
        }
        keys.into_iter()
    }

    fn fold((crawl, number): (JobId, u32), row: Option<PageRow>, fact: &Fact) -> Option<PageRow> {
        let Some((_, JobEvent::Crawl(CrawlEvent::PagesVisited(event)))) = fact.of_job() else {
            return row;
        };
        let found = event.found.iter().find(|it| it.number == number);
        let row = row.or_else(|| found.map(|it| fold::found(crawl, it, fact.at())))?;
        let visited = event.visited.iter().find(|it| it.number == number);
        let texts = event.texts.as_ref().map(|it| it.sha256);
        Some(match visited {
            Some(visited) => fold::visited(row, visited, texts, fact.at()),
            None => row,
        })
    }

    async fn load(
        db: &mut PgConnection,
        keys: &[(JobId, u32)],
    ) -> Result<HashMap<(JobId, u32), PageRow>, sqlx::Error> {
        rows::load(db, keys).await
    }

    async fn store(db: &mut PgConnection, rows: &[PageRow]) -> Result<(), sqlx::Error> {
        rows::store(db, rows).await
    }
}
