//! What a crawl writes down about pages: that they exist, and what became of
//! them. The texts themselves are in an artifact; an event says where.

use serde::{Deserialize, Serialize};

use super::limit;
use crate::{Refusal, Timestamp, artifact::Sha256};

/// The longest URL that a crawl takes down, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;

/// A page that a crawl has heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPage {
    /// Names it within its crawl: pages are numbered from 0, as they are found.
    pub number: u32,
    /// Where it is, normalised.
    pub url: String,
    /// How many links away from a seed.
    pub depth: u16,
    /// The page that links to it; nothing for a seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
}

/// A page that a crawl is done with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitedPage {
    /// Which one.
    pub number: u32,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: PageOutcome,
    /// The pages that it links to, as far as the crawl has taken them down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<u32>,
}

/// What became of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum PageOutcome {
    /// It is in the corpus.
    Kept(Box<KeptPage>),
    /// The corpus has it already, from another address.
    Duplicate {
        /// The page that is the same.
        of: u32,
        /// What shows it.
        by: DuplicateBy,
    },
    /// It is there, and is not for this crawl.
    Excluded {
        /// Why.
        reason: Exclusion,
    },
    /// It could not be had.
    Failed {
        /// What the server answered, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// What went wrong, as a code.
        error: String,
        /// What went wrong, for humans.
        message: String,
    },
}

/// A page of the corpus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPage {
    /// Where it was in the end, after redirects.
    pub url: String,
    /// What the server answered.
    pub status: u16,
    /// What it said the page was, without parameters.
    pub media_type: String,
    /// How long the page is, uncompressed.
    pub bytes: u64,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it says about itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its language, as two letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The address that it would rather have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<String>,
    /// When it says it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// How many words its readable text has.
    pub words: u32,
    /// How much of it is about the crawl's terms.
    pub relevance: u32,
    /// The hash of its readable text.
    pub content: Sha256,
    /// Where the text is kept.
    pub text: TextSlice,
    /// How many images, sounds, films and documents are listed with it.
    pub media: u32,
}

/// A part of the artifact with the texts of an event's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSlice {
    /// Where it starts.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
}

/// What shows that a page is one that the corpus has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateBy {
    /// It names the other's address as its own.
    Canonical,
    /// Its readable text is the other's.
    Content,
    /// Its address leads to the other's.
    Redirect,
}

/// Why a page is not for a crawl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    /// Its site's robots.txt asks not to fetch it.
    Robots,
    /// It asks not to be listed.
    NoIndex,
    /// Its address is of a private network.
    PrivateAddress,
    /// It is not a page that has text.
    MediaType,
    /// It is longer than a page may be.
    TooLarge,
    /// It leads to another site than those of the seeds, and the crawl is to stay.
    OtherSite,
}

impl DuplicateBy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Canonical, Self::Content, Self::Redirect];

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// As tables and the API write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Canonical => "CANONICAL",
            Self::Content => "CONTENT",
            Self::Redirect => "REDIRECT",
        }
    }
}

impl Exclusion {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Robots,
        Self::NoIndex,
        Self::PrivateAddress,
        Self::MediaType,
        Self::TooLarge,
        Self::OtherSite,
    ];

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// As tables and the API write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Robots => "ROBOTS",
            Self::NoIndex => "NO_INDEX",
            Self::PrivateAddress => "PRIVATE_ADDRESS",
            Self::MediaType => "MEDIA_TYPE",
            Self::TooLarge => "TOO_LARGE",
            Self::OtherSite => "OTHER_SITE",
        }
    }
}

impl FoundPage {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        limit::text("found.url", &self.url, URL_BYTES_MAX)?;
        if self.from.is_some_and(|it| self.number <= it) {
            return Err(Refusal::invalid("found.from", "a page found earlier"));
        }
        Ok(())
    }
}

impl VisitedPage {
    /// Refuses what no table could hold, and numbers of pages that the crawl,
    /// having found `found` of them, has never heard of.
    pub(super) fn check(&self, found: u32) -> Result<(), Refusal> {
        let mut named = self.links.iter().copied().chain([self.number]);
        if named.any(|it| found <= it) {
            return Err(Refusal::invalid("visited", "of pages that were found"));
        }
        match &self.outcome {
            PageOutcome::Kept(page) => page.check(),
            PageOutcome::Duplicate { of, .. } if found <= *of => {
                Err(Refusal::invalid("visited.of", "a page that was found"))
            }
            PageOutcome::Duplicate { .. } | PageOutcome::Excluded { .. } => Ok(()),
            PageOutcome::Failed { error, message, .. } => {
                limit::text("visited.error", error, 256)?;
                limit::text("visited.message", message, 1_024)
            }
        }
    }
}

impl KeptPage {
    fn check(&self) -> Result<(), Refusal> {
        let texts = [
            ("visited.url", Some(&self.url), URL_BYTES_MAX),
            ("visited.mediaType", Some(&self.media_type), 256),
            ("visited.title", self.title.as_ref(), 1_024),
            ("visited.description", self.description.as_ref(), 4_096),
            ("visited.language", self.language.as_ref(), 16),
            ("visited.canonical", self.canonical.as_ref(), URL_BYTES_MAX),
        ];
        for (field, text, bytes_max) in texts {
            limit::text(field, text.map_or("", String::as_str), bytes_max)?;
        }
        for it in [self.bytes, self.text.offset, self.text.bytes] {
            limit::count("visited.bytes", it)?;
        }
        Ok(())
    }
}
