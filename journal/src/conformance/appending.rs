//! Versions, conflicts, and what is refused.

use std::sync::Arc;

use futures::future::join_all;

use super::{append, event};
use crate::{
    APPEND_BYTES_MAX, APPEND_EVENTS_MAX, Append, AppendError, Appended, EVENT_BYTES_MAX, Journal,
    NAME_BYTES_MAX, StreamId,
};

pub async fn a_stream_that_nobody_wrote_to_is_empty(journal: Arc<dyn Journal>) {
    let stream = StreamId::new("test", "nobody");
    assert_eq!(journal.read_stream(&stream, 0, 10).await.expect("read"), []);
    assert_eq!(journal.read(0, 10).await.expect("read"), []);
    assert_eq!(*journal.head().borrow(), 0);
}

pub async fn events_come_back_as_they_were_given(journal: Arc<dyn Journal>) {
    let mut given = vec![event("a"), event("b\\u0000 é 🦀\n\t"), event("c")];
    given[1].schema_version = 32_767;
    given[2].payload = String::new();
    let first = Append { events: given[..2].to_vec(), ..append("order", 0) };
    let second = Append { events: given[2..].to_vec(), ..append("order", 2) };

    let stream = StreamId::new("test", "order");
    for (append, version) in [(first, 2), (second, 3)] {
        let appended = journal.append(append).await.expect("append");
        let expected =
            Appended { stream: stream.clone(), version, position: version, repeated: false };
        assert_eq!(appended, expected);
    }

    let read = journal.read_stream(&stream, 0, 10).await.expect("read");
    assert_eq!(read.len(), given.len());
    for ((read, given), place) in read.iter().zip(&given).zip(1..) {
        assert_eq!((read.position, read.version), (place, place));
        assert_eq!(read.stream, stream);
        assert_eq!(read.event_id, given.event_id);
        assert_eq!(read.event_type, given.event_type);
        assert_eq!(read.schema_version, given.schema_version);
        assert_eq!(read.payload, given.payload);
        assert_eq!(read.metadata, given.metadata);
        assert_eq!(read.hash, given.hash(&stream, place));
    }
    let all = journal.read(0, 10).await.expect("read");
    assert!(all.iter().map(|it| &**it).eq(&read));
}

pub async fn an_append_at_another_version_is_a_conflict_and_leaves_no_trace(
    journal: Arc<dyn Journal>,
) {
    for version in 0..3 {
        journal.append(append("s", version)).await.expect("append");
    }
    for (stream, expected, actual) in [("s", 0, 3), ("s", 2, 3), ("s", 4, 3), ("new", 1, 0)] {
        let lost = journal.append(append(stream, expected)).await;
        assert_conflict(&lost, expected, actual);
    }
    assert_eq!(journal.read(0, 10).await.expect("read").len(), 3);
    let next = journal.append(append("s", 3)).await.expect("the right version");
    assert_eq!((next.version, next.position), (4, 4), "a loser left a hole");
}

pub async fn one_of_a_crowd_wins_and_the_others_learn_the_version(journal: Arc<dyn Journal>) {
    for round in 0..5 {
        let outcomes = join_all((0..20).map(|_| journal.append(append("crowd", round)))).await;
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "one of a crowd wins");
        for it in &lost {
            assert_conflict(it, round, round + 1);
        }
    }
    assert_eq!(journal.read(0, 100).await.expect("read").len(), 5);
}

pub async fn a_conflict_in_a_crowd_refuses_that_append_alone(journal: Arc<dyn Journal>) {
    journal.append(append("taken", 0)).await.expect("append");
    let appends = (0..60).map(|n| match n % 3 {
        0 => append("taken", 0),
        _ => append(&format!("free {n}"), 0),
    });
    let outcomes = join_all(appends.map(|it| journal.append(it))).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        if n % 3 == 0 {
            assert_conflict(outcome, 0, 1);
        } else {
            assert_eq!(outcome.as_ref().expect("it was free").version, 1);
        }
    }
    let positions = journal.read(0, 100).await.expect("read");
    assert!(positions.iter().map(|it| it.position).eq(1..=41), "a loser left a hole");
}

