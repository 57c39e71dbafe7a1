//! `POST /leases/{lease}/artifacts?name=`: a file that the job has made; and
//! whether the files that a report cites are there.

use artifacts::{Reference, Stored, Subject};
use axum::{
    Json,
    extract::{Query, Request, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use commands::lease::Holder;
use domain::{JobId, UserId, artifact::Artifact, worker::RefusedReport};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Instrument;

use super::{Shared, WorkerApi, caller::Caller, input::LeaseName, refused};
use crate::{
    artifacts::{arriving, failed, media_type, named, turns::Busy},
    problem::Problem,
};

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

/// A file, as `settle` takes it among its `artifacts`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Artifact")]
pub(super) struct Kept {
    /// Of what is in it, in hexadecimal.
    sha256: String,
    name: String,
    bytes: u64,
}

/// What a file is called, and said to be.
struct Label {
    name: String,
    media_type: String,
}

pub(super) async fn answer(
    State(api): State<WorkerApi>,
    caller: Caller,
    LeaseName(lease): LeaseName,
    query: Result<Query<Named>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let sent = query.map_err(|_| refused::invalid("name", "required, once"))?;
    let name = named(&sent.name)?;
    let sent = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let media_type = media_type(sent, &name);
    let label = Label { name, media_type };
    let holder = api.0.holder(lease, &caller).await?;
    let span = tracing::info_span!("worker sends", worker = %holder.worker, job = %lease.job);
    api.0.keep(holder, label, request, &caller).instrument(span).await
}

impl Shared {
    /// Stores a file for the job that the lease holds, and for its owner to read.
    async fn keep(
        &self,
        holder: Holder,
        Label { name, media_type }: Label,
        request: Request,
        caller: &Caller,
    ) -> Result<Response, Problem> {
        let turn = self.uploads.take(caller.grant.token_id.0).await;
        let _turn = turn.map_err(|Busy| refused::busy())?;
        self.still_held(holder, caller).await?;
        let artifacts = &self.around.artifacts;
        let (bytes_max, content) = (self.around.upload_bytes_max, request.into_body());
        let content = arriving(content.into_data_stream());
        let stored = artifacts.put(content, bytes_max, self.around.commands.now()).await;
        let Stored { sha256, bytes } = stored.map_err(|it| failed(&it))?;
        // That may have taken a while.
        self.still_held(holder, caller).await?;
        let subject = Subject::Job(holder.lease.job.0);
        let owner = self.owner(holder.lease.job).await?.0;
        let reference = Reference { owner, subject, name: name.clone(), media_type };
        let kept = artifacts.refer(&sha256, reference, self.around.commands.now()).await;
        kept.map_err(|it| failed(&it))?;
        let kept = Kept { sha256: hex::encode(sha256), name, bytes };
        Ok((StatusCode::CREATED, Json(kept)).into_response())
    }

    async fn still_held(&self, holder: Holder, caller: &Caller) -> Result<(), Problem> {
        let holds = self.around.reader.holds(holder.worker, holder.lease).await;
        if holds.map_err(|error| refused::unavailable(&error))? {
            return Ok(());
        }
        Err(self.too_late(holder, RefusedReport::Artifact, caller).await?)
    }

    async fn owner(&self, job: JobId) -> Result<UserId, Problem> {
        let job = self.around.commands.job_state(job).await;
        let job = job.map_err(|error| refused::command(&error))?;
        job.present().map(|it| it.order.owner).ok_or_else(refused::lease_unknown)
    }

    /// Makes sure that every file a report cites is stored and kept for the job, before an event
    /// names it. A worker cites what it has sent under this job and what the job's owner may read
    /// anyway: it must not open other people's files by their hashes.
    pub(super) async fn cited(&self, job: JobId, cited: &[Artifact]) -> Result<(), Problem> {
        if cited.is_empty() {
            return Ok(());
        }
        let owner = self.owner(job).await?.0;
        let (artifacts, now) = (&self.around.artifacts, self.around.commands.now());
        for (index, artifact) in cited.iter().enumerate() {
            let wrong = |part: &str, rule: String| {
                refused::invalid(format!("artifacts/{index}/{part}"), rule)
            };
            let sha256 = artifact.sha256.bytes();
            let known = artifacts.readable(&sha256, Some(owner)).await;
            let Some(known) = known.map_err(|it| failed(&it))? else {
                return Err(wrong("sha256", "of a file that was sent under this job".to_owned()));
            };
            if known.bytes != artifact.bytes {
                return Err(wrong("bytes", format!("{}, the file's length", known.bytes)));
            }
            if named(&artifact.name).ok().as_ref() != Some(&artifact.name) {
                return Err(wrong("name", "the name of a file, and no path".to_owned()));
            }
            let (subject, name) = (Subject::Job(job.0), artifact.name.clone());
            let reference = Reference { owner, subject, name, media_type: known.media_type };
            artifacts.refer(&sha256, reference, now).await.map_err(|it| failed(&it))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
