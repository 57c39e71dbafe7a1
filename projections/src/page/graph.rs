//! The links between the pages of a crawl.

use std::collections::{BTreeSet, HashMap};

use domain::JobId;

use super::PageRow;
use crate::{
    ReadError, Reader,
    page::{PageFilter, PageOrder, PagePaging, PageState},
};

/// How many pages that turned out to be others are gone through to where a link
/// leads.
const HOPS_MAX: i32 = 100;

/// A link from one page of a crawl to another, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// The page that it is on.
    pub source: u32,
    /// The page that it leads to.
    pub target: u32,
}

/// A part of the links of a crawl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkPage {
    /// The links.
    pub links: Vec<Link>,
    /// Whether there are more.
    pub more: bool,
}

/// Which part of the graph one wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkGraphFilter {
    /// Only pages at least so relevant.
    pub relevance_min: u32,
    /// Only links from one host to another, with `www.` or without.
    pub across_hosts: bool,
    /// At most so many pages, the most relevant first.
    pub pages_max: u32,
    /// At most so many links, those of the most relevant pages first.
    pub links_max: u32,
}

/// Pages that are kept, and how they link to each other. A link to a page that
/// turned out to be another leads to that one.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkGraph {
    /// The pages, the most relevant first.
    pub pages: Vec<PageRow>,
    /// The links between them.
    pub links: Vec<Link>,
    /// Whether there are pages or links beyond what was asked for.
    pub more: bool,
}

impl Reader {
    /// The links of a crawl after one of them, by source and then by target.
    pub async fn links(
        &self,
        crawl: JobId,
        after: Option<Link>,
        limit: u32,
    ) -> Result<LinkPage, ReadError> {
        let (source, target) =
            after.map_or((0, -1), |it| (i64::from(it.source), i64::from(it.target)));
        let rows = sqlx::query!(
            r#"select p.number as "source!", l.target as "target!"
               from page p cross join lateral (
                   select distinct unnest(p.links) as target order by target
               ) as l
               where p.crawl = $1 and p.number >= $2 and (p.number, l.target) > ($2, $3)
               order by p.number, l.target limit $4"#,
            crawl.0,
            source,
            target,
            i64::from(limit) + 1
        )
        .fetch_all(&self.db)
        .await?;
        let more = (limit as usize) < rows.len();
        let links = rows.into_iter().take(limit as usize).map(|it| link(it.source, it.target));
        Ok(LinkPage { links: links.collect::<Result<_, _>>()?, more })
    }

    /// How many links a crawl has.
    pub async fn count_links(&self, crawl: JobId) -> Result<u64, ReadError> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
               from page p cross join lateral (select distinct unnest(p.links)) as l
               where p.crawl = $1"#,
            crawl.0
        )
        .fetch_one(&self.db)
        .await?;
        Ok(count.cast_unsigned())
    }

    /// The most relevant pages of a crawl, and how they link to each other.
    pub async fn link_graph(
        &self,
        crawl: JobId,
        filter: LinkGraphFilter,
    ) -> Result<LinkGraph, ReadError> {
        let of_pages = PageFilter {
            states: Some(vec![PageState::Kept]),
            relevance_min: Some(filter.relevance_min),
            ..PageFilter::default()
        };
        let paging = PagePaging { limit: filter.pages_max, after: None };
        let pages = self.pages(crawl, &of_pages, PageOrder::Relevance, paging).await?;
        let shown: HashMap<u32, &str> =
            pages.rows.iter().map(|it| (it.number, site(&it.host))).collect();
        let others = pages.rows.iter().flat_map(|it| &it.links);
        let others: BTreeSet<u32> = others.copied().filter(|it| !shown.contains_key(it)).collect();
        let stands_for = self.stands_for(crawl, &others).await?;
        let links = pages.rows.iter().flat_map(|page| {
            let target = |it: &u32| stands_for.get(it).copied().unwrap_or(*it);
            let targets: BTreeSet<u32> = page.links.iter().map(target).collect();
            let (source, here) = (page.number, site(&page.host));
            let leads_far = |target: &u32| {
                *target != source
                    && shown.get(target).is_some_and(|it| !filter.across_hosts || *it != here)
            };
            let targets: Vec<u32> = targets.into_iter().filter(leads_far).collect();
            targets.into_iter().map(move |target| Link { source, target })
        });
        let mut links: Vec<Link> = links.take(filter.links_max as usize + 1).collect();
        let more = pages.more || (filter.links_max as usize) < links.len();
        links.truncate(filter.links_max as usize);
        Ok(LinkGraph { pages: pages.rows, links, more })
    }

    /// Where those of the pages lead in the end that turned out to be others.
    async fn stands_for(
        &self,
        crawl: JobId,
        pages: &BTreeSet<u32>,
    ) -> Result<HashMap<u32, u32>, ReadError> {
        let numbers: Vec<i64> = pages.iter().copied().map(i64::from).collect();
        // No page is twice on one way.
        let rows = sqlx::query!(
            r#"with recursive way (number, at, hops) as (
                   select number, duplicate_of, 1 from page
                   where crawl = $1 and number = any($2) and duplicate_of is not null
                   union all
                   select way.number, p.duplicate_of, way.hops + 1
                   from way join page p on p.crawl = $1 and p.number = way.at
                   where p.duplicate_of is not null and way.hops < $3
               )
               select distinct on (number) number as "number!", at as "at!"
               from way order by number, hops desc"#,
            crawl.0,
            &numbers,
            HOPS_MAX
        )
        .fetch_all(&self.db)
        .await?;
        let rows = rows.into_iter().map(|it| link(it.number, it.at));
        rows.map(|it| it.map(|it| (it.source, it.target)).map_err(ReadError::from)).collect()
    }
}

/// A host, whether it is written with `www.` or without.
fn site(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

fn link(source: i64, target: i64) -> Result<Link, sqlx::Error> {
    let number = |it: i64| {
        u32::try_from(it).map_err(|_| sqlx::Error::Decode("page holds a bad number".into()))
    };
    Ok(Link { source: number(source)?, target: number(target)? })
}
