//! What went into a job and what came out: too large to be in every row, so it is fetched where it
//! is asked for, for all jobs of an answer together, and once it is paid for. Nobody takes it apart
//! on its way.

use std::sync::Arc;

use async_graphql::{Context, Object};
use domain::artifact;
use projections::{
    Projection,
    job_content::{ContentBytes, JobContent, Outcome},
    job_list::JobRow,
};

use crate::graphql::{
    artifact::Artifact,
    budget,
    fault::{Fault, Result, internal},
    loaders, position,
    scalar::Json,
    sides,
};

/// What only tasks have.
#[derive(Clone)]
pub(in crate::graphql) struct TaskFields(pub(super) Arc<JobRow>);

#[Object]
impl TaskFields {
    /// What the service was told. Of one answer, it costs one item of a list for every 4 KiB.
    async fn body(&self, ctx: &Context<'_>) -> Result<Json> {
        Json::read(&input(ctx, &self.0).await?)
    }

    /// What came out; null until it has succeeded. Of one answer, it costs one item of a list for
    /// every 4 KiB.
    async fn result(&self, ctx: &Context<'_>) -> Result<Option<Json>> {
        let result = outcome(ctx, &self.0).await?.and_then(|it| it.result);
        result.as_deref().map(Json::read).transpose()
    }

    /// The files that it made; none until it has succeeded.
    async fn artifacts(&self, ctx: &Context<'_>) -> Result<Vec<Artifact>> {
        artifacts(ctx, &self.0).await
    }
}

/// What a job was asked for with, as JSON.
pub(in crate::graphql) async fn input(ctx: &Context<'_>, job: &JobRow) -> Result<Arc<str>> {
    let bytes = reached(ctx, job, job.created_position).await?;
    budget::spend_bytes(ctx, bytes.input)?;
    loaders::input(ctx, job.id).await?.ok_or_else(|| missing(job))
}

/// Nothing has come out before the end; at the end, what came out must not be missing.
pub(in crate::graphql) async fn outcome(
    ctx: &Context<'_>,
    job: &JobRow,
) -> Result<Option<Outcome>> {
    if !job.state.is_final() {
        return Ok(None);
    }
    let bytes = reached(ctx, job, job.changed_position).await?;
    budget::spend_bytes(ctx, bytes.outcome)?;
    loaders::outcome(ctx, job.id).await?.ok_or_else(|| missing(job)).map(Some)
}

/// The files that came out.
pub(in crate::graphql) async fn artifacts(
    ctx: &Context<'_>,
    job: &JobRow,
) -> Result<Vec<Artifact>> {
    let Some(outcome) = outcome(ctx, job).await? else { return Ok(Vec::new()) };
    let files: Vec<artifact::Artifact> = outcome.artifacts().map_err(|it| internal(&it))?;
    Ok(files.into_iter().map(Artifact::from).collect())
}

/// How long it is, as of `position` at least.
async fn reached(ctx: &Context<'_>, job: &JobRow, position: u64) -> Result<ContentBytes> {
    let reached = position::patiently(sides(ctx), JobContent::TABLES, position).await?;
    reached.map_err(Fault::NotReached)?;
    loaders::content_bytes(ctx, job.id).await?.ok_or_else(|| missing(job))
}

/// Its creation has been taken in, and nothing is ever taken out again.
fn missing(job: &JobRow) -> Fault {
    tracing::error!(job = %job.id, "a job has no content");
    Fault::Internal
}
