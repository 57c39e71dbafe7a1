//! Who is asking: a token, and the workers that came with it.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
};
use commands::Asked;
use domain::{Actor, Timestamp, WorkerId, actor::ServiceScope};
use identity::{IdentityError, WorkerGrant, WorkerServices, WorkerToken};
use projections::kept::workers::WorkerRow;

use super::{PROTOCOL, PROTOCOL_HEADER, Shared, WorkerApi, refused};
use crate::{problem::Problem, request::Trace};

/// Whoever showed a worker token.
pub(super) struct Caller {
    pub(super) grant: WorkerGrant,
    pub(super) now: Timestamp,
    token: WorkerToken,
    trace: Option<Trace>,
}

impl FromRequestParts<WorkerApi> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &WorkerApi) -> Result<Self, Problem> {
        speaks_our_version(&parts.headers)?;
        let token = bearer(&parts.headers)?;
        let now = api.0.around.commands.now();
        let grant = api.0.verified(&token, now).await?;
        Ok(Self { grant, now, token, trace: Trace::from_headers(&parts.headers) })
    }
}

impl Caller {
    /// What it came in by, to be looked at again by who waits for long.
    pub(super) fn entry(&self) -> Entry {
        Entry { token: self.token.clone(), grant: self.grant.clone() }
    }

    /// On behalf of one of its workers.
    pub(super) fn asked(&self, worker: WorkerId) -> Asked {
        let trace = self.trace.as_ref().map(|it| it.0.clone());
        Asked { trace, ..Asked::by(Actor::Worker { id: worker, scope: self.scope() }) }
    }

    fn scope(&self) -> ServiceScope {
        match &self.grant.services {
            WorkerServices::All => ServiceScope::All,
            WorkerServices::Named(names) => {
                // What is no name of a service is a name of none.
                let names = names.iter().filter_map(|it| it.parse().ok()).collect();
                ServiceScope::Named(Arc::new(names))
            }
        }
    }
}

/// What somebody came in by, and what it was good for.
pub(super) struct Entry {
    token: WorkerToken,
    grant: WorkerGrant,
}

impl Shared {
    async fn verified(&self, token: &WorkerToken, now: Timestamp) -> Result<WorkerGrant, Problem> {
        let verified = self.around.identity.verify_worker(token, now).await;
        verified.map_err(|error| match error {
            IdentityError::Refused(refusal) => unauthenticated(&refusal.to_string()),
            IdentityError::Contended | IdentityError::Unavailable(_) | IdentityError::Broken(_) => {
                refused::unavailable(&error)
            }
        })
    }

    /// Whether a token is good for what it was good for; a problem if it is good for nothing.
    pub(super) async fn still_lets_in(&self, entry: &Entry) -> Result<bool, Problem> {
        let grant = self.verified(&entry.token, self.around.commands.now()).await?;
        Ok(grant.services == entry.grant.services)
    }

    /// The worker of this name, if it came with the caller's token.
    pub(super) async fn known(
        &self,
        id: WorkerId,
        caller: &Caller,
    ) -> Result<Option<Arc<WorkerRow>>, Problem> {
        if let Some(known) = self.workers.get(&id) {
            return Ok(Some(known).filter(|it| it.token == caller.grant.token_id.0));
        }
        self.seen(id, caller).await
    }

    /// As the database has it now.
    pub(super) async fn seen(
        &self,
        id: WorkerId,
        caller: &Caller,
    ) -> Result<Option<Arc<WorkerRow>>, Problem> {
        let seen = self.around.reader.seen_worker(id, caller.grant.token_id.0).await;
        let seen = seen.map_err(|error| refused::unavailable(&error))?.map(Arc::new);
        if let Some(worker) = &seen {
            self.workers.insert(id, Arc::clone(worker));
        }
        Ok(seen)
    }
}

/// The worker, if there is one that has not left.
pub(super) fn present(worker: Option<Arc<WorkerRow>>) -> Result<Arc<WorkerRow>, Problem> {
    worker.filter(|it| it.left_at.is_none()).ok_or_else(unknown)
}

/// There is no such worker, or not with this token.
pub(super) fn unknown() -> Problem {
    Problem::new(StatusCode::GONE, "WORKER_UNKNOWN")
        .detail("no worker of this token has this id, or it has left: register again")
        .field("worker_id", "the id of a worker that registered with this token")
}

fn speaks_our_version(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(PROTOCOL_HEADER) {
        None => Ok(()),
        Some(version) if version == PROTOCOL => Ok(()),
        Some(_) => Err(Problem::new(StatusCode::UPGRADE_REQUIRED, "PROTOCOL_UNSUPPORTED")
            .field("Greffe-Protocol", format!("{PROTOCOL}, or absent"))
            .with("supported", vec![PROTOCOL])
            .header(header::UPGRADE, HeaderValue::from_static("greffe-worker/1"))),
    }
}

fn bearer(headers: &HeaderMap) -> Result<WorkerToken, Problem> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let (scheme, token) = shown.and_then(|it| it.split_once(' ')).ok_or_else(|| {
        unauthenticated("a worker shows its token in `Authorization: Bearer grfw_…`")
    })?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthenticated("a worker token is shown as a bearer token"));
    }
    Ok(WorkerToken::new(token.trim()))
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED")
        .detail(detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}
