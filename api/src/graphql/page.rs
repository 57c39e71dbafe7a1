//! Pages: what crawls have found, and what became of it. Texts are Markdown, never HTML.

mod links;
mod list;
mod text;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use domain::{JobId, job::JobKind};
use projections::{
    Projection, Viewer,
    job_list::{JobList, JobRow},
    page::{PageRow, Pages},
};
use tokio::sync::OnceCell;

use super::{
    access, budget,
    fault::Result,
    position,
    scalar::{DateTime, Long, Position},
    sides,
};
pub(super) use links::LinkQueries;
pub(super) use list::PageQueries;
use text::{PageMedia, PageText, TermCount};

/// What reading a text costs, beside the list that its page stands in.
const TEXT_COST: u32 = 80;

/// A page, whose crawl was found through a question that takes a viewer.
#[derive(Clone)]
pub(super) struct Page(Arc<Found>);

struct Found {
    row: PageRow,
    text: OnceCell<Option<PageText>>,
}

/// What became of a page.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "projections::page::PageState")]
pub(super) enum PageState {
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

/// What shows that a page is a duplicate of another.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::job::DuplicateBy")]
pub(super) enum DuplicateBy {
    /// It names the other's address as its own.
    Canonical,
    /// Its readable text is the other's.
    Content,
    /// Its address leads to the other's.
    Redirect,
}

/// Why a page is not for a crawl.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::job::Exclusion")]
pub(super) enum Exclusion {
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

/// Why a page could not be had.
#[derive(SimpleObject)]
pub(super) struct PageError {
    /// For programs.
    code: String,
    /// For people.
    message: String,
}

/// A page that a crawl has found. For whoever may see the crawl.
#[Object]
impl Page {
    /// The crawl that found it.
    async fn crawl_id(&self) -> ID {
        self.row().crawl.0.into()
    }

    /// Names it within its crawl: its place in the order of discovery, from 0.
    async fn number(&self) -> Long {
        Long(self.row().number.into())
    }

    /// Where it is, normalised.
    async fn url(&self) -> &str {
        &self.row().url
    }

    /// The host of where it was in the end.
    async fn host(&self) -> &str {
        &self.row().host
    }

    /// How many links away from a seed.
    async fn depth(&self) -> i32 {
        self.row().depth.into()
    }

    /// The number of the page that it was found on; null for a seed.
    async fn found_from(&self) -> Option<Long> {
        self.row().found_from.map(|it| Long(it.into()))
    }

    /// When it was found.
    async fn found_at(&self) -> DateTime {
        DateTime(self.row().found_at)
    }

    /// What became of it.
    async fn state(&self) -> PageState {
        self.row().state.into()
    }

    /// When the crawl was done with it.
    async fn visited_at(&self) -> Option<DateTime> {
        self.row().visited_at.map(DateTime)
    }

    /// What the server answered.
    async fn status(&self) -> Option<i32> {
        self.row().status.map(i32::from)
    }

    /// Where it was in the end, after redirects; null unless it is kept.
    async fn final_url(&self) -> Option<&str> {
        self.row().kept.as_ref().map(|it| it.url.as_str())
    }

    /// What the server said it was; null unless it is kept.
    async fn media_type(&self) -> Option<&str> {
        self.row().kept.as_ref().map(|it| it.media_type.as_str())
    }

    /// Its length in bytes, uncompressed; null unless it is kept.
    async fn bytes(&self) -> Option<Long> {
        self.row().kept.as_ref().map(|it| Long(it.bytes))
    }

    /// What it is called.
    async fn title(&self) -> Option<&str> {
        self.row().kept.as_ref()?.title.as_deref()
    }

    /// What it says about itself.
    async fn description(&self) -> Option<&str> {
        self.row().kept.as_ref()?.description.as_deref()
    }

    /// Its language, as two letters.
    async fn language(&self) -> Option<&str> {
        self.row().kept.as_ref()?.language.as_deref()
    }

    /// The address that it would rather have.
    async fn canonical_url(&self) -> Option<&str> {
        self.row().kept.as_ref()?.canonical.as_deref()
    }

    /// When it says it was published.
    async fn published_at(&self) -> Option<DateTime> {
        self.row().kept.as_ref()?.published_at.map(DateTime)
    }

