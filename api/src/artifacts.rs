//! Files over HTTP: sent to `/api/files`, read from `/api/artifacts/{sha256}`.
//!
//! `docs/artifacts.md` is what clients are written against. A file is read by
//! those who own a reference to it and by those who see all; for everybody else
//! it is not there. It is never shown as a page of this server, whatever is in
//! it.

mod arriving;
mod caller;
pub(crate) mod described;
mod download;
mod form;
mod name;
mod range;
mod refused;
pub(crate) mod turns;
mod upload;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use artifacts::Artifacts;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, StatusCode, header},
    middleware,
    response::Response,
};
use commands::Ids;

use crate::{
    problem::Problem,
    rest::{Mount, Route},
    transport::{Authenticate, Clock},
};

pub(crate) use arriving::{Arrived, arriving};
pub(crate) use name::{media_type, named};
pub(crate) use refused::failed;
use turns::Turns;

/// What files over HTTP take from their surroundings.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// Where the files are.
    pub(crate) artifacts: Artifacts,
    /// Tells who is asking.
    pub(crate) authenticate: Authenticate,
    /// Tells the time.
    pub(crate) clock: Clock,
    /// Names what is uploaded.
    pub(crate) ids: Ids,
    /// How large a file may be.
    pub(crate) bytes_max: u64,
}

/// Files over HTTP.
#[derive(Clone)]
pub(crate) struct Files {
    around: Surroundings,
    turns: Arc<Turns>,
}

/// What people send files to, and read them from.
pub(crate) fn routes(around: Surroundings) -> Router {
    let files = Files { around, turns: Arc::default() };
    Router::new()
        .mount(Route::SendFile, upload::answer)
        .mount(Route::DropFile, upload::take_back)
        .mount(Route::ReadFile, download::answer)
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED")
        })
        // Files are counted while they are read, and never held in memory.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::map_response(async |mut response: Response| {
            let headers = response.headers_mut();
            let no_store = HeaderValue::from_static("no-store");
            headers.entry(header::CACHE_CONTROL).or_insert(no_store);
            response
        }))
        .with_state(files)
}
