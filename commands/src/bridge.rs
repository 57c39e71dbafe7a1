//! `cqrs-es` on one side, [`domain`] and [`journal`] on the other. Nothing else
//! in the workspace knows that `cqrs-es` exists.
//!
//! Of `cqrs-es` we use what loads, handles and commits. Its snapshots and
//! aggregate stores apply each event twice in 0.5.0, and its queries are lost
//! on a crash: neither is used.

use std::{collections::HashMap, error::Error, fmt, sync::Arc};

use cqrs_es::{
    Aggregate, AggregateContext, AggregateError, DomainEvent, EventEnvelope, EventStore,
    event_sink::EventSink,
};
use domain::{Context, Decider, EventType, Refusal, decode::decode};
use journal::{Append, AppendError, Appended, Idempotency, Journal, NewEvent, Recorded, StreamId};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, de::Error as _,
};

use crate::Ids;

/// How many events are read at a time when a stream is loaded; fewer come
/// where they are large.
const PAGE: usize = 1_000;

/// A [`Decider`] at a version, dressed as an `Aggregate`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sourced<D> {
    pub(crate) state: D,
    /// How many events it was rebuilt from.
    pub(crate) version: u64,
}

/// An event, dressed as a `DomainEvent`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Written<E>(pub(crate) E);

/// What it takes to be kept.
pub(crate) trait Kept:
    Clone + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
}
impl<T> Kept for T where T: Clone + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{}

/// What it takes to happen.
pub(crate) trait Happening:
    EventType + Clone + PartialEq + fmt::Debug + Send + Sync
{
}
impl<T> Happening for T where T: EventType + Clone + PartialEq + fmt::Debug + Send + Sync {}

impl<E: Happening + Serialize> Serialize for Written<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The journal gives events back by their type; nothing reads them blindly.
impl<'de, E> Deserialize<'de> for Written<E> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("events are read by their type, through `domain::decode`"))
    }
}

impl<E: Happening + Serialize> DomainEvent for Written<E> {
    fn event_type(&self) -> String {
        self.0.name().to_owned()
    }

    fn event_version(&self) -> String {
        self.0.schema_version().to_string()
    }
}

