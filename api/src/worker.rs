//! The worker protocol: how programs of any language take jobs and report on
//! them, over HTTP and JSON.
//!
//! `docs/worker-protocol.md` is what workers are written against; each module
//! here is one of its endpoints. Who may have a job, and what becomes of it, is
//! decided behind [`commands::lease`]; nothing here writes a job's stream in
//! any other way.

mod acquire;
mod artifacts;
mod caller;
pub(crate) mod described;
mod heartbeat;
mod holder;
mod input;
mod leave;
mod logs;
mod refused;
mod register;
mod requests;
mod settle;

use std::{sync::Arc, time::Duration};

use ::artifacts::Artifacts;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    response::Response,
};
use commands::{Commands, Ids, progress::Coalescer};
use domain::{LeaseId, WorkerId};
use identity::Identity;
use moka::sync::Cache;
use projections::{Reader, dispatch::WaitingWorkers, feed::Feed, kept::workers::WorkerRow};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    artifacts::turns::Turns,
    problem::Problem,
    rest::{Mount, Route},
};
use requests::Requests;

/// The version of the protocol that is spoken here.
const PROTOCOL: &str = "1";

const PROTOCOL_HEADER: HeaderName = HeaderName::from_static("greffe-protocol");

/// How long a worker is believed to be what it was, so that a beat costs one
/// statement. Also how exactly one can tell when it was last heard of.
const KNOWN_FOR: Duration = Duration::from_secs(10);

const KNOWN_MAX: u64 = 10_000;

/// What the protocol takes from its surroundings.
#[derive(Clone)]
pub struct Surroundings {
    /// The way to the jobs.
    pub commands: Commands,
    /// The way to the tables.
    pub reader: Reader,
    /// The journal, followed.
    pub feed: Arc<Feed>,
    /// Wakes those who wait for work.
    pub waiting: Arc<WaitingWorkers>,
    /// Tells who is asking.
    pub identity: Identity,
    /// Where the files are.
    pub artifacts: Artifacts,
    /// How large a file may be.
    pub upload_bytes_max: u64,
    /// Names new workers.
    pub ids: Ids,
    /// Once cancelled, nobody is kept waiting for work.
    pub drain: CancellationToken,
}

/// The worker protocol.
#[derive(Clone)]
pub struct WorkerApi(Arc<Shared>);

/// What every request shares.
struct Shared {
    around: Surroundings,
    progress: Coalescer,
    requests: Arc<Requests>,
    /// Grants are finished even if whoever asked has gone.
    grants: TaskTracker,
    workers: Cache<WorkerId, Arc<WorkerRow>>,
    /// Who was given a lease never changes.
    holders: Cache<LeaseId, WorkerId>,
    /// Files come in a few at a time, and only some of them under one token.
    uploads: Turns,
}

impl WorkerApi {
    /// Speaks the protocol for what is around it. See [`run`](Self::run).
    pub fn new(around: Surroundings) -> Self {
        let progress = Coalescer::new(around.commands.clone());
        Self(Arc::new(Shared {
            around,
            progress,
            requests: Arc::default(),
            grants: TaskTracker::new(),
            workers: Cache::builder().max_capacity(KNOWN_MAX).time_to_live(KNOWN_FOR).build(),
            holders: Cache::new(10 * KNOWN_MAX),
            uploads: Turns::default(),
        }))
    }

    /// Records progress that came too soon after the last, until `stop`; what
    /// is left then is recorded at once. To be run beside the routes, and
    /// stopped after them.
    pub async fn run(&self, stop: CancellationToken) {
        self.0.progress.run(stop).await;
        self.0.grants.close();
        self.0.grants.wait().await;
    }
}

/// What workers talk to, under `/worker/v1`.
pub fn routes(api: WorkerApi) -> Router {
    Router::new()
        .mount(Route::RegisterWorker, register::answer)
        .mount(Route::LeaveWorker, leave::answer)
        .mount(Route::Acquire, acquire::answer)
        .mount(Route::SendLogs, logs::answer)
        .mount(Route::SendArtifact, artifacts::answer)
        .mount(Route::Settle, settle::answer)
        .mount(Route::Beat, heartbeat::answer)
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED")
        })
        .refuse_rest("/worker/v1/{*rest}", async || {
            Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").detail("there is no such endpoint")
        })
        .layer(middleware::map_response(async |mut response: Response| {
            let headers = response.headers_mut();
            headers.insert(PROTOCOL_HEADER, HeaderValue::from_static(PROTOCOL));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }))
        .with_state(api)
}
