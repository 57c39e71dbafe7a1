//! Partitions are there before they are needed.

use std::sync::Arc;

use futures::{TryStreamExt, future::join_all};
use journal::{
    Append, Journal,
    conformance::{append, event},
    postgres::Settings,
};

use super::world::{World, eventually};

fn small() -> Settings {
    Settings { partition_size: 20, replay_window: 7, recent_events_max: 10, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_goes_on_from_partition_to_partition() {
    let world = World::new().await;
    let journals = [world.open_with(small(), vec![]).await, world.open_with(small(), vec![]).await];
    for n in 0..100 {
        journals[n % 2].append(append("s", n as u64)).await.expect("append");
    }
    assert_eq!(world.count("select count(*) from event").await, 100);
    let used = "select count(distinct tableoid) from event";
    assert_eq!(world.count(used).await, 5);

    let stream = journals[0].read_stream(&append("s", 0).stream, 0, 1000).await.expect("read");
    assert!(stream.iter().map(|it| it.version).eq(1..=100));
    let replayed: Vec<_> = journals[1].replay(0).try_collect().await.expect("replay");
    assert_eq!(replayed, stream);
    assert!(journals[0].read(0, 1000).await.expect("read").iter().map(|it| &**it).eq(&stream));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_partition_is_made_when_the_last_is_half_full() {
    let world = World::new().await;
    let journal = world.open_with(small(), vec![]).await;
    let partitions = "select count(*) from pg_inherits where inhparent = 'event'::regclass";
    assert_eq!(world.count(partitions).await, 1);
    for n in 0..9 {
        journal.append(append("s", n)).await.expect("append");
    }
    assert_eq!(world.count(partitions).await, 1);
    for n in 9..12 {
        journal.append(append("s", n)).await.expect("append");
    }
    eventually("the next partition is there", async || world.count(partitions).await == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_may_be_larger_than_what_is_left() {
    let world = World::new().await;
    let journal = Arc::new(world.open_with(small(), vec![]).await);
    let events = |count: usize| vec![event("x"); count];
    let large = Append { events: events(75), ..append("large", 0) };
    let small = (0..30).map(|n| Append { events: events(3), ..append(&n.to_string(), 0) });
    let outcomes = join_all([large].into_iter().chain(small).map(|it| journal.append(it))).await;
    for outcome in outcomes {
        outcome.expect("there is room");
    }
    assert_eq!(world.count("select count(*) from event").await, 165);
    assert_eq!(world.count("select head from journal_head").await, 165);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_partition_refuses_a_second_event_at_a_version() {
    let world = World::new().await;
    let journal = world.open_with(small(), vec![]).await;
    for n in 0..30 {
        journal.append(append("s", n)).await.expect("append");
    }
    let mut connection = world.connect().await;
    for position in [1, 30] {
        // Behind the journal's back.
        let copied = sqlx::query(
            "insert into event select position + 8, stream, version, event_id, event_type,
                 schema_version, payload, metadata, recorded_at, hash
             from event where position = $1",
        )
        .bind(position)
        .execute(&mut connection)
        .await
        .expect_err("a version twice");
        assert!(
            copied.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation),
            "{copied}"
        );
    }
}