impl<D> Aggregate for Sourced<D>
where
    D: Decider + Kept,
    D::Command: Send,
    D::Event: Happening + Serialize,
{
    const TYPE: &'static str = D::CATEGORY;
    type Command = (D::Command, Context);
    type Event = Written<D::Event>;
    type Error = Refusal;
    type Services = (); // deciders need no one

    async fn handle(
        &mut self,
        (command, context): Self::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Refusal> {
        for event in self.state.decide(command, &context)? {
            sink.write(Written(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, Written(event): Written<D::Event>) {
        self.version += 1;
        self.state.evolve(&event, self.version);
    }
}

/// A [`Journal`], dressed as an `EventStore`.
pub(crate) struct Ledger {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) ids: Ids,
}

/// An aggregate that was loaded, and what to write with what it decides.
pub(crate) struct Loaded<D> {
    pub(crate) stream: StreamId,
    pub(crate) aggregate: Sourced<D>,
    /// The version that was loaded: what an append expects.
    pub(crate) expected: u64,
    /// The position of the last event that was loaded.
    pub(crate) position: u64,
    pub(crate) metadata: String,
    pub(crate) idempotency: Option<Idempotency>,
}

impl<D> AggregateContext<Sourced<D>> for Loaded<D>
where
    D: Decider + Kept,
    D::Command: Send,
    D::Event: Happening + Serialize,
{
    fn aggregate(&mut self) -> &mut Sourced<D> {
        &mut self.aggregate
    }
}

/// The key under which an envelope tells the position of its event.
const POSITION: &str = "position";
/// The key under which an envelope tells that it stands for an earlier append.
const REPEATED_STREAM: &str = "repeated_stream";

impl Ledger {
    /// Brings `loaded` up to the end of its stream.
    pub(crate) async fn catch_up<D>(&self, loaded: &mut Loaded<D>) -> Result<(), BridgeError>
    where
        D: Decider + Kept,
        D::Command: Send,
        D::Event: Happening + Serialize,
    {
        loop {
            let after = loaded.aggregate.version;
            let page = self.journal.read_stream(&loaded.stream, after, PAGE).await;
            let page = page.map_err(|it| AggregateError::DatabaseConnectionError(it.into()))?;
            if page.is_empty() {
                return Ok(());
            }
            for recorded in page {
                loaded.position = recorded.position;
                loaded.aggregate.apply(Written(read::<D>(&recorded)?));
            }
            loaded.expected = loaded.aggregate.version;
        }
    }

    async fn append<D>(
        &self,
        events: Vec<Written<D::Event>>,
        loaded: Loaded<D>,
    ) -> Result<Appended, AppendError>
    where
        D: Decider,
        D::Event: Happening,
    {
        let events: Result<Vec<NewEvent>, serde_json::Error> = events
            .into_iter()
            .map(|Written(event)| {
                let mut payload = event.encode()?;
                // It is kept in memory for as long as it is recent.
                payload.shrink_to_fit();
                Ok(NewEvent {
                    event_id: (self.ids)(),
                    event_type: event.name(),
                    schema_version: event.schema_version(),
                    payload,
                    metadata: loaded.metadata.clone(),
                })
            })
            .collect();
        let events = events.map_err(|_| AppendError::Malformed { rule: "writable as JSON" })?;
        let Loaded { stream, expected: expected_version, idempotency, .. } = loaded;
        self.journal.append(Append { stream, expected_version, events, idempotency }).await
    }
}

impl<D> EventStore<Sourced<D>> for Ledger
where
    D: Decider + Kept,
    D::Command: Send,
    D::Event: Happening + Serialize,
{
    type AC = Loaded<D>;

    async fn load_events(&self, id: &str) -> Result<Vec<EventEnvelope<Sourced<D>>>, BridgeError> {
        let stream = StreamId::new(D::CATEGORY, id);
        let mut history = Vec::new();
        loop {
            let after = history.len() as u64;
            let page = self.journal.read_stream(&stream, after, PAGE).await;
            let page = page.map_err(|it| AggregateError::DatabaseConnectionError(it.into()))?;
            if page.is_empty() {
                return Ok(history);
            }
            for it in page {
                history.push(envelope(&stream, it.version, read::<D>(&it)?));
            }
        }
    }

    async fn load_aggregate(&self, id: &str) -> Result<Loaded<D>, BridgeError> {
        let mut loaded = Loaded {
            stream: StreamId::new(D::CATEGORY, id),
            aggregate: Sourced::default(),
            expected: 0,
            position: 0,
            metadata: String::new(),
            idempotency: None,
        };
        self.catch_up(&mut loaded).await?;
        Ok(loaded)
    }

    async fn commit(
        &self,
        events: Vec<Written<D::Event>>,
        loaded: Loaded<D>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<Sourced<D>>>, BridgeError> {
        let last = events.last().cloned();
        let stream = loaded.stream.clone();
        let appended = self.append(events, loaded).await.map_err(translate)?;
        let mut last = last.map(|Written(event)| envelope(&stream, appended.version, event));
        if let Some(envelope) = &mut last {
            envelope.metadata = metadata;
            envelope.metadata.insert(POSITION.to_owned(), appended.position.to_string());
            if appended.repeated {
                let first = appended.stream.to_string();
                envelope.metadata.insert(REPEATED_STREAM.to_owned(), first);
            }
        }
        Ok(last.into_iter().collect())
    }
}

/// What `cqrs-es` says went wrong.
pub(crate) type BridgeError = AggregateError<Refusal>;

/// Loads an aggregate from its first event on.
pub(crate) async fn load<D>(ledger: &Ledger, stream: &StreamId) -> Result<Loaded<D>, BridgeError>
where
    D: Decider + Kept,
    D::Command: Send,
    D::Event: Happening + Serialize,
{
    EventStore::<Sourced<D>>::load_aggregate(ledger, stream.id()).await
}

/// Lets a loaded aggregate decide, and writes what it decided. Gives back the
/// aggregate after it, and where it was written, if anything was.
pub(crate) async fn handle_and_commit<D>(
    ledger: &Ledger,
    mut loaded: Loaded<D>,
    command: D::Command,
    context: Context,
) -> Result<(Sourced<D>, Option<Appended>), BridgeError>
where
    D: Decider + Kept,
    D::Command: Send,
    D::Event: Happening + Serialize,
{
    let sink = EventSink::default();
    let decided = loaded.aggregate().handle((command, context), &(), &sink).await;
    decided.map_err(AggregateError::UserError)?;
    let events = sink.collect().await;
    let after = loaded.aggregate.clone();
    if events.is_empty() {
        return Ok((after, None));
    }
    let stream = loaded.stream.clone();
    let envelopes = ledger.commit(events, loaded, HashMap::new()).await?;
    Ok((after, outcome(&stream, &envelopes)))
}

/// What the envelopes of a commit tell.
fn outcome<A: Aggregate>(stream: &StreamId, envelopes: &[EventEnvelope<A>]) -> Option<Appended> {
    let last = envelopes.last()?;
    let position = last.metadata.get(POSITION)?.parse().ok()?;
    let first = last.metadata.get(REPEATED_STREAM);
    Some(Appended {
        stream: first.and_then(|it| it.parse().ok()).unwrap_or_else(|| stream.clone()),
        version: last.sequence as u64,
        position,
        repeated: first.is_some(),
    })
}

/// The journal's own error, where `cqrs-es` has no name for it.
pub(crate) fn journal_error(error: BridgeError) -> Result<Refusal, AppendError> {
    let broken = |cause| AppendError::Journal(journal::JournalError::Unavailable(cause));
    match error {
        AggregateError::UserError(refusal) => Ok(refusal),
        AggregateError::AggregateConflict => Err(AppendError::Conflict {
            stream: StreamId::new("unknown", ""),
            expected: 0,
            actual: 0,
        }),
        AggregateError::DatabaseConnectionError(cause) => Err(broken(cause)),
        AggregateError::DeserializationError(cause) => {
            Err(AppendError::Journal(journal::JournalError::Damaged(cause)))
        }
        AggregateError::UnexpectedError(cause) => Err(match cause.downcast::<AppendError>() {
            Ok(error) => *error,
            Err(cause) => broken(cause),
        }),
    }
}

fn translate(error: AppendError) -> BridgeError {
    match error {
        AppendError::Conflict { .. } => AggregateError::AggregateConflict,
        AppendError::KeyReused { .. }
        | AppendError::Guarded { .. }
        | AppendError::Malformed { .. }
        | AppendError::Unknown(_)
        | AppendError::Journal(_) => AggregateError::UnexpectedError(Box::new(error)),
    }
}

fn envelope<D>(stream: &StreamId, version: u64, event: D::Event) -> EventEnvelope<Sourced<D>>
where
    D: Decider + Kept,
    D::Command: Send,
    D::Event: Happening + Serialize,
{
    EventEnvelope {
        aggregate_id: stream.id().to_owned(),
        sequence: usize::try_from(version).unwrap_or(usize::MAX),
        payload: Written(event),
        metadata: HashMap::new(),
    }
}

fn read<D: Decider>(recorded: &Recorded) -> Result<D::Event, BridgeError> {
    let damaged = |cause: Box<dyn Error + Send + Sync>| AggregateError::DeserializationError(cause);
    let event = decode(&recorded.event_type, recorded.schema_version, &recorded.payload);
    let event = event.map_err(|it| damaged(it.into()))?;
    D::own(event).ok_or_else(|| damaged("the stream holds an event of another aggregate".into()))
}
