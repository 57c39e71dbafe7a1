//! Loads one aggregate, lets it decide, appends; and again if somebody in
//! another process was faster.

mod memory;

use std::{fmt, sync::Arc};

use domain::{Decider, Refusal, Timestamp};
use journal::{AppendError, Journal, StreamId};
use serde::Serialize;
use tracing::{Instrument, info_span};
use uuid::Uuid;

use self::memory::Memory;
use crate::{
    Accepted, Asked, CommandError, Ids,
    asked::KEY_BYTES_MAX,
    bridge::{self, Happening, Kept, Ledger, Loaded},
    error::refused_or_broken,
    stream_locks::StreamLocks,
};

/// How often to decide again when somebody else wrote first.
const CONFLICTS_MAX: u32 = 8;

/// Carries out the commands of one kind of aggregate.
pub(crate) struct Executor<D> {
    ledger: Ledger,
    memory: Memory<D>,
    locks: StreamLocks,
}

/// Under which name a command is carried out, when, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) name: &'static str,
    pub(crate) now: Timestamp,
    pub(crate) asked: &'a Asked,
}

/// A command that was carried out, and what it led to.
#[derive(Clone, Debug)]
pub struct Executed<D> {
    /// Where it was written.
    pub accepted: Accepted,
    /// The aggregate after it; before it, if the command was a repetition.
    pub state: D,
}

/// What became of a decision.
enum Decided<D> {
    /// It is in the journal.
    Written(Executed<D>),
    /// There was nothing to write: it had been done already, or is refused.
    Unwritten(Result<Executed<D>, Refusal>),
}

