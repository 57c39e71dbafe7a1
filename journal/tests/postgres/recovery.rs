//! Connections that break, and a database that goes away and comes back.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use journal::{
    AppendError, Journal, JournalError,
    conformance::{append, keyed},
    postgres::Settings,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::world::World;

const KILL_APPENDER: &str = "select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity
    where datname = current_database() and application_name = 'greffe journal appender'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_connection_loses_nothing_that_was_acknowledged() {
    let world = World::new().await;
    let journal = Arc::new(world.open().await);
    let enough = CancellationToken::new();
    let mut tasks = JoinSet::new();
    for writer in 0..8 {
        let (journal, enough) = (Arc::clone(&journal), enough.clone());
        tasks.spawn(async move {
            let (mut version, mut unknown) = (0, 0);
            while !enough.is_cancelled() {
                match journal.append(append(&format!("s{writer}"), version)).await {
                    Ok(appended) => version = appended.version,
                    // It was written after all.
                    Err(AppendError::Conflict { actual, .. }) => {
                        assert!(0 < unknown && version < actual, "the stream went back");
                        version = actual;
                    }
                    Err(AppendError::Unknown(_)) => unknown += 1,
                    Err(other) => panic!("{other:?}"),
                }
            }
            (writer, version, unknown)
        });
    }
    let mut killed = 0;
    while killed < 5 {
        killed += world.count(KILL_APPENDER).await;
    }
    enough.cancel();
    let outcomes = tasks.join_all().await;
    assert!(outcomes.iter().any(|(.., unknown)| 0 < *unknown), "no append was under way");
    for (writer, version, _) in outcomes {
        let stream = append(&format!("s{writer}"), 0).stream;
        let events = journal.read_stream(&stream, 0, usize::MAX).await.expect("read");
        // One more if the last of all was written and not acknowledged.
        assert!(version <= events.len() as u64, "an acknowledged event is gone");
    }
    let holes = "select (select head from journal_head) - count(*) from event";
    assert_eq!(world.count(holes).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_of_unknown_outcome_is_made_known_by_its_key() {
    let world = World::new().await;
    let journal = world.open().await;
    journal.append(append("s", 0)).await.expect("append");
    assert_eq!(world.count(KILL_APPENDER).await, 1);
    let first = journal.append(keyed("s", 1, "k", 1)).await;
    assert!(matches!(first, Err(AppendError::Unknown(_))), "{first:?}");
    let again = journal.append(keyed("s", 1, "k", 1)).await.expect("append");
    assert_eq!(again.version, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_wait_a_while_for_a_database_that_is_away() {
    let world = World::new().await;
    let settings = Settings { unavailable_after: Duration::from_secs(3), ..Settings::default() };
    let impatient = world.open_with(settings, vec![]).await;
    let patient = Arc::new(world.open().await);
    impatient.append(append("s", 0)).await.expect("append");
    let admin = World::new().await;
    let name = world.url().rsplit('/').next().expect("a name").split('?').next().expect("a name");
    admin
        .execute(&format!(
            "alter database {name} allow_connections false;
             select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
        ))
        .await;

    // The connection that it has turns out to be broken, then there is no other.
    let outcomes = [impatient.append(append("s", 1)).await, impatient.append(append("s", 1)).await];
    assert!(matches!(outcomes[0], Err(AppendError::Unknown(_))), "{outcomes:?}");
    let away = &outcomes[1];
    assert!(matches!(away, Err(AppendError::Journal(JournalError::Unavailable(_)))), "{away:?}");
    // Of two in a row, the second can be sure that it was not written.
    let mut tasks = JoinSet::new();
    for n in 0..2 {
        let patient = Arc::clone(&patient);
        tasks.spawn(async move { patient.append(append(&format!("p{n}"), 0)).await });
    }
    admin.execute(&format!("alter database {name} allow_connections true")).await;
    for outcome in tasks.join_all().await {
        assert!(matches!(outcome, Ok(_) | Err(AppendError::Unknown(_))), "{outcome:?}");
    }
    impatient.append(append("s", 1)).await.expect("the database is back");
    patient.append(append("t", 0)).await.expect("the database is back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_never_let_go_is_not_waited_for() {
    let world = World::new().await;
    let settings = Settings { lock_timeout: Duration::from_millis(100), ..Settings::default() };
    let journal = world.open_with(settings, vec![]).await;
    let mut connection = world.connect().await;
    sqlx::raw_sql("begin; update journal_head set head = head")
        .execute(&mut connection)
        .await
        .expect("the head is locked");
    let outcomes = join_all((0..3).map(|n| journal.append(append(&n.to_string(), 0)))).await;
    for outcome in outcomes {
        let unavailable =
            matches!(outcome, Err(AppendError::Journal(JournalError::Unavailable(_))));
        assert!(unavailable, "{outcome:?}");
    }
    sqlx::raw_sql("rollback").execute(&mut connection).await.expect("rollback");
    journal.append(append("0", 0)).await.expect("the head is free");
}

#[tokio::test]
async fn a_database_without_the_journals_tables_is_said_to_be_damaged() {
    let database = postgres::testing::Database::create().await;
    let opened =
        journal::postgres::PostgresJournal::connect(database.url(), Settings::default(), vec![])
            .await;
    assert!(matches!(opened, Err(JournalError::Damaged(_))));
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing";
    let settings =
        Settings { unavailable_after: Duration::from_millis(200), ..Settings::default() };
    let opened = journal::postgres::PostgresJournal::connect(nowhere, settings, vec![]).await;
    assert!(matches!(opened, Err(JournalError::Unavailable(_))));
}
