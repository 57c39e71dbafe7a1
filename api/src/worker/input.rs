//! What workers send, read with a limit; what is wrong with it is named by its
//! path.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use domain::LeaseId;
use futures::StreamExt;
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::Value;
use serde_path_to_error::{Path as ErrorPath, Segment};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::{WorkerApi, refused};
use crate::problem::Problem;

/// The longest JSON body, in bytes: the largest result with room for the rest,
/// however it is escaped.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a body may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);

/// Rules repeat values of the request, and a value can be as long as it.
const RULE_BYTES_MAX: usize = 300;

/// A JSON body. Fields that we do not know are for servers to come.
pub(super) struct Input<T> {
    pub(super) value: T,
    /// The SHA-256 of what was sent, white space aside.
    pub(super) digest: [u8; 32],
}

impl<T: DeserializeOwned> FromRequest<WorkerApi> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &WorkerApi) -> Result<Self, Problem> {
        media(request.headers(), "application/json")?;
        let bytes = read(request.into_body(), BODY_BYTES_MAX).await?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "MALFORMED")
                .field("body", format!("JSON; {error}"))
        })?;
        let digest = Sha256::digest(value.to_string()).into();
        let value = serde_path_to_error::deserialize(value)
            .map_err(|error| misfit(error.path(), &error.inner().to_string()))?;
        Ok(Self { value, digest })
    }
}

/// The id of a lease, as it is written in paths and in JSON.
#[derive(Clone, Copy)]
pub(super) struct LeaseName(pub(super) LeaseId);

impl<'de> Deserialize<'de> for LeaseName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

impl FromRequestParts<WorkerApi> for LeaseName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &WorkerApi) -> Result<Self, Problem> {
        let name: Result<Path<String>, _> = Path::from_request_parts(parts, api).await;
        let lease = name.ok().and_then(|Path(it)| it.parse().ok());
        lease.map(Self).ok_or_else(refused::lease_unknown)
    }
}

/// Asked for before the body is read.
pub(super) fn media(headers: &HeaderMap, expected: &str) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let given = given.and_then(|it| it.split(';').next()).unwrap_or_default().trim();
    if given.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")
        .field("Content-Type", expected))
}

pub(super) async fn read(body: Body, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    timeout(ARRIVES_WITHIN, collect(body, bytes_max)).await.unwrap_or_else(|_| {
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW")
            .field("body", format!("complete within {} seconds", ARRIVES_WITHIN.as_secs())))
    })
}

async fn collect(body: Body, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "MALFORMED").field("body", "complete")
        })?;
        if bytes_max < bytes.len() + chunk.len() {
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE")
                .field("body", format!("at most {bytes_max} bytes"))
                .with("limit", bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// JSON that is not what the endpoint takes.
fn misfit(path: &ErrorPath, error: &str) -> Problem {
    misfit_in(String::new(), path, error)
}

/// JSON that is a part of the body and not what the endpoint takes.
pub(super) fn misfit_in(part: String, path: &ErrorPath, error: &str) -> Problem {
    let (field, rule) = fault_in(part, path, error);
    refused::invalid(field, rule)
}

/// What is at fault in JSON that is a part of the body, and the rule that it breaks.
pub(super) fn fault_in(mut field: String, path: &ErrorPath, error: &str) -> (String, String) {
    let mut step = |name: &str| {
        if !field.is_empty() {
            field.push('/');
        }
        field.push_str(name);
    };
    for segment in path {
        match segment {
            Segment::Seq { index } => step(&index.to_string()),
            Segment::Map { key } => step(key),
            Segment::Enum { variant } => step(variant),
            Segment::Unknown => {}
        }
    }
    let missing = error.strip_prefix("missing field `").and_then(|it| it.split('`').next());
    if let Some(name) = missing {
        step(name);
        return (field, "required".to_owned());
    }
    let end = error.floor_char_boundary(RULE_BYTES_MAX);
    let field = if field.is_empty() { "body".to_owned() } else { field };
    (field, error[..end].to_owned())
}
