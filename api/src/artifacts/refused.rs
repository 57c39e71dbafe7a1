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
            Some(Arrived::TooSlow) => Problem::new(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW")
                .field("file", "sent without long pauses"),
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
