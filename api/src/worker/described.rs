//! What the OpenAPI document says of the worker protocol.

use domain::job::{JobKind, JobState};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{acquire, artifacts, heartbeat, leave, logs, register, settle};
use crate::rest::operation::{Operation, Schemas};

const WORKER: &str = "0192aaaa-0000-7000-8000-000000000001";
const JOB: &str = "0193bbbb-0000-7000-8000-000000000002";
const LEASE: &str = "0193bbbb-0000-7000-8000-000000000002.2";
const TIME: &str = "2026-01-02T03:04:05.678Z";
const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

pub(crate) fn register(schemas: &mut Schemas) -> Operation {
    let sent = json!({
        "instance_key": "3c1f", "name": "ocr-7", "services": ["ocr"], "slots": 4,
        "host": "h1", "pid": 41, "sdk": { "name": "greffe-python", "version": "0.1.0" },
    });
    let welcome = json!({
        "worker_id": WORKER, "heartbeat_ms": 15_000, "lease_ms": 60_000, "long_poll_ms": 30_000,
        "limits": {
            "body_bytes": 1_048_576, "result_bytes": 262_144, "log_line_bytes": 8_192,
            "log_batch_bytes": 262_144, "leases_per_acquire": 32, "leases_per_heartbeat": 256,
            "progress_per_s": 3,
        },
        "server_time": TIME,
    });
    let operation = said("A worker process comes: once, before all else.")
        .takes::<register::Register>(schemas, &sent)
        .answers::<register::Welcome>(200, schemas, "It is known already.", &welcome)
        .answers::<register::Welcome>(201, schemas, "It is known now.", &welcome);
    spoken(spoken(read(operation, &["invalid", "unknown_service"]), 200), 201)
        .refuses(&[(403, &["service_forbidden"])])
}

pub(crate) fn leave(schemas: &mut Schemas) -> Operation {
    let left = json!({ "released": [LEASE] });
    let operation = said("A worker goes, and gives back what it holds.")
        .parameter("path", "worker", "As it was registered.", &uuid())
        .answers::<leave::Left>(200, schemas, "It has left.", &left);
    spoken(operation, 200).refuses(&[(410, &["worker_unknown"])])
}

pub(crate) fn acquire(schemas: &mut Schemas) -> Operation {
    let sent = json!({
        "worker_id": WORKER, "request_id": "5f0c0000-0000-4000-8000-000000000003",
        "services": ["ocr"], "max": 2, "wait_ms": 20_000,
    });
    let leases = json!({ "leases": [{
        "lease_id": LEASE, "job_id": JOB, "fence": 2, "attempt": 1, "attempts_max": 3,
        "delivery": 1, "kind": "TASK", "service": "ocr", "priority": 0, "body": { "pages": 12 },
        "checkpoint": null, "previous_error": null, "lease_expires_in_ms": 60_000,
        "run_deadline": null, "run_ends_in_ms": null, "cancel_requested": false,
    }] });
    let operation = said("A worker takes jobs, and waits for some if there are none.")
        .takes::<acquire::Acquire>(schemas, &sent)
        .answers::<acquire::Leases<'_>>(200, schemas, "One job or more.", &leases)
        .answers_content(204, "There was nothing: ask again.", &Value::Null);
    spoken(spoken(read(operation, &["invalid"]), 200), 204)
        .refuses(&[(403, &["service_forbidden"]), (410, &["worker_unknown"])])
}

pub(crate) fn beat(schemas: &mut Schemas) -> Operation {
    let sent = json!({ "worker_id": WORKER, "leases": [{
        "lease_id": LEASE, "fence": 2, "checkpoint": { "page": 3 },
        "progress": { "seq": 9, "done": 3, "total": 12, "message": "page 3" },
    }] });
    let answer = json!({ "next_ms": 15_000, "server_time": TIME, "leases": [{
        "lease_id": LEASE, "status": "ok", "lease_expires_in_ms": 60_000, "log_flush_ms": 1_000,
    }] });
    let operation = said("A worker is alive: one call for all that it holds.")
        .takes::<heartbeat::Heartbeat>(schemas, &sent)
        .answers::<heartbeat::Answer>(200, schemas, "What it is to do of each lease.", &answer);
    spoken(read(operation, &["invalid"]), 200).refuses(&[(410, &["worker_unknown"])])
}

