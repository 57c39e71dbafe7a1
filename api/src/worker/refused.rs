//! How workers are told no: the one place where refusals and failures become
//! problems.

use std::error::Error;

use axum::http::{HeaderValue, StatusCode, header};
use commands::CommandError;
use domain::Refusal;

use crate::problem::Problem;

/// What a command that changed nothing is answered with.
pub(super) fn command(error: &CommandError) -> Problem {
    match error {
        CommandError::Refused(refusal) => self::refusal(refusal),
        CommandError::Contended => later("CONTENDED", "too many writers at once: ask again"),
        CommandError::Broken(_) => unavailable(error),
    }
}

/// What a refusal is answered with.
pub(super) fn refusal(refusal: &Refusal) -> Problem {
    let code = refusal.code();
    let problem = match refusal {
        Refusal::NotFound { .. } => return lease_unknown(),
        Refusal::StaleFence { current, state, .. } => Problem::new(StatusCode::CONFLICT, code)
            .field("fence", "that of the lease that holds the job")
            .with("current_fence", *current)
            .with("job_state", state.as_str()),
        Refusal::AlreadySettled { state, .. } => Problem::new(StatusCode::CONFLICT, code)
            .field("fence", "that of a lease that has not been settled")
            .with("job_state", state.as_str()),
        Refusal::Ended { state } | Refusal::NotEnded { state } => {
            Problem::new(StatusCode::CONFLICT, code).with("job_state", state.as_str())
        }
        Refusal::AlreadyExists
        | Refusal::AlreadyLeased
        | Refusal::TooEarly
        | Refusal::TooLate
        | Refusal::Paused
        | Refusal::CancelNotRequested => Problem::new(StatusCode::CONFLICT, code),
        Refusal::QuotaExceeded(_) => Problem::new(StatusCode::TOO_MANY_REQUESTS, code),
        Refusal::KeyReused => Problem::new(StatusCode::CONFLICT, code)
            .field("op_id", "one for each report, and the same for its repetitions"),
        Refusal::Forbidden { rule } => Problem::new(StatusCode::FORBIDDEN, code).detail(*rule),
        Refusal::WrongKind { .. } => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code)
            .field("outcome", "one that this kind of job can have"),
        Refusal::UnknownService { name } => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code)
            .field("services", format!("declared; `{name}` is not")),
        Refusal::Invalid { field, rule } => return invalid(field.replace('.', "/"), rule.clone()),
    };
    problem.detail(refusal.to_string())
}

/// An input that breaks a rule.
pub(super) fn invalid(field: impl Into<String>, rule: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID").field(field, rule)
}

/// There is no such lease, or it was never given to a worker of this token.
pub(super) fn lease_unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "LEASE_UNKNOWN")
        .detail("no worker of this token was ever given this lease: treat it as lost")
        .field("lease_id", "the id of a lease, as it was granted")
}

/// Something that nobody asked for went wrong. The cause goes to the log, once,
/// here.
pub(super) fn unavailable(cause: &(dyn Error + 'static)) -> Problem {
    let mut text = cause.to_string();
    let mut next = cause.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    tracing::error!(error = text, "a worker's request failed");
    later("UNAVAILABLE", "something is out of reach: keep working, and ask again")
}

/// Nothing is wrong with the request: it is for another moment.
pub(super) fn later(code: &'static str, detail: &str) -> Problem {
    after(HeaderValue::from_static("1"), code, detail)
}

/// Too many files come in at once.
pub(super) fn busy() -> Problem {
    let detail = "other files are coming in, perhaps under the same token: send it again";
    after(HeaderValue::from_static("5"), "UNAVAILABLE", detail)
}

fn after(seconds: HeaderValue, code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code)
        .detail(detail)
        .header(header::RETRY_AFTER, seconds)
}
