//! What is not understood stops what follows the journal, loudly, and is never
//! skipped.

use std::sync::Arc;

use commands::Wishes;
use journal::{Append, Journal, NewEvent, StreamId};
use projections::{
    Projection,
    feed::{Feed, FeedError},
    job_list::JobList,
    schema::{self, OtherVersion, SchemaError},
};
use uuid::Uuid;

use super::world::{World, eventually};

/// Writes as a newer program would.
async fn write_something_unheard_of(world: &World) -> u64 {
    let event = NewEvent {
        event_id: Uuid::new_v4(),
        event_type: "JobDreamt",
        schema_version: 1,
        payload: "{}".to_owned(),
        metadata: r#"{"actor":"system:rescuer"}"#.to_owned(),
    };
    let stream = StreamId::new("job", Uuid::new_v4());
    let append = Append { stream, expected_version: 0, events: vec![event], idempotency: None };
    world.journal.append(append).await.unwrap().position
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_takes_in_what_comes_before_and_halts() {
    for live in [true, false] {
        let world = World::new().await;
        let early = live.then(|| world.follow());
        world.create("checksum", Wishes::default()).await;
        world.create("checksum", Wishes::default()).await;
        if live {
            world.caught_up().await;
        }
        let bad = write_something_unheard_of(&world).await;
        world.create("checksum", Wishes::default()).await;
        let following = early.unwrap_or_else(|| world.follow());
        let halt = || world.checkpoints.halt(JobList::TABLES);
        eventually("it halts", async || halt().is_some()).await;
        assert_eq!(halt().unwrap(), format!("the event at position {bad} is not understood"));
        let checkpoint = world.checkpoints.of(JobList::TABLES).await.unwrap();
        assert_eq!(checkpoint, bad - 1, "live: {live}");
        assert_eq!(world.count("select count(*) from job_list").await, 2);
        following.stopped().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_follow_changes_learn_of_it_too() {
    let world = World::new().await;
    let following = world.follow();
    world.create("checksum", Wishes::default()).await;
    let bad = write_something_unheard_of(&world).await;
    world.create("checksum", Wishes::default()).await;
    let later: Arc<Feed> = Arc::new(Feed::new(world.journal.clone()));
    for feed in [&following.feed, &later] {
        eventually("the feed is stuck", async || {
            let (changes, last) = feed.changes(0, 100).await.unwrap();
            assert!(changes.len() <= 1);
            if last == 0 {
                return false;
            }
            assert_eq!(last, bad - 1);
            let error = feed.changes(last, 100).await;
            matches!(error, Err(FeedError::Unreadable(it)) if it.position == bad)
        })
        .await;
    }
    following.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dispatch_is_not_filled_from_what_is_not_understood() {
    let world = World::new().await;
    let bad = write_something_unheard_of(&world).await;
    world.execute("drop schema job_ready_v2 cascade").await;
    let refused = schema::prepare(&world.db, world.journal.clone(), OtherVersion::Replace).await;
    assert!(
        matches!(&refused, Err(SchemaError::Unreadable(it)) if it.position == bad),
        "{refused:?}"
    );
    let there = "select count(*) from pg_namespace where nspname = 'job_ready_v2'";
    assert_eq!(world.count(there).await, 0);
    // And nobody is kept from writing.
    world.execute("select head from journal_head for update nowait").await;
}