impl<D> Executor<D>
where
    D: Decider + Kept,
    D::Command: Clone + Send + fmt::Debug,
    D::Event: Happening + Serialize,
{
    pub(crate) fn new(journal: Arc<dyn Journal>, ids: Ids) -> Self {
        Self {
            ledger: Ledger { journal, ids },
            memory: Memory::new(),
            locks: StreamLocks::default(),
        }
    }

    /// The aggregate as it is now.
    pub(crate) async fn load(&self, id: Uuid) -> Result<D, CommandError> {
        self.current(&StreamId::new(D::CATEGORY, id)).await
    }

    /// What the first command under this key led to.
    pub(crate) async fn repeated(
        &self,
        name: &'static str,
        asked: &Asked,
    ) -> Result<Option<Accepted>, CommandError> {
        let Some(key) = asked.idempotency(name) else { return Ok(None) };
        if key.key.is_empty() || KEY_BYTES_MAX < key.key.len() || key.key.contains('\0') {
            let rule = format!("between 1 and {KEY_BYTES_MAX} bytes, none of them NUL");
            return Err(Refusal::invalid("idempotencyKey", rule).into());
        }
        let first = self.ledger.journal.outcome(&key.scope, &key.key).await;
        // It says nothing of any stream, whatever is wrong with it.
        let first = first.map_err(|it| refused_or_broken(it.into()))?;
        let Some(first) = first else { return Ok(None) };
        if first.digest != key.digest {
            return Err(Refusal::KeyReused.into());
        }
        let (version, position) = (first.version, first.position);
        Ok(Some(Accepted { stream: first.stream, version, position, repeated: true }))
    }

    /// Carries out `command`, decided anew as often as somebody else was
    /// faster.
    pub(crate) async fn execute(
        &self,
        id: Uuid,
        command: D::Command,
        call: Call<'_>,
    ) -> Result<Executed<D>, CommandError> {
        let name = call.name;
        let stream = StreamId::new(D::CATEGORY, id);
        let span = info_span!("command", name, %stream, position = tracing::field::Empty);
        let work = self.decide_until_written(&stream, command, call);
        let result = work.instrument(span.clone()).await;
        if let Ok(executed) = &result {
            span.record("position", executed.accepted.position);
        }
        result
    }

    async fn decide_until_written(
        &self,
        stream: &StreamId,
        command: D::Command,
        call: Call<'_>,
    ) -> Result<Executed<D>, CommandError> {
        let Call { name, asked, .. } = call;
        let _held = self.locks.lock(stream).await;
        if let Some(accepted) = self.repeated(name, asked).await? {
            let state = self.current(stream).await?;
            return Ok(Executed { accepted, state });
        }
        let metadata = asked.metadata().map_err(|it| CommandError::Broken(it.into()))?;
        let mut fresh = !self.memory.holds(stream);
        for _ in 0..CONFLICTS_MAX {
            let mut loaded = self.loaded(stream).await?;
            loaded.metadata.clone_from(&metadata);
            loaded.idempotency = asked.idempotency(name);
            match self.attempt(loaded, command.clone(), call).await {
                Err(AppendError::Conflict { .. }) => {
                    metrics::counter!("greffe_command_conflicts_total").increment(1);
                    self.refresh(stream).await?;
                    fresh = true;
                }
                Err(error) => {
                    // It may have been written after all: look before the next.
                    self.memory.forget(stream);
                    return Err(refused_or_broken(error));
                }
                Ok(Decided::Written(executed)) => return Ok(executed),
                Ok(Decided::Unwritten(answer)) if fresh => return Ok(answer?),
                // What is kept in memory may be behind what another process
                // wrote, and no append has put it to the test.
                Ok(Decided::Unwritten(_)) => {
                    self.refresh(stream).await?;
                    fresh = true;
                }
            }
        }
        Err(CommandError::Contended)
    }

    async fn attempt(
        &self,
        loaded: Loaded<D>,
        command: D::Command,
        call: Call<'_>,
    ) -> Result<Decided<D>, AppendError> {
        let stream = loaded.stream.clone();
        let before = Accepted {
            stream: stream.clone(),
            version: loaded.expected,
            position: loaded.position,
            repeated: true,
        };
        let (aggregate, written) = match bridge::handle_and_commit(
            &self.ledger,
            loaded,
            command,
            call.asked.context(call.now),
        )
        .await
        {
            Ok(done) => done,
            Err(error) => {
                return bridge::journal_error(error).map(|it| Decided::Unwritten(Err(it)));
            }
        };
        let Some(appended) = written else {
            let nothing = Executed { accepted: before, state: aggregate.state };
            return Ok(Decided::Unwritten(Ok(nothing)));
        };
        let state = aggregate.state.clone();
        if !appended.repeated {
            self.memory.put(stream, aggregate, appended.position);
        }
        Ok(Decided::Written(Executed { accepted: appended.into(), state }))
    }

    /// The aggregate with everything that anybody has written.
    async fn current(&self, stream: &StreamId) -> Result<D, CommandError> {
        let mut loaded = self.loaded(stream).await?;
        self.ledger.catch_up(&mut loaded).await.map_err(answer)?;
        Ok(loaded.aggregate.state)
    }

    async fn loaded(&self, stream: &StreamId) -> Result<Loaded<D>, CommandError> {
        let Some(known) = self.memory.get(stream) else {
            let loaded = bridge::load::<D>(&self.ledger, stream).await.map_err(answer)?;
            if 0 < loaded.expected {
                self.keep(&loaded);
            }
            return Ok(loaded);
        };
        Ok(Loaded {
            stream: stream.clone(),
            aggregate: known.aggregate.clone(),
            expected: known.aggregate.version,
            position: known.position,
            metadata: String::new(),
            idempotency: None,
        })
    }

    /// Reads what others have written since the stream was last seen.
    async fn refresh(&self, stream: &StreamId) -> Result<(), CommandError> {
        let mut loaded = self.loaded(stream).await?;
        self.ledger.catch_up(&mut loaded).await.map_err(answer)?;
        self.keep(&loaded);
        Ok(())
    }

    fn keep(&self, loaded: &Loaded<D>) {
        self.memory.put(loaded.stream.clone(), loaded.aggregate.clone(), loaded.position);
    }
}

/// What a stream that was not read is answered with.
fn answer(error: bridge::BridgeError) -> CommandError {
    match bridge::journal_error(error) {
        Ok(refusal) => refusal.into(),
        Err(AppendError::Journal(error)) => error.into(),
        Err(error) => refused_or_broken(error),
    }
}
