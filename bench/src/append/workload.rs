//! What is appended: streams of twenty events, each with 240 bytes of payload.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

use ::journal::{Append, NewEvent, StreamId};
use chrono::DateTime;
use domain::{
    EventType, JobId, UserId, WorkerId,
    job::{
        JobEvent, LeaseGranted, Order, Policy, Progress, ProgressReported, TaskCompleted,
        TaskCreated, TaskSpec,
    },
};
use serde_json::json;
use uuid::Uuid;

const EVENTS_OF_A_STREAM: u64 = 20;

const PAYLOAD_BYTES: usize = 240;

const METADATA: &str = r#"{"actor":"bench"}"#;

/// What the events are about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Workload {
    /// Nothing that anything else depends on.
    Notes,
    /// Jobs from creation to end, with the dispatch tables.
    Jobs,
}

/// The appends of one caller.
pub(super) enum Work {
    Notes(Notes),
    Jobs(Jobs),
}

impl Work {
    pub(super) fn new(workload: Workload) -> Self {
        match workload {
            Workload::Notes => Self::Notes(Notes::default()),
            Workload::Jobs => Self::Jobs(Jobs::default()),
        }
    }

    pub(super) fn next(&mut self) -> anyhow::Result<Append> {
        match self {
            Self::Notes(notes) => Ok(notes.next()),
            Self::Jobs(jobs) => jobs.next(),
        }
    }
}

#[derive(Default)]
pub(super) struct Notes {
    written: u64,
    stream: Uuid,
}

impl Notes {
    pub(super) fn next(&mut self) -> Append {
        let version = self.written % EVENTS_OF_A_STREAM;
        if version == 0 {
            self.stream = identity();
        }
        self.written += 1;
        let payload = padded(|note| format!(r#"{{"pages":{version},"note":"{note}"}}"#));
        append(StreamId::new("note", self.stream), version, "Noted", payload)
    }
}

#[derive(Default)]
pub(super) struct Jobs {
    written: u64,
    job: Uuid,
}

impl Jobs {
    fn next(&mut self) -> anyhow::Result<Append> {
        let version = self.written % EVENTS_OF_A_STREAM;
        if version == 0 {
            self.job = identity();
        }
        self.written += 1;
        let event = match version {
            0 => created()?,
            1 => granted(),
            19 => completed(),
            _ => progressed(version),
        };
        let stream = StreamId::new("job", JobId(self.job));
        Ok(append(stream, version, event.name(), event.encode()?))
    }
}

fn created() -> anyhow::Result<JobEvent> {
    let order = Order {
        owner: UserId(Uuid::nil()),
        priority: 0,
        not_before: None,
        expires_at: DateTime::from_timestamp(4_000_000_000, 0).unwrap_or_default(),
        policy: Policy::default(),
        retry_of: None,
    };
    let task = TaskSpec { service: "checksum".parse()?, body: json!({ "path": "a.txt" }) };
    Ok(JobEvent::TaskCreated(TaskCreated { order, task }))
}

fn granted() -> JobEvent {
    JobEvent::LeaseGranted(LeaseGranted {
        worker: WorkerId(Uuid::nil()),
        attempt: 1,
        delivery: 1,
        lease_ms: 60_000,
        run_deadline: None,
        request: None,
    })
}

fn progressed(done: u64) -> JobEvent {
    let event = |message: &str| ProgressReported {
        fence: 2,
        progress: Some(Progress { done, total: Some(20), message: Some(message.to_owned()) }),
        checkpoint: None,
    };
    // As long as the payload of a note: the rest of the JSON takes sixty bytes.
    JobEvent::ProgressReported(event(&"x".repeat(PAYLOAD_BYTES - 60)))
}

fn completed() -> JobEvent {
    JobEvent::TaskCompleted(TaskCompleted {
        fence: 2,
        result: json!({ "sha256": "0".repeat(64) }),
        errors: 0,
        artifacts: vec![],
    })
}

/// Written when all others are.
pub(super) fn last() -> Append {
    append(StreamId::new("note", identity()), 0, "Noted", "{}".to_owned())
}

fn append(stream: StreamId, version: u64, event_type: &'static str, payload: String) -> Append {
    let event = NewEvent {
        event_id: identity(),
        event_type,
        schema_version: 1,
        payload,
        metadata: METADATA.to_owned(),
    };
    Append { stream, expected_version: version, events: vec![event], idempotency: None }
}

/// JSON text of the agreed length.
fn padded(text: impl Fn(&str) -> String) -> String {
    let bare = text("").len();
    text(&"x".repeat(PAYLOAD_BYTES - bare))
}

/// As good as a version 7 (unique, and in the order of time) without asking the
/// system for randomness, which would cost callers more than the append does.
fn identity() -> Uuid {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    #[expect(clippy::disallowed_methods, reason = "the bench is an edge")]
    static START: LazyLock<Uuid> = LazyLock::new(Uuid::now_v7);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // The count takes the place of the time's last bits and of what follows;
    // the last 32 bits tell processes apart.
    Uuid::from_u128((START.as_u128() & !(u128::from(u64::MAX) << 32)) | (u128::from(count) << 32))
}
