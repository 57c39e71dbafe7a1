//! What is on disk, and what is made of it.

mod lands;
mod people;
mod recorded;
mod round_trip;

use super::{DecodeError, Event, creation, decode};
use crate::{
    EventType,
    account::AccountEvent,
    client::ClientEvent,
    job::{CrawlEvent, JobEvent, ReportEvent},
    land::LandEvent,
    worker::WorkerEvent,
};

fn written(event: &Event) -> (&'static str, u16, String) {
    match event {
        Event::Job(it) => (it.name(), it.schema_version(), it.encode().unwrap()),
        Event::Worker(it) => (it.name(), it.schema_version(), it.encode().unwrap()),
        Event::Account(it) => (it.name(), it.schema_version(), it.encode().unwrap()),
        Event::Client(it) => (it.name(), it.schema_version(), it.encode().unwrap()),
        Event::Land(it) => (it.name(), it.schema_version(), it.encode().unwrap()),
    }
}

/// Every name that an event is filed under.
fn names() -> Vec<&'static str> {
    let jobs = [JobEvent::NAMES, CrawlEvent::NAMES, ReportEvent::NAMES].concat();
    let others =
        [WorkerEvent::NAMES, AccountEvent::NAMES, ClientEvent::NAMES, LandEvent::NAMES].concat();
    [jobs, others].concat()
}

#[test]
fn a_type_that_this_program_does_not_know_is_named() {
    let error = decode("JobTeleported", 1, "{}").unwrap_err();
    assert!(
        matches!(&error, DecodeError::UnknownType { event_type } if event_type == "JobTeleported")
    );
}

#[test]
fn a_shape_that_a_newer_program_wrote_is_not_guessed_at() {
    for name in names() {
        let error = decode(name, 2, "{}").unwrap_err();
        assert!(matches!(error, DecodeError::NewerSchema { schema_version: 2, .. }), "{name}");
    }
}

#[test]
fn a_payload_that_is_not_of_its_type_is_an_error_whatever_the_type() {
    for name in names() {
        for payload in ["", "nonsense", "7", "{\"fence\":-1"] {
            let error = decode(name, 1, payload).unwrap_err();
            assert!(
                matches!(&error, DecodeError::Unreadable { event_type, .. } if event_type == name),
                "{name} from {payload}"
            );
        }
    }
}
