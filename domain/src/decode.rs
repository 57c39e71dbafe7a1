//! Recorded bytes, understood. The only place where they are.
//!
//! A payload of an older schema version is lifted to the present one here,
//! before anybody sees it.

mod creation;

pub use creation::{Creation, creation};

use crate::{
    account::AccountEvent, client::ClientEvent, job::JobEvent, land::LandEvent, worker::WorkerEvent,
};

/// Anything that can have happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// To a job.
    Job(JobEvent),
    /// To a worker.
    Worker(WorkerEvent),
    /// To an account.
    Account(AccountEvent),
    /// To a client.
    Client(ClientEvent),
    /// To a land.
    Land(LandEvent),
}

/// Reads the event filed under `event_type`.
pub fn decode(event_type: &str, schema_version: u16, payload: &str) -> Result<Event, DecodeError> {
    let unreadable = |cause| DecodeError::Unreadable { event_type: event_type.to_owned(), cause };
    if schema_version != 1 {
        let event_type = event_type.to_owned();
        return Err(DecodeError::NewerSchema { event_type, schema_version });
    }
    if let Some(read) = JobEvent::decode(event_type, payload) {
        return read.map(Event::Job).map_err(unreadable);
    }
    if let Some(read) = WorkerEvent::decode(event_type, payload) {
        return read.map(Event::Worker).map_err(unreadable);
    }
    if let Some(read) = AccountEvent::decode(event_type, payload) {
        return read.map(Event::Account).map_err(unreadable);
    }
    if let Some(read) = ClientEvent::decode(event_type, payload) {
        return read.map(Event::Client).map_err(unreadable);
    }
    if let Some(read) = LandEvent::decode(event_type, payload) {
        return read.map(Event::Land).map_err(unreadable);
    }
    Err(DecodeError::UnknownType { event_type: event_type.to_owned() })
}

/// Why recorded bytes are not understood. Never skipped in silence.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A type that this program does not know.
    #[error("event type `{event_type}` is not known to this version of Greffe")]
    UnknownType {
        /// Its name.
        event_type: String,
    },
    /// A shape that a newer program wrote.
    #[error("event type `{event_type}` has schema version {schema_version}, which is newer")]
    NewerSchema {
        /// Its name.
        event_type: String,
        /// Its version.
        schema_version: u16,
    },
    /// The payload is not of the shape that the type has.
    #[error("the payload of `{event_type}` is not readable")]
    Unreadable {
        /// Its name.
        event_type: String,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
}

#[cfg(test)]
mod tests;
