//! Recorded events, understood.

use std::{ops::Deref, sync::Arc};

use domain::{
    ClientId, JobId, LandId, Timestamp, UserId, WorkerId,
    decode::{DecodeError, Event, decode},
    job::JobEvent,
    weight,
};
use journal::{Recorded, StreamId};
use serde::Deserialize;

/// How much an event takes, understood, of the length of its text: numbers and
/// flags take more than they do when written, texts as much. JSON in it is
/// weighed.
const TIMES_LARGER: usize = 2;

/// An event that was recorded, and is understood.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What it happened to.
    pub subject: Subject,
    /// What happened.
    pub event: Event,
    /// On whose behalf, as `user:…`, `worker:…` or `system:…`.
    pub actor: String,
    /// The position of the event that it answers, if it answers one.
    pub cause: Option<u64>,
    /// The rest of the envelope.
    pub recorded: Arc<Recorded>,
}

/// What an event happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A job.
    Job(JobId),
    /// A worker.
    Worker(WorkerId),
    /// An account.
    Account(UserId),
    /// A client.
    Client(ClientId),
    /// A land.
    Land(LandId),
}

impl Subject {
    /// The stream that its events are kept in.
    pub(crate) fn stream(self) -> StreamId {
        match self {
            Self::Job(id) => StreamId::new("job", id),
            Self::Worker(id) => StreamId::new("worker", id),
            Self::Account(id) => StreamId::new("account", id),
            Self::Client(id) => StreamId::new("client", id),
            Self::Land(id) => StreamId::new("land", id),
        }
    }
}

/// An event that this program does not understand. Never skipped in silence.
#[derive(Debug, thiserror::Error)]
#[error("the event at position {position} is not understood")]
pub struct Unreadable {
    /// Where it stands.
    pub position: u64,
    /// What is wrong with it.
    #[source]
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

/// What of an event's metadata one reads back.
#[derive(Deserialize)]
struct Metadata {
    actor: String,
    #[serde(rename = "causation_id", default)]
    cause: Option<u64>,
}

/// An event as it stands in the journal, whether or not it is understood.
#[derive(Clone, Debug)]
pub struct Entry(pub(crate) Arc<Recorded>);

impl Entry {
    /// On whose behalf it happened.
    pub fn actor(&self) -> Result<String, Unreadable> {
        let metadata: Result<Metadata, _> = serde_json::from_str(&self.metadata);
        metadata
            .map(|it| it.actor)
            .map_err(|it| Unreadable { position: self.position, cause: it.into() })
    }

    /// How long it is, in bytes of JSON.
    pub fn bytes(&self) -> u64 {
        (self.payload.len() + self.metadata.len()) as u64
    }
}

impl Deref for Entry {
    type Target = Recorded;

    fn deref(&self) -> &Recorded {
        &self.0
    }
}

impl Fact {
    /// Understands `recorded`.
    pub fn read(recorded: &Arc<Recorded>) -> Result<Self, Unreadable> {
        let unreadable = |cause| Unreadable { position: recorded.position, cause };
        let Recorded { event_type, schema_version, payload, .. } = &**recorded;
        let event = decode(event_type, *schema_version, payload);
        let event = event.map_err(|it: DecodeError| unreadable(it.into()))?;
        let id = recorded.stream.id();
        let id = id.parse().map_err(|it: uuid::Error| unreadable(it.into()))?;
        let subject = match &event {
            Event::Job(_) => Subject::Job(JobId(id)),
            Event::Worker(_) => Subject::Worker(WorkerId(id)),
            Event::Account(_) => Subject::Account(UserId(id)),
            Event::Client(_) => Subject::Client(ClientId(id)),
            Event::Land(_) => Subject::Land(LandId(id)),
        };
        let metadata: Metadata =
            serde_json::from_str(&recorded.metadata).map_err(|it| unreadable(it.into()))?;
        let Metadata { actor, cause } = metadata;
        Ok(Self { subject, event, actor, cause, recorded: Arc::clone(recorded) })
    }

    /// What it takes in memory, in bytes, about.
    pub(crate) fn weight(&self) -> usize {
        let Recorded { payload, metadata, .. } = &*self.recorded;
        let json = self.of_job().and_then(|(_, it)| it.json()).map_or(0, weight::json);
        let text = payload.len() + metadata.len();
        size_of::<Self>() + size_of::<Recorded>() + text + TIMES_LARGER * payload.len() + json
    }

    /// Its place in the journal.
    pub fn position(&self) -> u64 {
        self.recorded.position
    }

    /// When it was recorded.
    pub fn at(&self) -> Timestamp {
        self.recorded.recorded_at
    }

    /// The job and what happened to it, if it happened to one.
    pub fn of_job(&self) -> Option<(JobId, &JobEvent)> {
        match (&self.subject, &self.event) {
            (Subject::Job(id), Event::Job(event)) => Some((*id, event)),
            _ => None,
        }
    }
}
