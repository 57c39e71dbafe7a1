//! Every question that one may ask of the pages of a crawl.

use std::collections::HashMap;

use domain::JobId;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::{
    PageRow, PageState,
    rows::{COLUMNS, Record},
};
use crate::{ReadError, Reader, text};

/// Which pages one wants to see. What is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageFilter {
    /// In one of these states.
    pub states: Option<Vec<PageState>>,
    /// At least so relevant.
    pub relevance_min: Option<u32>,
    /// At most so many links away from a seed.
    pub depth_max: Option<u16>,
    /// On this host.
    pub host: Option<String>,
    /// In this language.
    pub language: Option<String>,
    /// With this in the title, the description or the URL, in whatever case.
    pub text: Option<String>,
}

/// In which order one wants to see pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PageOrder {
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

/// Which part of the pages one wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PagePaging {
    /// At most so many.
    pub limit: u32,
    /// Those after the page with this number.
    pub after: Option<u32>,
}

/// A part of the pages, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct PageList {
    /// The pages.
    pub rows: Vec<PageRow>,
    /// Whether there are more.
    pub more: bool,
}

impl Reader {
    /// One page.
    pub async fn page(&self, crawl: JobId, number: u32) -> Result<Option<PageRow>, ReadError> {
        let mut db = self.db.acquire().await?;
        let mut rows = super::rows::load(&mut db, &[(crawl, number)]).await?;
        Ok(rows.remove(&(crawl, number)))
    }

    /// A part of the pages of a crawl.
    pub async fn pages(
        &self,
        crawl: JobId,
        filter: &PageFilter,
        order: PageOrder,
        paging: PagePaging,
    ) -> Result<PageList, ReadError> {
        let mut query = select(crawl, filter, order, paging);
        let records: Vec<Record> = query.build_query_as().fetch_all(&self.db).await?;
        let limit = paging.limit as usize;
        let more = limit < records.len();
        let rows: Result<_, sqlx::Error> =
            records.into_iter().take(limit).map(PageRow::try_from).collect();
        Ok(PageList { rows: rows?, more })
    }

    /// How many pages of a filter a crawl has.
    pub async fn count_pages(&self, crawl: JobId, filter: &PageFilter) -> Result<u64, ReadError> {
        let mut query = QueryBuilder::new("select count(*) from page where crawl = ");
        query.push_bind(crawl.0);
        filter.push(&mut query);
        let count: i64 = query.build_query_scalar().fetch_one(&self.db).await?;
        Ok(count.cast_unsigned())
    }

    /// How many pages of each state crawls have.
    pub async fn page_counts(
        &self,
        crawls: &[JobId],
    ) -> Result<HashMap<JobId, HashMap<PageState, u64>>, ReadError> {
        let ids: Vec<Uuid> = crawls.iter().map(|it| it.0).collect();
        let counts = sqlx::query!(
            r#"select crawl, state, count(*) as "count!" from page
               where crawl = any($1) group by crawl, state"#,
            &ids
        )
        .fetch_all(&self.db)
        .await?;
        let mut all: HashMap<JobId, HashMap<PageState, u64>> = HashMap::new();
        for it in counts {
            let bad = || sqlx::Error::Decode("page holds a bad state".into());
            let state = PageState::parse(&it.state).ok_or_else(bad)?;
            all.entry(JobId(it.crawl)).or_default().insert(state, it.count.cast_unsigned());
        }
        Ok(all)
    }
}

impl PageFilter {
    fn push(&self, query: &mut QueryBuilder<Postgres>) {
        if let Some(states) = &self.states {
            let states: Vec<&str> = states.iter().map(|it| it.as_str()).collect();
            query.push(" and state = any(").push_bind(states).push(")");
        }
        if let Some(relevance) = self.relevance_min {
            query.push(" and relevance >= ").push_bind(i64::from(relevance));
        }
        if let Some(depth) = self.depth_max {
            query.push(" and depth <= ").push_bind(i32::from(depth));
        }
        if let Some(host) = &self.host {
            query.push(" and host = ").push_bind(host.to_lowercase());
        }
        if let Some(language) = &self.language {
            query.push(" and language = ").push_bind(language.clone());
        }
        if let Some(sought) = &self.text {
            let pattern = text::containing(sought);
            query.push(" and (title ilike ").push_bind(pattern.clone());
            query.push(" or description ilike ").push_bind(pattern.clone());
            query.push(" or url ilike ").push_bind(pattern).push(")");
        }
    }
}

impl PageOrder {
    /// What pages are compared by, and in which direction each counts.
    fn keys(self) -> &'static [(&'static str, bool)] {
        match self {
            Self::Relevance => &[("coalesce(relevance, -1)", false), ("number", true)],
            Self::Number => &[("number", true)],
            Self::Depth => &[("depth", true), ("number", true)],
            Self::Url => &[("url", true), ("number", true)],
            Self::Title => &[("coalesce(title, '')", true), ("number", true)],
        }
    }
}

/// One more than asked for tells whether there are more. Where a page stands is
/// looked up by its number, so that a cursor holds in every order.
fn select(
    crawl: JobId,
    filter: &PageFilter,
    order: PageOrder,
    paging: PagePaging,
) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from page where crawl = "));
    query.push_bind(crawl.0);
    filter.push(&mut query);
    let (last, first) = order.keys().split_last().unwrap_or((&("number", true), &[]));
    if let Some(after) = paging.after {
        let here = |query: &mut QueryBuilder<Postgres>, key: &str| {
            query.push(format!("(select {key} from page where crawl = ")).push_bind(crawl.0);
            query.push(" and number = ").push_bind(i64::from(after)).push(")");
        };
        query.push(" and (");
        for (key, ascending) in first {
            let beyond = if *ascending { ">" } else { "<" };
            query.push(format!("{key} {beyond} "));
            here(&mut query, key);
            query.push(format!(" or {key} = "));
            here(&mut query, key);
            query.push(" and ");
        }
        query.push(format!("{} > ", last.0)).push_bind(i64::from(after)).push(")");
    }
    let direction = |(key, ascending): &(&str, bool)| {
        format!("{key} {}", if *ascending { "asc" } else { "desc" })
    };
    let by: Vec<String> = order.keys().iter().map(direction).collect();
    query.push(format!(" order by {} limit ", by.join(", ")));
    query.push_bind(i64::from(paging.limit) + 1);
    query
}
