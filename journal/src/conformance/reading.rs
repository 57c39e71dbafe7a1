//! Positions, what is found at them, and how it is proved.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt, future::join_all};
use tokio::{task::JoinSet, time::timeout};
use uuid::Uuid;

use super::{append, event, keyed};
use crate::{
    Append, AppendError, EVENT_BYTES_MAX, Journal, NewEvent, Recorded, StreamId,
    limits::READ_BYTES_MAX,
};

/// Long enough for the slowest machine, and never waited for in full.
const PATIENCE: Duration = Duration::from_mins(1);

pub async fn readers_find_every_position_once_and_in_order(journal: Arc<dyn Journal>) {
    const WRITERS: u64 = 16;
    const EACH: u64 = 40;
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let journal = Arc::clone(&journal);
        tasks.spawn(async move {
            let mut version = 0;
            for n in 0..EACH {
                journal.append(append(&format!("own {writer}"), n)).await.expect("append");
                // And one that many others fight over.
                match journal.append(append("shared", version)).await {
                    Ok(appended) => version = appended.version,
                    Err(AppendError::Conflict { actual, .. }) => version = actual,
                    Err(other) => panic!("{other}"),
                }
            }
        });
    }
    let stop = append("stop", 0);
    let reader = follow_to(Arc::clone(&journal), stop.stream.clone());
    let writers = async {
        tasks.join_all().await;
        journal.append(stop).await.expect("append");
    };
    let (found, ()) = timeout(PATIENCE, async { tokio::join!(reader, writers) })
        .await
        .expect("the reader finds the end");

    assert!(found.iter().map(|it| it.position).eq(1..=found.len() as u64));
    let own = found.iter().filter(|it| it.stream.id().starts_with("own")).count();
    assert_eq!(own as u64, WRITERS * EACH);
    let shared = found.iter().filter(|it| it.stream.id() == "shared");
    assert!(shared.enumerate().all(|(n, it)| it.version == n as u64 + 1));
}

async fn follow_to(journal: Arc<dyn Journal>, end: StreamId) -> Vec<Arc<Recorded>> {
    let mut head = journal.head();
    let mut found: Vec<Arc<Recorded>> = Vec::new();
    while found.last().is_none_or(|it| it.stream != end) {
        let after = found.len() as u64;
        head.wait_for(|it| after < *it).await.expect("the journal is open");
        // Small pages, so that ends of pages fall anywhere.
        let page = journal.read(after, 7).await.expect("read");
        assert!(!page.is_empty(), "the head ran ahead of what can be read");
        found.extend(page);
    }
    found
}

pub async fn what_is_acknowledged_can_be_read(journal: Arc<dyn Journal>) {
    let mut head = journal.head();
    for n in 0..50 {
        let appended = journal.append(append("s", n)).await.expect("append");
        let stream = journal.read_stream(&appended.stream, n, 10).await.expect("read");
        assert_eq!(stream.len(), 1);
        let all = journal.read(appended.position - 1, 10).await.expect("read");
        assert_eq!(*all[0], stream[0]);
        let known = head.wait_for(|it| appended.position <= *it);
        timeout(PATIENCE, known).await.expect("followers hear").expect("the journal is open");
    }
}

pub async fn reads_stop_at_their_limit(journal: Arc<dyn Journal>) {
    join_all((0..30).map(|n| journal.append(append("s", n)))).await;
    let stream = StreamId::new("test", "s");
    let cases =
        [(0, 5, 1..6), (27, 5, 28..31), (30, 5, 0..0), (99, 5, 0..0), (4, 0, 0..0), (4, 1, 5..6)];
    for (after, limit, expected) in cases {
        let all = journal.read(after, limit).await.expect("read");
        assert!(all.iter().map(|it| it.position).eq(expected.clone()), "{after} {limit}");
        let own = journal.read_stream(&stream, after, limit).await.expect("read");
        assert!(own.iter().map(|it| it.version).eq(expected), "{after} {limit}");
    }
    assert_eq!(journal.read(0, usize::MAX).await.expect("read").len(), 30);
    assert_eq!(journal.read(u64::MAX, usize::MAX).await.expect("read"), []);
    assert_eq!(journal.read_stream(&stream, u64::MAX, 1).await.expect("read"), []);
}

