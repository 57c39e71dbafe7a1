//! How the row of a page comes to be, and what a visit makes of it.

use domain::{
    JobId, Timestamp,
    artifact::Sha256,
    job::{FoundPage, KeptPage, PageOutcome, VisitedPage},
};
use url::Url;

use super::{Kept, PageRow, PageState};

/// A page that nobody has visited yet.
pub(super) fn found(crawl: JobId, page: &FoundPage, at: Timestamp) -> PageRow {
    PageRow {
        crawl,
        number: page.number,
        host: host(&page.url),
        url: page.url.clone(),
        depth: page.depth,
        found_from: page.from,
        found_at: at,
        state: PageState::Waiting,
        visited_at: None,
        status: None,
        kept: None,
        duplicate: None,
        exclusion: None,
        error: None,
        links: Vec::new(),
    }
}

/// The page after a visit. Of several visits the last one counts.
pub(super) fn visited(
    row: PageRow,
    page: &VisitedPage,
    texts: Option<Sha256>,
    at: Timestamp,
) -> PageRow {
    let mut row = PageRow {
        host: host(&row.url),
        visited_at: Some(at),
        status: None,
        kept: None,
        duplicate: None,
        exclusion: None,
        error: None,
        links: page.links.clone(),
        ..row
    };
    match &page.outcome {
        PageOutcome::Kept(page) => {
            row.state = PageState::Kept;
            row.status = Some(page.status);
            row.host = host(&page.url);
            row.kept = Some(kept(page, texts));
        }
        PageOutcome::Duplicate { of, by } => {
            row.state = PageState::Duplicate;
            row.duplicate = Some((*of, *by));
        }
        PageOutcome::Excluded { reason } => {
            row.state = PageState::Excluded;
            row.exclusion = Some(*reason);
        }
        PageOutcome::Failed { status, error, message } => {
            row.state = PageState::Failed;
            row.status = *status;
            row.error = Some((error.clone(), message.clone()));
        }
    }
    row
}

fn kept(page: &KeptPage, texts: Option<Sha256>) -> Kept {
    Kept {
        url: page.url.clone(),
        media_type: page.media_type.clone(),
        bytes: page.bytes,
        title: page.title.clone(),
        description: page.description.clone(),
        language: page.language.clone(),
        canonical: page.canonical.clone(),
        published_at: page.published_at,
        words: page.words,
        relevance: page.relevance,
        content: page.content,
        text: texts.map(|it| (it, page.text)),
        media: page.media,
    }
}

/// What is no URL is on no host.
fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned()
}
