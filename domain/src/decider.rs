//! The one abstraction of the write side.

use serde_json::Error;

use crate::{Actor, Refusal, Timestamp, decode::Event};

/// Something that decides by rules and is rebuilt from events.
pub trait Decider: Default {
    /// The category of the streams that its events are kept in.
    const CATEGORY: &'static str;

    /// What one may ask for.
    type Command;
    /// What can have happened.
    type Event: EventType;

    /// Says what would happen if `command` came in `context`. Changes nothing.
    /// An empty answer means that it has been done already.
    fn decide(
        &self,
        command: Self::Command,
        context: &Context,
    ) -> Result<Vec<Self::Event>, Refusal>;

    /// The event, if it is one of these.
    fn own(event: Event) -> Option<Self::Event>;

    /// Takes in the event at `version` of the stream. Cannot fail: it has
    /// already happened.
    fn evolve(&mut self, event: &Self::Event, version: u64);

    /// What it takes in memory besides its own size, in bytes, about.
    fn weight(&self) -> usize;
}

/// In whose name, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// On whose behalf.
    pub actor: Actor,
    /// The time of the decision.
    pub now: Timestamp,
}

/// Something that happened, written down for good.
pub trait EventType: Sized {
    /// The name that it is filed under. Once written, a name never changes
    /// meaning.
    fn name(&self) -> &'static str;

    /// Which shape of the payload this program writes, from 1.
    fn schema_version(&self) -> u16;

    /// The JSON text that is kept.
    fn encode(&self) -> Result<String, Error>;
}
