//! Live is rebuilt: throwing the tables away and replaying gives the same rows.

use std::pin::pin;

use commands::Wishes;
use domain::WorkerId;
use journal::postgres::fold::hold_head;
use projections::{
    Viewer,
    job_list::{JobFilter, JobOrder, Paging},
    job_ready,
    schema::{self, OtherVersion, SchemaError, Tables},
};

use uuid::Uuid;

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

/// An append moves the tables of the version that makes it: with two of them,
/// one stands still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_one_version_of_what_moves_with_the_append_and_it_is_true() {
    let world = World::new().await;
    Lives::begin(&world).await;
    let inline: Vec<_> = schema::ALL.into_iter().filter(schema::is_inline).collect();
    for tables in &inline {
        world.create("checksum", Wishes::default()).await;
        let held = world.create("checksum", Wishes::default()).await;
        world.grant(held, WorkerId(Uuid::new_v4())).await;
        quotas::another(&world, CLIENT).await;
        let true_rows = world.rows().await;
        for version in [tables.version - 1, tables.version + 1] {
            let other = Tables { version, ..*tables };
            // As if a process of the other version had appended since.
            world.execute(&format!("create schema {}", other.schema())).await;
            let table = true_rows.iter().map(|it| &it.0).find(|it| it.starts_with(tables.name));
            let table = format!("{}.{}", tables.schema(), table.unwrap());
            world.execute(&format!("delete from {table}")).await;
            let stale = world.rows().await;
            assert_ne!(stale, true_rows);

            for left in [OtherVersion::Respect, OtherVersion::ReplaceOlder] {
                if left == OtherVersion::ReplaceOlder && version < tables.version {
                    continue;
                }
                let refused = world.prepare(left).await;
                let named = matches!(&refused, Err(SchemaError::OtherVersion { schema })
                    if *schema == other.schema());
                assert!(named, "{refused:?}");
                assert_eq!(world.rows().await, stale, "nothing is touched");
            }
            let taken = if version < tables.version {
                OtherVersion::ReplaceOlder
            } else {
                OtherVersion::Replace
            };
            world.prepare(taken).await.unwrap();
            assert_eq!(world.rows().await, true_rows);
            let there =
                format!("select count(*) from pg_namespace where nspname = '{}'", other.schema());
            assert_eq!(world.count(&there).await, 0);
        }
    }
}

/// A process of another version that still appends hears of it, and its events
/// are in no gap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_append_meanwhile_is_in_the_tables_or_not_in_the_journal() {
    let world = World::new().await;
    let other = Tables { version: job_ready::TABLES.version + 1, ..job_ready::TABLES };
    let (go_on, mut told) = tokio::sync::watch::channel(0_usize);
    let appending = async {
        for made in 1..=60 {
            world.create("checksum", Wishes::default()).await;
            go_on.send_replace(made);
        }
    };
    let replacing = async {
        for due in [10, 25, 40] {
            told.wait_for(|it| due <= *it).await.unwrap();
            world.execute(&format!("create schema {}", other.schema())).await;
            world.prepare(OtherVersion::Replace).await.unwrap();
        }
    };
    tokio::join!(appending, replacing);
    let ready = world.count("select count(*) from job_ready").await;
    let created = world.count("select count(*) from event where event_type = 'TaskCreated'").await;
    assert_eq!((ready, created), (60, 60));
}