pub(crate) fn log(schemas: &mut Schemas) -> Operation {
    let number = json!({ "type": "integer", "minimum": 0 });
    let lines = json!({ "application/x-ndjson": {
        "schema": {
            "type": "string",
            "description": "Lines, each a JSON object with at least `message`; `level` and `ts` \
                are known, too, and other fields are kept. No line is empty.",
        },
        "example": "{\"ts\": \"2026-01-02T03:04:05Z\", \"level\": \"warn\", \"message\": \"blurred\"}\n",
    } });
    let next = json!({ "next": 341, "flush_ms": 1_000 });
    let operation = of_lease("Lines for the log of an attempt, appended at an offset.")
        .parameter("header", "Greffe-Fence", "The fence of the lease.", &number)
        .parameter("header", "Greffe-Log-Offset", "The number of the first line.", &number)
        .takes_content(&lines)
        .answers::<logs::Appended>(202, schemas, "They are kept.", &next);
    let conflicts = &["stale_fence", "already_settled", "log_offset_mismatch", "log_sealed"];
    spoken(read(operation, &["invalid"]), 202)
        .refuses(&[(404, &["lease_unknown"]), (409, conflicts)])
}

pub(crate) fn send(schemas: &mut Schemas) -> Operation {
    let kept = json!({ "sha256": SHA256, "name": "pages.csv", "bytes": 10 });
    let operation = of_lease("A file that the job has made, as it is.")
        .parameter("query", "name", "Its name.", &json!({ "type": "string" }))
        .takes_content(&json!({ "*/*": { "schema": { "description": "The file." } } }))
        .answers::<artifacts::Kept>(201, schemas, "It is kept for the job.", &kept);
    spoken(operation, 201).refuses(&[
        (400, &["malformed"]),
        (404, &["lease_unknown"]),
        (408, &["body_too_slow"]),
        (409, &["stale_fence", "already_settled"]),
        (413, &["payload_too_large"]),
        (422, &["invalid"]),
    ])
}

pub(crate) fn settle(schemas: &mut Schemas) -> Operation {
    let sent = json!({
        "fence": 2, "op_id": "77aa0000-0000-4000-8000-000000000004", "outcome": "succeeded",
        "result": { "words": 12 }, "errors": 1,
        "artifacts": [{ "sha256": SHA256, "name": "pages.csv", "bytes": 10 }],
        "final_progress": { "done": 12, "total": 12 },
    });
    let settled =
        json!({ "job_state": "SUCCEEDED", "position": 8_131, "version": 5, "next_run_at": null });
    let operation = of_lease("The one outcome of a lease.")
        .takes::<settle::Settle>(schemas, &sent)
        .answers::<settle::Settled>(200, schemas, "It is settled.", &settled);
    let conflicts = &["stale_fence", "already_settled", "key_reused", "cancel_not_requested"];
    spoken(read(operation, &["invalid", "wrong_kind"]), 200)
        .refuses(&[(404, &["lease_unknown"]), (409, conflicts)])
}

/// By a worker, with its token, in our version of the protocol.
fn said(summary: &'static str) -> Operation {
    let version = json!({ "type": "string", "const": super::PROTOCOL });
    Operation::new("workers", summary)
        .shown("worker")
        .parameter("header", "Greffe-Protocol", "The version that is spoken.", &version)
        .optional()
        .refuses(&[
            (401, &["unauthenticated"]),
            (426, &["protocol_unsupported"]),
            (503, &["contended", "unavailable"]),
        ])
}

fn of_lease(summary: &'static str) -> Operation {
    let schema = json!({ "type": "string", "examples": [LEASE] });
    said(summary).parameter("path", "lease", "As it was granted: `job.fence`.", &schema)
}

/// What is read before it is understood.
fn read(operation: Operation, unprocessable: &[&str]) -> Operation {
    operation.refuses(&[
        (400, &["malformed"]),
        (408, &["body_too_slow"]),
        (413, &["payload_too_large"]),
        (415, &["unsupported_media_type"]),
        (422, unprocessable),
    ])
}

fn spoken(operation: Operation, status: u16) -> Operation {
    let header = json!({ "$ref": "#/components/headers/Greffe-Protocol" });
    operation.answers_header(status, "Greffe-Protocol", &header)
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

/// Of a job, as events and answers write it.
pub(super) fn job_state(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": JobState::ALL })
}

pub(super) fn job_kind(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": [JobKind::Task, JobKind::Crawl, JobKind::Report] })
}

/// How an earlier attempt failed, if it did.
pub(super) fn previous_error(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["object", "null"],
        "required": ["type", "message", "retryable"],
        "properties": {
            "type": { "type": "string" },
            "message": { "type": "string" },
            "detail": { "type": "string" },
            "retryable": { "type": "boolean" },
        },
    })
}

/// Files that were sent before.
pub(super) fn cited(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["sha256", "name", "bytes"],
            "properties": {
                "sha256": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                "name": { "type": "string" },
                "bytes": { "type": "integer", "minimum": 0 },
            },
        },
    })
}
