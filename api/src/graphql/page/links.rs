//! The links between the pages of a crawl.

use std::str::FromStr;

use async_graphql::{Context, ID, Object, SimpleObject};
use domain::JobId;
use projections::page;

use super::{Page, crawl};
use crate::graphql::{
    budget,
    fault::{Fault, Result},
    paging::{PageInfo, count, limit, opened, sealed},
    scalar::{Long, Position},
    sides,
};

/// What cursors of links begin with.
const CURSOR: char = 'k';

/// How many pages a graph shows without asking, and at most.
const NODES: i32 = 200;
const NODES_MAX: u32 = 1_000;

/// How many links a graph shows for each of its pages.
const LINKS_PER_NODE: u32 = 10;

/// A link from one page of a crawl to another.
#[derive(Clone, Copy, SimpleObject)]
pub(in crate::graphql) struct Link {
    /// The number of the page that it is on.
    source: Long,
    /// The number of the page that it leads to.
    target: Long,
}

impl From<&page::Link> for Link {
    fn from(it: &page::Link) -> Self {
        Self { source: Long(it.source.into()), target: Long(it.target.into()) }
    }
}

/// A link in a list.
#[derive(SimpleObject)]
pub(in crate::graphql) struct LinkEdge {
    /// To be sent back as `after`.
    cursor: String,
    /// The link.
    node: Link,
}

/// A part of a list of links.
pub(in crate::graphql) struct LinkConnection {
    crawl: JobId,
    list: page::LinkPage,
    after: bool,
}

/// A part of a list of links.
#[Object]
impl LinkConnection {
    /// The links, each with its cursor.
    async fn edges(&self) -> Vec<LinkEdge> {
        let edge = |it: &page::Link| LinkEdge { cursor: cursor(*it), node: it.into() };
        self.list.links.iter().map(edge).collect()
    }

    /// The links, for those who need no cursors.
    async fn nodes(&self) -> Vec<Link> {
        self.list.links.iter().map(Link::from).collect()
    }

    /// Where this part stands among the others.
    async fn page_info(&self) -> PageInfo {
        PageInfo::forwards(&self.list.links, |it| cursor(*it), (self.after, self.list.more))
    }

    /// How many links there are in all parts together. Counted when asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Long> {
        Ok(Long(sides(ctx).reader.count_links(self.crawl).await?))
    }
}

fn cursor(link: page::Link) -> String {
    sealed(CURSOR, format_args!("{}.{}", link.source, link.target))
}

/// A place in a list of links, as its cursor says it.
struct Place(page::Link);

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let (source, target) = text.split_once('.').ok_or(())?;
        let number = |it: &str| it.parse::<u32>().map_err(drop);
        Ok(Self(page::Link { source: number(source)?, target: number(target)? }))
    }
}

/// Pages that are kept, and how they link to each other. A link to a page that turned out to be
/// another leads to that one.
#[derive(SimpleObject)]
pub(in crate::graphql) struct LinkGraph {
    /// The pages, the most relevant first.
    nodes: Vec<Page>,
    /// The links between them.
    edges: Vec<Link>,
    /// Whether there are pages or links beyond these.
    has_more: bool,
}

/// Questions about links.
#[derive(Default)]
pub(in crate::graphql) struct LinkQueries;

#[Object]
impl LinkQueries {
    /// The links between the pages of a crawl, by source and then by target; null if there is no
    /// crawl that you may see. For those who have signed in.
    #[graphql(complexity = "count(first, None) * child_complexity + 1")]
    #[expect(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn links(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the crawl; a UUID.")] crawl_id: ID,
        #[graphql(desc = "How many at most: 50, or up to 100.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "Wait up to 2 s until this is to be seen; else `POSITION_NOT_REACHED`.")]
        at_least: Option<Position>,
    ) -> Result<Option<LinkConnection>> {
        let limit = limit("first", first)?;
        let after = after.as_deref().map(|it| opened::<Place>("after", CURSOR, it)).transpose()?;
        let after = after.map(|it| it.0);
        budget::spend(ctx, limit)?;
        let Some(crawl) = crawl(ctx, &crawl_id, at_least).await? else { return Ok(None) };
        let list = sides(ctx).reader.links(crawl.id, after, limit).await?;
        Ok(Some(LinkConnection { crawl: crawl.id, list, after: after.is_some() }))
    }

    /// The most relevant pages of a crawl, and how they link to each other; null if there is no
    /// crawl that you may see. For those who have signed in.
    #[graphql(complexity = "5 * child_complexity + 1")]
    #[expect(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn link_graph(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the crawl; a UUID.")] crawl_id: ID,
        #[graphql(desc = "Only pages at least so relevant.")] min_relevance: Option<Long>,
        #[graphql(desc = "Only links from one host to another, with `www.` or without.")]
        cross_domain_only: Option<bool>,
        #[graphql(desc = "How many pages at most: 200, or up to 1,000. Ten times as many links.")]
        limit: Option<i32>,
        #[graphql(desc = "Wait up to 2 s until this is to be seen; else `POSITION_NOT_REACHED`.")]
        at_least: Option<Position>,
    ) -> Result<Option<LinkGraph>> {
        let pages_max = u32::try_from(limit.unwrap_or(NODES)).ok().filter(|it| *it <= NODES_MAX);
        let rule = || format!("between 0 and {NODES_MAX}");
        let pages_max = pages_max.ok_or_else(|| Fault::bad_input("limit", rule()))?;
        let relevance_min = u32::try_from(min_relevance.map_or(0, |it| it.0));
        let relevance_min =
            relevance_min.map_err(|_| Fault::bad_input("minRelevance", "below 2^32"))?;
        let links_max = pages_max * LINKS_PER_NODE;
        budget::spend(ctx, pages_max + links_max)?;
        let Some(crawl) = crawl(ctx, &crawl_id, at_least).await? else { return Ok(None) };
        let across_hosts = cross_domain_only.unwrap_or(false);
        let filter = page::LinkGraphFilter { relevance_min, across_hosts, pages_max, links_max };
        let graph = sides(ctx).reader.link_graph(crawl.id, filter).await?;
        Ok(Some(LinkGraph {
            edges: graph.links.iter().map(Link::from).collect(),
            nodes: graph.pages.into_iter().map(Page::from).collect(),
            has_more: graph.more,
        }))
    }
}
