//! Lists of pages, a part at a time.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::JobId;
use projections::page::{self, PageRow};

use super::{Page, PageState, crawl};
use crate::graphql::{
    budget,
    fault::{Fault, Result},
    paging::{PageInfo, count, limit, opened, sealed},
    scalar::{Long, Position},
    sides,
};

/// What cursors of pages begin with.
const CURSOR: char = 'p';

/// Which pages one wants to see. What is not said does not matter.
#[derive(Clone, Default, InputObject)]
pub(in crate::graphql) struct PageFilter {
    /// In one of these states.
    states: Option<Vec<PageState>>,
    /// At least so relevant.
    min_relevance: Option<Long>,
    /// At most so many links away from a seed.
    max_depth: Option<i32>,
    /// On this host.
    host: Option<String>,
    /// In this language, as two letters.
    language: Option<String>,
    /// With this in the title, the description or the URL, in whatever case.
    text: Option<String>,
}

/// In which order one wants to see pages.
#[derive(Clone, Copy, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "projections::page::PageOrder")]
pub(in crate::graphql) enum PageOrder {
    /// The most relevant first.
    #[default]
    Relevance,
    /// As they were found.
    Number,
    /// Those closest to a seed first.
    Depth,
    /// By URL.
    Url,
    /// By title; those without one first.
    Title,
}

impl TryFrom<PageFilter> for page::PageFilter {
    type Error = Fault;

    fn try_from(it: PageFilter) -> Result<Self> {
        let relevance = it.min_relevance.map(|it| u32::try_from(it.0)).transpose();
        let depth = it.max_depth.map(u16::try_from).transpose();
        let bad = |rule: &str| Fault::bad_input("filter", rule);
        Ok(Self {
            states: it.states.map(|it| it.into_iter().map(Into::into).collect()),
            relevance_min: relevance.map_err(|_| bad("`minRelevance` is below 2^32"))?,
            depth_max: depth.map_err(|_| bad("`maxDepth` is between 0 and 65535"))?,
            host: it.host,
            language: it.language,
            text: it.text,
        })
    }
}

/// A part of a list of pages.
pub(in crate::graphql) struct PageConnection {
    crawl: JobId,
    filter: page::PageFilter,
    list: page::PageList,
    after: bool,
}

/// A page in a list.
#[derive(SimpleObject)]
pub(in crate::graphql) struct PageEdge {
    /// To be sent back as `after`.
    cursor: String,
    /// The page.
    node: Page,
}

/// A part of a list of pages.
#[Object]
impl PageConnection {
    /// The pages, each with its cursor.
    async fn edges(&self) -> Vec<PageEdge> {
        let edge = |row: &PageRow| PageEdge { cursor: cursor(row), node: row.clone().into() };
        self.list.rows.iter().map(edge).collect()
    }

    /// The pages, for those who need no cursors.
    async fn nodes(&self) -> Vec<Page> {
        self.list.rows.iter().cloned().map(Page::from).collect()
    }

    /// Where this part stands among the others.
    async fn page_info(&self) -> PageInfo {
        PageInfo::forwards(&self.list.rows, cursor, (self.after, self.list.more))
    }

    /// How many pages there are in all parts together. Counted when asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Long> {
        Ok(Long(sides(ctx).reader.count_pages(self.crawl, &self.filter).await?))
    }
}

fn cursor(row: &PageRow) -> String {
    sealed(CURSOR, row.number)
}

/// Questions about pages.
#[derive(Default)]
pub(in crate::graphql) struct PageQueries;

#[Object]
impl PageQueries {
    /// The pages that a crawl has found; null if there is no crawl that you may see. For those who
    /// have signed in.
    #[graphql(complexity = "count(first, None) * child_complexity + 1")]
    #[expect(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn pages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the crawl; a UUID.")] crawl_id: ID,
        #[graphql(desc = "Only some of them.")] filter: Option<PageFilter>,
        #[graphql(desc = "In which order; the most relevant first, if it is not said.")]
        order_by: Option<PageOrder>,
        #[graphql(desc = "How many at most: 50, or up to 100.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "Wait up to 2 s until this is to be seen; else `POSITION_NOT_REACHED`.")]
        at_least: Option<Position>,
    ) -> Result<Option<PageConnection>> {
        let filter: page::PageFilter = filter.unwrap_or_default().try_into()?;
        let after = after.as_deref().map(|it| opened("after", CURSOR, it)).transpose()?;
        let paging = page::PagePaging { limit: limit("first", first)?, after };
        budget::spend(ctx, paging.limit)?;
        let Some(crawl) = crawl(ctx, &crawl_id, at_least).await? else { return Ok(None) };
        let order = order_by.unwrap_or_default().into();
        let list = sides(ctx).reader.pages(crawl.id, &filter, order, paging).await?;
        Ok(Some(PageConnection { crawl: crawl.id, filter, list, after: after.is_some() }))
    }

    /// A page of a crawl; null if there is none that you may see. For those who have signed in.
    async fn page(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the crawl; a UUID.")] crawl_id: ID,
        #[graphql(desc = "The number of the page within it.")] number: Long,
        #[graphql(desc = "Wait up to 2 s until this is to be seen; else `POSITION_NOT_REACHED`.")]
        at_least: Option<Position>,
    ) -> Result<Option<Page>> {
        let Some(crawl) = crawl(ctx, &crawl_id, at_least).await? else { return Ok(None) };
        let Ok(number) = u32::try_from(number.0) else { return Ok(None) };
        Ok(sides(ctx).reader.page(crawl.id, number).await?.map(Page::from))
    }
}
