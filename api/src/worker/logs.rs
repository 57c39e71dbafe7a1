//! `POST /leases/{lease}/logs`: lines for the log of an attempt, one JSON
//! object each, appended at an offset.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode},
    response::{IntoResponse, Response},
};
use commands::lease::Holder;
use domain::{Timestamp, worker::RefusedReport};
use projections::kept::logs::Logged;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Instrument;

use super::{
    Shared, WorkerApi,
    caller::Caller,
    heartbeat,
    input::{self, LeaseName},
    refused,
};
use crate::problem::Problem;

/// The longest line, in bytes.
pub(super) const LINE_BYTES_MAX: usize = 8 * 1024;

/// The most that one request may bring, in bytes.
pub(super) const BATCH_BYTES_MAX: usize = 256 * 1024;

/// How often to send lines.
pub(super) const FLUSH_MS: u64 = 1_000;

const FENCE: HeaderName = HeaderName::from_static("greffe-fence");
const OFFSET: HeaderName = HeaderName::from_static("greffe-log-offset");

/// What we know of a line. Its other fields are kept as they are.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "message")]
    _message: String,
    #[serde(rename = "level")]
    _level: Option<String>,
    #[serde(rename = "ts")]
    _ts: Option<Timestamp>,
}

/// Where the log ends.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Logged")]
pub(super) struct Appended {
    /// The number of the next line.
    next: u64,
    /// How often to send lines.
    flush_ms: u64,
}

/// Lines as they come in.
struct Batch {
    offset: u64,
    lines: Vec<String>,
}

pub(super) async fn answer(
    State(api): State<WorkerApi>,
    caller: Caller,
    LeaseName(lease): LeaseName,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    input::media(&parts.headers, "application/x-ndjson")?;
    heartbeat::fence("Greffe-Fence", number(&parts.headers, &FENCE)?, lease)?;
    let offset = number(&parts.headers, &OFFSET)?;
    let lines = lines(&input::read(body, BATCH_BYTES_MAX).await?)?;
    let holder = api.0.holder(lease, &caller).await?;
    let span = tracing::info_span!("worker logs", worker = %holder.worker, job = %lease.job);
    api.0.log(holder, Batch { offset, lines }, &caller).instrument(span).await
}

impl Shared {
    async fn log(
        &self,
        holder: Holder,
        Batch { offset, lines }: Batch,
        caller: &Caller,
    ) -> Result<Response, Problem> {
        let reader = &self.around.reader;
        let holds = reader.holds(holder.worker, holder.lease).await;
        if !holds.map_err(|error| refused::unavailable(&error))? {
            return Err(self.too_late(holder, RefusedReport::Log, caller).await?);
        }
        let logged = reader.append_log(holder.lease, offset, &lines).await;
        match logged.map_err(|error| refused::unavailable(&error))? {
            Logged::Next(next) => {
                let answer = Appended { next, flush_ms: FLUSH_MS };
                Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
            }
            Logged::Expected(expected) => {
                Err(Problem::new(StatusCode::CONFLICT, "LOG_OFFSET_MISMATCH")
                    .field("Greffe-Log-Offset", format!("at most {expected}"))
                    .with("expected", expected))
            }
            Logged::Sealed => Err(Problem::new(StatusCode::CONFLICT, "LOG_SEALED")
                .detail("the attempt is being settled, and its log is complete")),
        }
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Problem> {
    let text = headers.get(name).and_then(|it| it.to_str().ok());
    let number = text.and_then(|it| it.parse().ok()).filter(|it| i64::try_from(*it).is_ok());
    let field = if *name == FENCE { "Greffe-Fence" } else { "Greffe-Log-Offset" };
    number.ok_or_else(|| refused::invalid(field, "a whole number, in a header"))
}

fn lines(bytes: &[u8]) -> Result<Vec<String>, Problem> {
    let text = str::from_utf8(bytes)
        .map_err(|error| refused::invalid("body", format!("UTF-8; {error}")))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split('\n').enumerate().map(|(index, line)| checked(index, line.trim())).collect()
}

/// The line, if it can be kept and shown: Postgres cannot hold a NUL as JSON.
fn checked(index: usize, line: &str) -> Result<String, Problem> {
    let field = format!("lines/{index}");
    if LINE_BYTES_MAX < line.len() {
        return Err(refused::invalid(field, format!("at most {LINE_BYTES_MAX} bytes")));
    }
    if line.contains(r"\u0000") {
        return Err(refused::invalid(field, "without NUL"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let parsed: Result<Line, _> = serde_path_to_error::deserialize(&mut deserializer);
    parsed.map_err(|it| input::misfit_in(field.clone(), it.path(), &it.inner().to_string()))?;
    deserializer.end().map_err(|error| refused::invalid(field, format!("one object; {error}")))?;
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests;
