//! What every [`Journal`] must do, whatever it runs on.
//!
//! [`conformance_tests!`](crate::conformance_tests) makes a test of each
//! sentence below. Each is given a journal of its own, empty.

mod appending;
mod idempotency;
mod reading;

use std::{any::Any, sync::Arc};

use uuid::Uuid;

use crate::{Append, Idempotency, Journal, NewEvent, StreamId};

pub use appending::*;
pub use idempotency::*;
pub use reading::*;

/// A journal, and what must live as long as it does.
pub struct Opened {
    /// Empty.
    pub journal: Arc<dyn Journal>,
    /// Its database, for example.
    pub keep: Box<dyn Any + Send>,
}

/// Makes the tests of an adapter, given the path of a function that promises
/// an [`Opened`].
#[macro_export]
macro_rules! conformance_tests {
    ($open:path) => {
        $crate::conformance_tests! { $open =>
            a_stream_that_nobody_wrote_to_is_empty
            events_come_back_as_they_were_given
            an_append_at_another_version_is_a_conflict_and_leaves_no_trace
            one_of_a_crowd_wins_and_the_others_learn_the_version
            a_conflict_in_a_crowd_refuses_that_append_alone
            appends_in_flight_to_one_stream_follow_each_other
            a_chain_of_appends_falls_with_its_first
            what_cannot_be_kept_is_refused_and_harms_nobody
            a_malformed_append_is_told_the_rule
            what_fits_exactly_is_kept
            a_repeated_key_gets_the_first_outcome_and_writes_nothing
            a_key_with_another_input_is_refused
            a_key_is_not_used_up_by_a_conflict
            a_key_belongs_to_its_scope
            one_of_a_crowd_with_the_same_key_writes
            an_old_key_is_recognised_in_a_crowd
            readers_find_every_position_once_and_in_order
            what_is_acknowledged_can_be_read
            reads_stop_at_their_limit
            a_stream_of_large_events_is_read_in_parts
            a_replay_is_what_was_read
            events_are_intact_and_tampering_shows
            time_never_goes_back
        }
    };
    ($open:path => $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let opened = $open().await;
                $crate::conformance::$name(opened.journal).await;
                drop(opened.keep);
            }
        )*
    };
}

/// Some event.
pub fn event(note: &str) -> NewEvent {
    NewEvent {
        event_id: Uuid::from_u128(u128::from(note.len() as u64) + 7),
        event_type: "Noted",
        schema_version: 1,
        payload: format!(r#"{{ "note" : "{note}" }}"#),
        metadata: r#"{"actor":"ann"}"#.to_owned(),
    }
}

/// An append of one event.
pub fn append(stream: &str, expected_version: u64) -> Append {
    Append {
        stream: StreamId::new("test", stream),
        expected_version,
        events: vec![event(&format!("{stream} {expected_version}"))],
        idempotency: None,
    }
}

/// An append of one event under a key.
pub fn keyed(stream: &str, expected_version: u64, key: &str, input: u8) -> Append {
    Append {
        idempotency: Some(Idempotency {
            scope: "ann".to_owned(),
            key: key.to_owned(),
            digest: [input; 32],
        }),
        ..append(stream, expected_version)
    }
}
