//! How a process learns of what others wrote, and what it keeps in memory.

use std::time::Duration;

use futures::future::join_all;
use journal::{
    Append, Journal,
    conformance::{append, event},
    postgres::{PostgresJournal, Settings},
};
use tokio::time::timeout;

use super::world::{PATIENCE, World, eventually};

const HOUR: Duration = Duration::from_hours(1);

async fn hears_of(journal: &PostgresJournal, position: u64) {
    let mut head = journal.head();
    let known = timeout(PATIENCE, head.wait_for(|it| position <= *it)).await;
    known.expect("it is heard of").expect("the journal is open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_processes_are_notified() {
    let world = World::new().await;
    let deaf = Settings { poll_every: HOUR, ..Settings::default() };
    let listener = world.open_with(deaf, vec![]).await;
    let writer = world.open().await;
    eventually("it listens", async || {
        let listening = "select count(*) from pg_stat_activity where datname = current_database()
            and application_name = 'greffe journal listener' and query like 'LISTEN%'
            and state = 'idle'";
        world.count(listening).await == 2
    })
    .await;
    for n in 0..5 {
        let appended = writer.append(append("s", n)).await.expect("append");
        hears_of(&listener, appended.position).await;
        assert_eq!(listener.read(n, 10).await.expect("read").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_hears_nothing_looks_for_itself() {
    let world = World::new().await;
    let attentive = Settings { poll_every: Duration::from_millis(20), ..Settings::default() };
    let journal = world.open_with(attentive, vec![]).await;
    // As a process would that dies before it can notify.
    world
        .execute(
            "begin; update journal_head set head = head + 1;
             insert into event values (1, 'test-s', 1, gen_random_uuid(), 'Noted', 1, '', '', now(),
                 sha256(''));
             insert into stream values ('test-s', 1); commit",
        )
        .await;
    hears_of(&journal, 1).await;
    assert_eq!(journal.read(0, 10).await.expect("read").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_whose_connection_breaks_listens_again() {
    let world = World::new().await;
    let listener = world.open().await;
    let writer = world.open().await;
    for n in 0..3 {
        world
            .count(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()
                   and application_name in ('greffe journal listener', 'greffe journal notifier')",
            )
            .await;
        let appended = writer.append(append("s", n)).await.expect("append");
        hears_of(&listener, appended.position).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_who_fell_behind_what_is_in_memory_miss_nothing() {
    let world = World::new().await;
    let few = Settings { recent_events_max: 10, ..Settings::default() };
    let little = Settings { recent_bytes_max: 2000, ..Settings::default() };
    for (settings, name) in [(few, "few"), (little, "little")] {
        let journal = world.open_with(settings, vec![]).await;
        let before = *journal.head().borrow();
        for n in 0..4 {
            let events = vec![event("x"); 7];
            journal.append(Append { events, ..append(name, n * 7) }).await.expect("append");
        }
        join_all((28..40).map(|n| journal.append(append(name, n)))).await;
        for after in before..before + 40 {
            for limit in [1, 5, 10, 100] {
                let read = journal.read(after, limit).await.expect("read");
                let last = (after + limit as u64).min(before + 40);
                assert!(read.iter().map(|it| it.position).eq(after + 1..=last), "{after} {limit}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_wrote_itself_can_be_read_though_it_has_not_caught_up() {
    let world = World::new().await;
    let slow = Settings { read_every: HOUR, poll_every: HOUR, ..Settings::default() };
    let slow = world.open_with(slow, vec![]).await;
    let other = world.open().await;
    for n in 0..3 {
        other.append(append("others", n)).await.expect("append");
        let own = slow.append(append("own", n)).await.expect("append");
        let read = slow.read(0, 100).await.expect("read");
        assert!(read.iter().map(|it| it.position).eq(1..=own.position));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recent_past_is_read_without_the_database() {
    let world = World::new().await;
    let journal = world.open().await;
    for n in 0..10 {
        journal.append(append("s", n)).await.expect("append");
    }
    let first = journal.read(0, 100).await.expect("read");
    let second = journal.read(0, 100).await.expect("read");
    let shared = first.iter().zip(&second).all(|(a, b)| std::sync::Arc::ptr_eq(a, b));
    assert!(shared && first.len() == 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_at_a_time_is_bounded_by_its_size() {
    let world = World::new().await;
    let writer = world.open().await;
    // Two small ones, one that is larger than all that is read at a time, and
    // two that go together.
    for (bytes, n) in [1, 1, 5_000, 400, 400, 400].into_iter().zip(0..) {
        let mut wanted = append("s", n);
        wanted.events[0].payload = "x".repeat(bytes);
        writer.append(wanted).await.expect("append");
    }
    let frugal = Settings { read_bytes_max: 1_000, ..Settings::default() };
    // It has nothing in memory of what was before.
    let reader = world.open_with(frugal, vec![]).await;
    let mut pages = Vec::new();
    let mut after = 0;
    loop {
        let page = reader.read(after, 100).await.expect("read");
        let Some(last) = page.last() else { break };
        assert_eq!(page[0].position, after + 1, "none is left out");
        after = last.position;
        pages.push(page.len());
    }
    assert_eq!((pages, after), (vec![3, 3], 6));
    assert_eq!(reader.read(0, 2).await.expect("read").len(), 2);
}