pub async fn a_stream_of_large_events_is_read_in_parts(journal: Arc<dyn Journal>) {
    const EVENTS: u64 = 40;
    let stream = StreamId::new("test", "s");
    for version in (0..EVENTS).step_by(5) {
        let large = || NewEvent { payload: "x".repeat(1_000_000), ..event("large") };
        let events = (0..5).map(|_| large()).collect();
        journal.append(Append { events, ..append("s", version) }).await.expect("append");
    }
    let (mut versions, mut parts) = (Vec::new(), 0);
    loop {
        let after = versions.last().copied().unwrap_or(0);
        let part = journal.read_stream(&stream, after, usize::MAX).await.expect("read");
        let bytes: usize = part.iter().map(|it| it.payload.len()).sum();
        assert!(bytes <= READ_BYTES_MAX + EVENT_BYTES_MAX, "{bytes} bytes at once");
        if part.is_empty() {
            break;
        }
        versions.extend(part.iter().map(|it| it.version));
        parts += 1;
    }
    assert!(versions.into_iter().eq(1..=EVENTS), "every event, once");
    assert!(parts < 10, "no smaller than they must be");
}

pub async fn a_replay_is_what_was_read(journal: Arc<dyn Journal>) {
    assert_eq!(journal.replay(0).count().await, 0);
    for round in 0..10 {
        join_all((0..20).map(|n| journal.append(append(&format!("s{n}"), round)))).await;
    }
    let all = journal.read(0, 1000).await.expect("read");
    assert_eq!(all.len(), 200);
    for after in [0, 1, 99, 199, 200, 300] {
        let replayed: Vec<_> = journal.replay(after).try_collect().await.expect("replay");
        let expected = all.iter().skip(usize::try_from(after).expect("small"));
        assert!(replayed.iter().eq(expected.map(|it| &**it)), "after {after}");
    }
    // Whoever has seen enough just drops it.
    let some: Vec<_> = journal.replay(0).take(3).try_collect().await.expect("replay");
    assert_eq!(some.len(), 3);
}

pub async fn events_are_intact_and_tampering_shows(journal: Arc<dyn Journal>) {
    let events = (0..5).map(|n| event(&format!("n{n}"))).collect();
    journal.append(Append { events, ..keyed("s", 0, "k", 1) }).await.expect("append");
    for event in journal.read(0, 10).await.expect("read") {
        assert!(event.is_intact());
        let ways: [fn(&mut Recorded); 7] = [
            |it| it.stream = StreamId::new("test", "t"),
            |it| it.version += 1,
            |it| it.event_id = Uuid::nil(),
            |it| it.event_type.push('x'),
            |it| it.schema_version += 1,
            |it| it.payload.push(' '),
            |it| it.metadata.push(' '),
        ];
        for change in ways {
            let mut changed = Recorded::clone(&event);
            change(&mut changed);
            assert!(!changed.is_intact(), "{changed:?}");
        }
    }
}

pub async fn time_never_goes_back(journal: Arc<dyn Journal>) {
    for round in 0..10 {
        join_all((0..10).map(|n| journal.append(append(&format!("s{n}"), round)))).await;
    }
    let events = journal.read(0, 1000).await.expect("read");
    assert_eq!(events.len(), 100);
    assert!(events.is_sorted_by_key(|it| it.recorded_at));
    let stored: Vec<_> = journal.replay(0).try_collect().await.expect("replay");
    assert!(stored.iter().zip(&events).all(|(a, b)| a.recorded_at == b.recorded_at));
}
