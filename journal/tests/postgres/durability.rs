//! What is acknowledged is durable, nobody sees it before, and it stays as it
//! is.

use std::{sync::Arc, time::Duration};

use journal::{
    AppendError, Journal,
    conformance::append,
    postgres::{
        Settings,
        fold::{Column, Effect, InlineFold, Pending},
    },
};
use sqlx::Connection;

use super::world::{World, eventually};

/// Notes how the appender's session is set up, once per event.
struct Witness;

impl InlineFold for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }

    fn fold(&self, batch: &[Pending<'_>]) -> Option<Effect> {
        Some(Effect {
            sql: "witness as (
                insert into witness (position, settings)
                select h.base + x.ordinal, (
                    select string_agg(name || ' = ' || current_setting(name), ', ')
                    from unnest(array[
                        'synchronous_commit', 'default_transaction_isolation', 'jit',
                        'plan_cache_mode', 'lock_timeout', 'idle_in_transaction_session_timeout'
                    ]) as s (name)
                )
                from h, unnest({0}) as x (ordinal))",
            columns: vec![Column::BigInt(batch.iter().map(|it| Some(it.ordinal)).collect())],
            guard: None,
        })
    }
}

async fn with_witness() -> World {
    let world = World::new().await;
    world.execute("create table witness (position bigint, settings text)").await;
    world
}

/// Durable, never stuck behind others for long, and cut off when it goes silent
/// in the middle, whatever the database is set to.
#[tokio::test]
async fn an_append_waits_for_the_disk_and_for_nothing_else_for_ever() {
    let world = with_witness().await;
    world
        .execute(
            "do $$ begin
                execute format('alter database %I set synchronous_commit = off', current_database());
                execute format('alter database %I set default_transaction_isolation = serializable',
                    current_database());
                execute format('alter database %I set jit = on', current_database());
            end $$",
        )
        .await;
    let settings = Settings {
        lock_timeout: Duration::from_millis(2_345),
        idle_in_transaction_timeout: Duration::from_millis(6_789),
        ..Settings::default()
    };
    let journal = world.open_with(settings, vec![Arc::new(Witness)]).await;
    journal.append(append("s", 0)).await.expect("append");
    let mut connection = world.connect().await;
    let witnessed: String = sqlx::query_scalar("select settings from witness")
        .fetch_one(&mut connection)
        .await
        .expect("one event");
    let expected = "synchronous_commit = on, default_transaction_isolation = read committed, \
        jit = off, plan_cache_mode = force_generic_plan, lock_timeout = 2345ms, \
        idle_in_transaction_session_timeout = 6789ms";
    assert_eq!(witnessed, expected);
}

#[tokio::test]
async fn nobody_sees_an_event_before_it_is_durable() {
    let world = with_witness().await;
    let journal = Arc::new(world.open_with(Settings::default(), vec![Arc::new(Witness)]).await);
    journal.append(append("s", 0)).await.expect("append");

    // The append has done all but the fold, which waits for us.
    let mut connection = world.connect().await;
    let mut blocking = connection.begin().await.expect("begin");
    sqlx::query("lock table witness in exclusive mode")
        .execute(&mut *blocking)
        .await
        .expect("lock");
    let mut tasks = tokio::task::JoinSet::new();
    let under_way = Arc::clone(&journal);
    tasks.spawn(async move { under_way.append(append("s", 1)).await });
    eventually("the append waits for the lock", async || world.waiting_for_locks().await == 1)
        .await;

    assert_eq!(*journal.head().borrow(), 1);
    assert_eq!(journal.read(1, 10).await.expect("read"), []);
    assert_eq!(journal.read_stream(&append("s", 1).stream, 1, 10).await.expect("read"), []);
    assert_eq!(world.count("select count(*) from event").await, 1);

    blocking.rollback().await.expect("rollback");
    let appended = tasks.join_next().await.expect("a task").expect("no panic").expect("append");
    assert_eq!(appended.position, 2);
    assert_eq!(*journal.head().borrow(), 2);
    assert_eq!(journal.read(1, 10).await.expect("read").len(), 1);
}

#[tokio::test]
async fn an_event_cannot_be_changed_nor_deleted() {
    let world = World::new().await;
    let journal = world.open().await;
    journal.append(append("s", 0)).await.expect("append");
    let mut connection = world.connect().await;
    for table in ["event", "event_1"] {
        for statement in [
            format!("update {table} set payload = '{{}}'"),
            format!("update {table} set payload = '{{}}' where false"),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone()))
                .execute(&mut connection)
                .await
                .expect_err(&statement);
            let code = refused.as_database_error().and_then(sqlx::error::DatabaseError::code);
            assert_eq!(code.as_deref(), Some("42501"), "{statement}: {refused}");
        }
    }
    assert_eq!(world.count("select count(*) from event").await, 1);
}

#[tokio::test]
async fn an_event_changed_by_force_shows() {
    let world = World::new().await;
    let journal = world.open().await;
    let appended = journal.append(append("s", 0)).await.expect("append");
    world
        .execute("set greffe.events_may_change = 'on'; update event set payload = payload || ' '")
        .await;
    let stored = journal.read_stream(&appended.stream, 0, 1).await.expect("read");
    assert!(!stored[0].is_intact());
}

#[tokio::test]
async fn time_does_not_go_back_with_the_clock() {
    let world = World::new().await;
    world.execute("update journal_head set recorded_at = now() + interval '1 day'").await;
    let journal = world.open().await;
    journal.append(append("s", 0)).await.expect("append");
    journal.append(append("s", 1)).await.expect("append");
    let late = "select count(*) from event where now() + interval '1 hour' < recorded_at";
    assert_eq!(world.count(late).await, 2);
}

#[tokio::test]
async fn a_closed_journal_has_written_what_it_took_and_takes_no_more() {
    let world = World::new().await;
    let journal = Arc::new(world.open().await);
    let mut connection = world.connect().await;
    let mut blocking = connection.begin().await.expect("begin");
    sqlx::query("select from journal_head for update")
        .execute(&mut *blocking)
        .await
        .expect("the head is locked");
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..50 {
        let journal = Arc::clone(&journal);
        tasks.spawn(async move { journal.append(append(&n.to_string(), 0)).await });
        // One is under way, the others queue behind it.
        if n == 0 {
            eventually("it waits", async || world.waiting_for_locks().await == 1).await;
        }
    }
    eventually("it still waits", async || world.waiting_for_locks().await == 1).await;
    let (unblocked, ()) = tokio::join!(blocking.rollback(), journal.close());
    unblocked.expect("rollback");
    for outcome in tasks.join_all().await {
        outcome.expect("it was taken before the journal was closed");
    }
    assert_eq!(world.count("select count(*) from event").await, 50);

    let late = journal.append(append("s", 1)).await;
    assert!(matches!(late, Err(AppendError::Journal(_))), "{late:?}");
    let open = "select count(*) from pg_stat_activity
        where datname = current_database() and application_name like 'greffe journal%'";
    eventually("its connections are closed", async || world.count(open).await == 0).await;
}
