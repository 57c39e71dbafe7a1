//! What went into a job and what came out: too large to be in every row, so it is fetched where it
//! is asked for, for all jobs of an answer together.

use std::sync::Arc;

use async_graphql::{Context, Object};
use projections::{
    Projection,
    job_content::{ContentRow, JobContent},
    job_list::JobRow,
};
use serde_json::Value;

use crate::graphql::{
    artifact::Artifact,
    fault::{Fault, Result},
    loaders, position, sides,
};

/// What only tasks have.
#[derive(Clone)]
pub(in crate::graphql) struct TaskFields(pub(super) Arc<JobRow>);

#[Object]
impl TaskFields {
    /// What the service was told.
    async fn body(&self, ctx: &Context<'_>) -> Result<Value> {
        input(ctx, &self.0).await
    }

    /// What came out; null until it has succeeded.
    async fn result(&self, ctx: &Context<'_>) -> Result<Option<Value>> {
        Ok(outcome(ctx, &self.0).await?.and_then(|it| it.result))
    }

    /// The files that it made; none until it has succeeded.
    async fn artifacts(&self, ctx: &Context<'_>) -> Result<Vec<Artifact>> {
        let artifacts = outcome(ctx, &self.0).await?.map(|it| it.artifacts).unwrap_or_default();
        Ok(artifacts.into_iter().map(Artifact::from).collect())
    }
}

/// What a job was asked for with.
pub(in crate::graphql) async fn input(ctx: &Context<'_>, job: &JobRow) -> Result<Value> {
    Ok(content(ctx, job, job.created_position).await?.input)
}

/// Nothing has come out before the end; at the end, what came out must not be missing.
pub(in crate::graphql) async fn outcome(
    ctx: &Context<'_>,
    job: &JobRow,
) -> Result<Option<ContentRow>> {
    if !job.state.is_final() {
        return Ok(None);
    }
    content(ctx, job, job.changed_position).await.map(Some)
}

/// As of `position` at least.
async fn content(ctx: &Context<'_>, job: &JobRow, position: u64) -> Result<ContentRow> {
    let reached = position::patiently(sides(ctx), JobContent::TABLES, position).await?;
    reached.map_err(Fault::NotReached)?;
    // Its creation has been taken in, and nothing is ever taken out again.
    let content = loaders::content(ctx, job.id).await?;
    content.ok_or_else(|| {
        tracing::error!(job = %job.id, "a job has no content");
        Fault::Internal
    })
}
