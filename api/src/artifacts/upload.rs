//! `POST /api/files`: a file for a job to come; `DELETE /api/files/{id}`: not
//! any more.

use artifacts::{Reference, Stored, Subject};
use axum::{
    Json,
    extract::{Path, Query, Request, State, rejection::QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Arrived, Files, arriving, caller::Caller, form::Form, media_type, named, refused, turns::Busy,
};
use crate::problem::Problem;

#[derive(Deserialize)]
pub(super) struct Named {
    name: Option<String>,
}

/// A file, as its sender is told of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "File")]
pub(super) struct Uploaded {
    /// Names the upload: what jobs are given, and what is taken back.
    id: Uuid,
    /// Of what is in it, in hexadecimal: where it is read.
    sha256: String,
    name: String,
    bytes: u64,
    media_type: String,
}

/// A file that came in whole.
struct Received {
    stored: Stored,
    name: String,
    media_type: String,
}

/// Takes a file in. For those who may ask for jobs; it is theirs.
pub(super) async fn answer(
    State(files): State<Files>,
    caller: Caller,
    query: Result<Query<Named>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    caller.may_command()?;
    let Query(named) = query.map_err(|_| refused::malformed("named once, by `?name=`"))?;
    let _turn = files.turns.take(caller.user()).await.map_err(|Busy| refused::busy())?;
    let received = match sent_media_type(&request) {
        Some(it) if it.starts_with("multipart/form-data") => files.form(request).await?,
        _ => files.body(named, request).await?,
    };
    let Received { stored, name, media_type } = received;
    let id = (files.around.ids)();
    let reference = Reference {
        owner: caller.user(),
        subject: Subject::Upload(id),
        name: name.clone(),
        media_type: media_type.clone(),
    };
    let now = (files.around.clock)();
    let kept = files.around.artifacts.refer(&stored.sha256, reference, now).await;
    kept.map_err(|it| refused::failed(&it))?;
    let sha256 = hex::encode(stored.sha256);
    let location = HeaderValue::from_str(&format!("/api/artifacts/{sha256}"))
        .expect("hexadecimal digits can stand in a header");
    let uploaded = Uploaded { id, sha256, name, bytes: stored.bytes, media_type };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(uploaded)).into_response())
}

/// Drops an upload. For whoever sent it, and for those who see all. The file itself goes when
/// nothing else keeps it.
pub(super) async fn take_back(
    State(files): State<Files>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: Uuid = id.parse().map_err(|_| refused::not_found())?;
    caller.may_command()?;
    let released = files.around.artifacts.release(Subject::Upload(id), caller.sees()).await;
    let was_there = released.map_err(|it| refused::failed(&it))?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(refused::not_found()) }
}

impl Files {
    /// A form, as pages send it, with one field: `file`.
    async fn form(&self, request: Request) -> Result<Received, Problem> {
        let mut form = Form::open(request).await?;
        let stopped = form.stopped();
        let field = form.file(self.around.bytes_max).await?;
        let name = named(field.file_name().unwrap_or_default())?;
        let media_type = media_type(field.content_type(), &name);
        let stored = self.store(field.map_err(|_| stopped())).await?;
        // If it is not the end, nothing refers to what was stored, so that it will be swept.
        form.end().await?;
        Ok(Received { stored, name, media_type })
    }

    /// The bytes alone, with `?name=`.
    async fn body(&self, Named { name }: Named, request: Request) -> Result<Received, Problem> {
        let name = named(&name.unwrap_or_default())?;
        let media_type = media_type(sent_media_type(&request), &name);
        if sent_bytes(&request).is_some_and(|it| self.around.bytes_max < it) {
            let bytes_max = self.around.bytes_max;
            return Err(refused::failed(&artifacts::ArtifactError::TooLarge { bytes_max }));
        }
        let stored = self.store(arriving(request.into_body().into_data_stream())).await?;
        Ok(Received { stored, name, media_type })
    }

    async fn store(
        &self,
        content: impl Stream<Item = Result<Bytes, Arrived>> + Send,
    ) -> Result<Stored, Problem> {
        let Files { around, .. } = self;
        let stored = around.artifacts.put(content, around.bytes_max, (around.clock)()).await;
        stored.map_err(|it| refused::failed(&it))
    }
}

fn sent_media_type(request: &Request) -> Option<&str> {
    request.headers().get(header::CONTENT_TYPE)?.to_str().ok()
}

/// What the sender says will come: refused before it has come.
fn sent_bytes(request: &Request) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
