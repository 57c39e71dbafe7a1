//! How whoever sends or reads a file is told no.

use std::error::Error;

use artifacts::ArtifactError;
use axum::http::{HeaderValue, StatusCode, header};

use super::Arrived;
use crate::problem::Problem;

/// What a file that was not stored or not found is answered with. What is ours to mend goes to the
/// log, once, here.
pub(crate) fn failed(error: &ArtifactError) -> Problem {
    match error {
        ArtifactError::TooLarge { bytes_max } => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE")
                .field("file", format!("at most {bytes_max} bytes"))
                .with("limit", *bytes_max)
        }
        ArtifactError::Interrupted(cause) => match cause.downcast_ref() {
            Some(Arrived::TooSlow) => too_slow(),
            Some(Arrived::Broken) | None => malformed("complete"),
        },
        ArtifactError::NotStored => not_found(),
        ArtifactError::Unavailable(_) | ArtifactError::Damaged(_) => unavailable(error),
    }
}

/// There is no such file, or it is somebody else's.
pub(super) fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").detail("you have no such file")
}

/// A request that is not what it should be.
pub(super) fn malformed(rule: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "MALFORMED").field("file", rule)
}

/// It did not come, or not fast enough.
pub(super) fn too_slow() -> Problem {
    let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW");
    problem.field("file", "sent without long pauses")
}

/// Too many files come in at once.
pub(super) fn busy() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE")
        .detail("other files are coming in, perhaps of yours: send it again")
        .header(header::RETRY_AFTER, HeaderValue::from_static("5"))
}

/// Nothing is wrong with the request: it is for another moment.
pub(super) fn unavailable(cause: &(dyn Error + 'static)) -> Problem {
    let mut text = cause.to_string();
    let mut next = cause.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    tracing::error!(error = text, "a request for a file failed");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE")
        .detail("something is out of reach: ask again")
        .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}