pub async fn appends_in_flight_to_one_stream_follow_each_other(journal: Arc<dyn Journal>) {
    let two = |version| Append { events: vec![event("x"), event("y")], ..append("s", version) };
    let outcomes = join_all((0..30).map(|n| journal.append(two(n * 2)))).await;
    for (outcome, version) in outcomes.iter().zip((2..).step_by(2)) {
        assert_eq!(outcome.as_ref().expect("its predecessor was written").version, version);
    }
}

pub async fn a_chain_of_appends_falls_with_its_first(journal: Arc<dyn Journal>) {
    for version in 0..5 {
        journal.append(append("s", version)).await.expect("append");
    }
    let chain = [1, 2, 3, 5, 6, 4].map(|version| journal.append(append("s", version)));
    let outcomes = join_all(chain).await;
    for (outcome, expected) in outcomes[..3].iter().zip(1..) {
        assert!(
            matches!(outcome, Err(AppendError::Conflict { expected: e, .. }) if *e == expected),
            "{outcome:?}"
        );
    }
    assert_eq!(outcomes[3].as_ref().expect("the right version").version, 6);
    assert_eq!(outcomes[4].as_ref().expect("the right version").version, 7);
    assert_conflict(&outcomes[5], 4, 7);
}

pub async fn what_cannot_be_kept_is_refused_and_harms_nobody(journal: Arc<dyn Journal>) {
    let appends = (0..20).map(|n| {
        let mut append = append(&n.to_string(), 0);
        if n % 4 == 0 {
            append.events[0].payload.push('\0');
        }
        append
    });
    let outcomes = join_all(appends.map(|it| journal.append(it))).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        let is_malformed = matches!(outcome, Err(AppendError::Malformed { .. }));
        assert_eq!((n % 4 == 0, n % 4 != 0), (is_malformed, outcome.is_ok()), "{outcome:?}");
    }
}

pub async fn a_malformed_append_is_told_the_rule(journal: Arc<dyn Journal>) {
    let with = |change: fn(&mut Append)| {
        let mut malformed = super::keyed("s", 0, "k", 1);
        change(&mut malformed);
        malformed
    };
    let malformed = [
        with(|it| it.events.clear()),
        with(|it| it.events = vec![event("x"); APPEND_EVENTS_MAX + 1]),
        with(|it| it.stream = StreamId::from(String::new())),
        with(|it| it.stream = StreamId::new("test", "x".repeat(NAME_BYTES_MAX))),
        with(|it| it.stream = StreamId::new("test", "\0")),
        with(|it| it.expected_version = u64::MAX),
        with(|it| it.events[0].event_type = ""),
        with(|it| it.events[0].schema_version = 0),
        with(|it| it.events[0].schema_version = 40_000),
        with(|it| it.events[0].payload = "x".repeat(EVENT_BYTES_MAX)),
        with(|it| it.events[0].metadata.push('\0')),
        with(|it| it.events = vec![event(&"x".repeat(EVENT_BYTES_MAX / 2)); 20]),
        with(|it| it.idempotency.as_mut().expect("a key").key = String::new()),
        with(|it| it.idempotency.as_mut().expect("a key").scope = "x".repeat(256)),
    ];
    for append in malformed {
        let what = format!("{} {:?}", append.stream, append.idempotency);
        let outcome = journal.append(append).await;
        assert!(matches!(outcome, Err(AppendError::Malformed { .. })), "{what}: {outcome:?}");
    }
    assert_eq!(journal.read(0, 10).await.expect("read"), []);
}

pub async fn what_fits_exactly_is_kept(journal: Arc<dyn Journal>) {
    let mut large = event("");
    large.metadata = String::new();
    large.payload = "x".repeat(EVENT_BYTES_MAX);
    let events = vec![large; APPEND_BYTES_MAX / EVENT_BYTES_MAX];
    let name = "s".repeat(NAME_BYTES_MAX - "test-".len());
    let appended = journal.append(Append { events, ..append(&name, 0) }).await.expect("it fits");
    let read = journal.read_stream(&appended.stream, 0, 100).await.expect("read");
    assert_eq!(read.len() as u64, appended.version);
    assert!(read.iter().all(|it| it.is_intact() && it.payload.len() == EVENT_BYTES_MAX));
}

fn assert_conflict(outcome: &Result<Appended, AppendError>, expected: u64, actual: u64) {
    match outcome {
        Err(AppendError::Conflict { expected: e, actual: a, .. }) => {
            assert_eq!((*e, *a), (expected, actual));
        }
        other => panic!("a conflict was due, not {other:?}"),
    }
}
