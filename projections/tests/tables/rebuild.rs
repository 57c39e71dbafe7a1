//! Live is rebuilt: throwing the tables away and replaying gives the same rows.

use std::pin::pin;

use commands::Wishes;
use journal::postgres::fold::hold_head;
use projections::{
    Viewer,
    job_list::{JobFilter, JobOrder, Paging},
};

use super::{
    corpus,
    lives::{CLIENT, Lives, random},
    quotas,
    world::{World, eventually},
};

/// Once with few events in a batch, and in a rebuild with all in one; inline,
/// and filled from the journal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_the_same_rebuilt() {
    for _ in 0..3 {
        let world = World::new().await;
        let following = world.follow();
        // Random crawls may come to nothing.
        corpus::crawled(&world).await;
        let mut lives = Lives::begin(&world).await;
        for steps in random(900).chunks(90) {
            lives.live(steps).await;
        }
        // Random lives may have ended all that counts.
        quotas::another(&world, CLIENT).await;
        world.caught_up().await;
        following.stopped().await;
        assert_eq!(world.count(quotas::OFF_BY).await, 0);
        let live = world.rows().await;
        // What there is nothing of proves nothing.
        assert!(live.iter().all(|(_, count, _)| 0 < *count), "{live:?}");
        world.rebuilt().await;
        assert_eq!(world.rows().await, live);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lists_know_of_every_job_and_the_timeline_of_every_event() {
    let world = World::new().await;
    let following = world.follow();
    Lives::begin(&world).await.live(&random(300)).await;
    world.caught_up().await;
    following.stopped().await;
    let jobs = world.count("select count(*) from stream where stream like 'job-%'").await;
    let all = world.reader.count_jobs(&JobFilter::default(), Viewer::All).await.unwrap();
    assert_eq!(all, jobs.cast_unsigned());
    let told = world.count("select count(*) from job_timeline").await;
    let happened = world
        .count(
            "select count(*) from event
             where stream like 'job-%' or event_type = 'StaleReportRefused'",
        )
        .await;
    assert_eq!(told, happened);
    let paging = Paging { limit: 1_000, after: None, before: None, from_end: false };
    let newest = JobOrder::Newest;
    let page = world.reader.jobs(&JobFilter::default(), newest, paging, Viewer::All).await.unwrap();
    for row in page.rows {
        let events = world.reader.timeline(row.id, 0, 1_000).await.unwrap();
        let own = events.iter().filter_map(|it| it.version);
        assert_eq!(own.collect::<Vec<_>>(), (1..=row.version).collect::<Vec<_>>());
        assert!(events.iter().any(|it| it.position == row.changed_position));
    }
}

/// Or what is appended in between would be in neither the replay nor the fold.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_appends_while_dispatch_is_filled() {
    let world = World::new().await;
    let mut filling = postgres::begin(&world.db).await.unwrap();
    hold_head(&mut filling).await.unwrap();
    let mut append = pin!(world.create("checksum", Wishes::default()));
    let waits = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    tokio::select! {
        job = &mut append => panic!("{job} was created"),
        () = eventually("the append waits", async || world.count(waits).await == 1) => {}
    }
    assert_eq!(world.head().await, 0);
    filling.commit().await.unwrap();
    append.await;
    assert_eq!(world.head().await, 1);
}
