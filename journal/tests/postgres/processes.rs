//! Several processes on one database.

use std::sync::Arc;

use futures::{TryStreamExt, future::join_all};
use journal::{
    Append, AppendError, Journal, Recorded,
    conformance::{append, event, keyed},
    postgres::PostgresJournal,
};
use tokio::{task::JoinSet, time::timeout};

use super::world::{PATIENCE, World};

async fn three(world: &World) -> [Arc<PostgresJournal>; 3] {
    [world.open().await, world.open().await, world.open().await].map(Arc::new)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_fight_over_streams_leave_no_hole_and_skip_no_version() {
    let world = World::new().await;
    let journals = three(&world).await;
    let mut tasks = JoinSet::new();
    for writer in 0..18_u64 {
        let journal = Arc::clone(&journals[usize::try_from(writer).expect("small") % 3]);
        tasks.spawn(async move {
            let mut written = 0;
            for n in 0..30 {
                // Fourteen streams for eighteen writers, each in an order of its own.
                let stream = (n * (2 * writer + 1) + writer) % 14;
                written += add_whatever_it_takes(&*journal, &format!("s{stream}"), n % 3 + 1).await;
            }
            written
        });
    }
    let readers = join_all(journals.iter().map(|it| read_until(Arc::clone(it), "stop")));
    let writing = async {
        let written: u64 = tasks.join_all().await.into_iter().sum();
        journals[0].append(append("stop", 0)).await.expect("append");
        written + 1
    };
    let (found, written) = timeout(PATIENCE, async { tokio::join!(readers, writing) })
        .await
        .expect("every reader finds the end");

    for found in found {
        assert!(
            found.iter().map(|it| it.position).eq(1..=written),
            "missed, doubled or disordered"
        );
    }
    let stored: Vec<Recorded> = journals[1].replay(0).try_collect().await.expect("replay");
    assert_eq!(stored.len() as u64, written);
    assert!(stored.iter().all(Recorded::is_intact));
    assert!(stored.is_sorted_by_key(|it| it.recorded_at), "time went back");
    let skipped = "select count(*) from (
        select version, row_number() over (partition by stream order by position) as place
        from event) as x where version <> place";
    assert_eq!(world.count(skipped).await, 0);
    let disagreeing = "select count(*) from stream natural full join (
        select stream, max(version) as last from event group by stream) as x
        where version is distinct from last";
    assert_eq!(world.count(disagreeing).await, 0);
    assert_eq!(world.count("select head from journal_head").await.unsigned_abs(), written);
}

async fn add_whatever_it_takes(journal: &dyn Journal, stream: &str, events: u64) -> u64 {
    let mut version = 0;
    loop {
        let events = (0..events).map(|n| event(&format!("{stream} {n}"))).collect::<Vec<_>>();
        let count = events.len() as u64;
        match journal.append(Append { events, ..append(stream, version) }).await {
            Ok(appended) => {
                assert_eq!(appended.version, version + count);
                return count;
            }
            Err(AppendError::Conflict { actual, .. }) => version = actual,
            Err(other) => panic!("{other:?}"),
        }
    }
}

async fn read_until(journal: Arc<PostgresJournal>, end: &str) -> Vec<Arc<Recorded>> {
    let mut head = journal.head();
    let mut found: Vec<Arc<Recorded>> = Vec::new();
    while found.last().is_none_or(|it| it.stream.id() != end) {
        let after = found.len() as u64;
        head.wait_for(|it| after < *it).await.expect("the journal is open");
        found.extend(journal.read(after, 100).await.expect("read"));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_processes_with_the_same_key_one_writes() {
    let world = World::new().await;
    let journals = three(&world).await;
    for round in 0..10 {
        let key = format!("k{round}");
        let crowd = (0..9).map(|n| {
            let append = keyed(&format!("{round} {n}"), 0, &key, 1);
            journals[n % 3].append(append)
        });
        let outcomes: Vec<_> =
            join_all(crowd).await.into_iter().map(|it| it.expect("append")).collect();
        assert_eq!(outcomes.iter().filter(|it| !it.repeated).count(), 1);
        assert!(outcomes.iter().all(|it| it.position == outcomes[0].position));
    }
    assert_eq!(world.count("select count(*) from event").await, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_winner_among_processes_is_one_and_the_losers_learn_the_version() {
    let world = World::new().await;
    let journals = three(&world).await;
    for round in 0..20 {
        let outcomes = join_all(journals.iter().map(|it| it.append(append("s", round)))).await;
        assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 1);
        for lost in outcomes.iter().filter_map(|it| it.as_ref().err()) {
            assert!(
                matches!(lost, AppendError::Conflict { actual, .. } if *actual == round + 1),
                "{lost:?}"
            );
        }
    }
}
