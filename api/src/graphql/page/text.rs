//! The text of a page, and what was listed and counted with it: a line of an artifact.

use artifacts::{ArtifactError, Artifacts};
use async_graphql::SimpleObject;
use futures::TryStreamExt;
use projections::page::Kept;
use serde::Deserialize;

use crate::graphql::fault::{Fault, Result, internal};

/// The longest line that is read, in bytes: longer ones no crawl writes.
const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// The line of a page.
#[derive(Deserialize)]
pub(super) struct PageText {
    /// Markdown.
    pub(super) text: String,
    #[serde(default)]
    pub(super) media: Vec<PageMedia>,
    #[serde(default)]
    pub(super) terms: Vec<TermCount>,
}

/// A file that a page shows or leads to.
#[derive(Deserialize, SimpleObject)]
pub(super) struct PageMedia {
    /// Where it is.
    url: String,
    /// What it is, in one word, such as `img`.
    kind: String,
}

/// How often a term stands in a page. Its title counts ten times as much as its body.
#[derive(Deserialize, SimpleObject)]
pub(super) struct TermCount {
    /// The term.
    term: String,
    /// How often in the title.
    title: i32,
    /// How often in the body.
    body: i32,
}

/// The line of a page that is kept; none if its crawl kept no texts.
pub(super) async fn read(artifacts: &Artifacts, page: &Kept) -> Result<Option<PageText>> {
    let Some((sha256, slice)) = page.text else { return Ok(None) };
    if BYTES_MAX < slice.bytes {
        tracing::error!(%sha256, bytes = slice.bytes, "the text of a page is too long");
        return Err(Fault::Internal);
    }
    let fault = |error: ArtifactError| internal(&error);
    let end = slice.offset.saturating_add(slice.bytes);
    let opened = artifacts.open(&sha256.bytes(), Some(slice.offset..end)).await.map_err(fault)?;
    let mut line = Vec::new();
    let mut content = opened.content;
    while let Some(bytes) = content.try_next().await.map_err(fault)? {
        line.extend_from_slice(&bytes);
    }
    serde_json::from_slice(&line).map(Some).map_err(|error| internal(&error))
}