    /// How many words its readable text has; null unless it is kept.
    async fn words(&self) -> Option<Long> {
        self.row().kept.as_ref().map(|it| Long(it.words.into()))
    }

    /// How much of it is about the crawl's terms; null unless it is kept.
    async fn relevance(&self) -> Option<Long> {
        self.row().kept.as_ref().map(|it| Long(it.relevance.into()))
    }

    /// The SHA-256 of its readable text, as 64 hexadecimal digits; null unless it is kept.
    async fn content_sha256(&self) -> Option<String> {
        self.row().kept.as_ref().map(|it| it.content.to_string())
    }

    /// How many images, sounds, films and documents are listed with it; null unless it is kept.
    async fn media_count(&self) -> Option<Long> {
        self.row().kept.as_ref().map(|it| Long(it.media.into()))
    }

    /// The number of the page that is the same, if it is a duplicate.
    async fn duplicate_of(&self) -> Option<Long> {
        self.row().duplicate.map(|(of, _)| Long(of.into()))
    }

    /// What shows that it is a duplicate.
    async fn duplicate_by(&self) -> Option<DuplicateBy> {
        self.row().duplicate.map(|(_, by)| by.into())
    }

    /// Why it is not for this crawl.
    async fn exclusion(&self) -> Option<Exclusion> {
        self.row().exclusion.map(Into::into)
    }

    /// Why it could not be had.
    async fn error(&self) -> Option<PageError> {
        let (code, message) = self.row().error.clone()?;
        Some(PageError { code, message })
    }

    /// The numbers of the pages that it links to, of those that the crawl has found.
    async fn links(&self) -> Vec<Long> {
        self.row().links.iter().map(|it| Long((*it).into())).collect()
    }

    /// Its readable text, as Markdown; null unless it is kept. Of one answer, it costs as much as
    /// 100 items of a list, and one more for every 4 KiB.
    #[graphql(complexity = 10)]
    async fn text(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.read(ctx).await?.map(|it| it.text.as_str()))
    }

    /// The images, sounds, films and documents that are listed with it; none unless it is kept.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn media(&self, ctx: &Context<'_>) -> Result<&[PageMedia]> {
        Ok(self.read(ctx).await?.map(|it| it.media.as_slice()).unwrap_or_default())
    }

    /// How often each of the crawl's terms stands in it; none unless it is kept.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn term_counts(&self, ctx: &Context<'_>) -> Result<&[TermCount]> {
        Ok(self.read(ctx).await?.map(|it| it.terms.as_slice()).unwrap_or_default())
    }
}

impl Page {
    fn row(&self) -> &PageRow {
        &self.0.row
    }

    /// Once, whatever of it is asked for.
    async fn read(&self, ctx: &Context<'_>) -> Result<Option<&PageText>> {
        let read = self.0.text.get_or_try_init(|| async {
            let Some(kept) = &self.row().kept else { return Ok(None) };
            let bytes = kept.text.as_ref().map_or(0, |(_, slice)| slice.bytes);
            budget::spend(ctx, TEXT_COST)?;
            budget::spend_bytes(ctx, bytes)?;
            text::read(&sides(ctx).artifacts, kept).await
        });
        Ok(read.await?.as_ref())
    }
}

impl From<PageRow> for Page {
    fn from(row: PageRow) -> Self {
        Self(Arc::new(Found { row, text: OnceCell::new() }))
    }
}

/// The crawl with this id, if there is one that may be seen, once its pages show what stands at
/// `at_least`.
async fn crawl(ctx: &Context<'_>, id: &ID, at_least: Option<Position>) -> Result<Option<JobRow>> {
    let eyes: Viewer = access::signed_in(ctx)?.eyes();
    let sides = sides(ctx);
    position::at_least_in(sides, JobList::TABLES, at_least).await?;
    position::at_least_in(sides, Pages::TABLES, at_least).await?;
    // What is no UUID is the id of no crawl.
    let Ok(id) = id.parse::<JobId>() else { return Ok(None) };
    let row = sides.reader.job(id, eyes).await?;
    Ok(row.filter(|it| it.kind == JobKind::Crawl))
}
