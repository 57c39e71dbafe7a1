//! What only crawls have: what they were asked for, and how far they have come with their pages.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use domain::job::CrawlSpec;
use projections::{
    Projection,
    job_list::JobRow,
    page::{PageState, Pages},
};

use super::content::{artifacts, input};
use crate::graphql::{
    access,
    artifact::Artifact,
    crawl::{self, Follow},
    fault::Result,
    land::Land,
    loaders, position,
    scalar::Long,
    sides,
};

/// What only crawls have.
#[derive(Clone)]
pub(in crate::graphql) struct CrawlFields(pub(super) Arc<JobRow>);

/// How many pages of a crawl there are, by what became of them.
#[derive(SimpleObject)]
pub(in crate::graphql) struct PageCounts {
    /// Found, and not visited yet.
    waiting: Long,
    /// In the corpus.
    kept: Long,
    /// In the corpus already, from another address.
    duplicate: Long,
    /// There, and not for this crawl.
    excluded: Long,
    /// Not to be had.
    failed: Long,
    /// All that were found.
    total: Long,
}

#[Object]
impl CrawlFields {
    /// Where it starts.
    async fn seeds(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        Ok(self.spec(ctx).await?.seeds)
    }

    /// The words and phrases that make a page relevant.
    async fn terms(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        Ok(self.spec(ctx).await?.terms)
    }

    /// The languages that the terms are in, as two letters.
    async fn languages(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        Ok(self.spec(ctx).await?.languages)
    }

    /// How many links away from a seed a page may be.
    async fn depth(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.spec(ctx).await?.depth.into())
    }

    /// How many pages at most.
    async fn limit(&self, ctx: &Context<'_>) -> Result<Long> {
        Ok(Long(self.spec(ctx).await?.pages_max.into()))
    }

    /// Which links are followed.
    async fn follow(&self, ctx: &Context<'_>) -> Result<Follow> {
        Ok(self.spec(ctx).await?.follow.into())
    }

    /// The land that its pages belong to; null if it has none, if that was deleted, or if you may
    /// not see it.
    async fn land(&self, ctx: &Context<'_>) -> Result<Option<Land>> {
        let Some(land) = self.spec(ctx).await?.land else { return Ok(None) };
        let eyes = access::signed_in(ctx)?.eyes();
        Ok(sides(ctx).reader.land(land, eyes).await?.map(Land::from))
    }

    /// How many pages there are, by what became of them.
    async fn page_counts(&self, ctx: &Context<'_>) -> Result<PageCounts> {
        // What is there is shown, should the pages be late: there will be more.
        let reached = position::patiently(sides(ctx), Pages::TABLES, self.0.changed_position);
        if let Err(late) = reached.await? {
            tracing::debug!(job = %self.0.id, %late, "pages are counted as they are");
        }
        let counts = loaders::page_counts(ctx, self.0.id).await?.unwrap_or_default();
        let count = |state| Long(counts.get(&state).copied().unwrap_or(0));
        Ok(PageCounts {
            waiting: count(PageState::Waiting),
            kept: count(PageState::Kept),
            duplicate: count(PageState::Duplicate),
            excluded: count(PageState::Excluded),
            failed: count(PageState::Failed),
            total: Long(counts.values().sum()),
        })
    }

    /// The files that it made, its exports among them; none until it has succeeded.
    async fn artifacts(&self, ctx: &Context<'_>) -> Result<Vec<Artifact>> {
        artifacts(ctx, &self.0).await
    }
}

impl CrawlFields {
    async fn spec(&self, ctx: &Context<'_>) -> Result<CrawlSpec> {
        crawl::spec(&input(ctx, &self.0).await?)
    }
}
