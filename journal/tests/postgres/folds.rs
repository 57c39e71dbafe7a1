//! Tables that move with an append, and guards that refuse some.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::join_all;
use journal::{
    Append, AppendError, Journal,
    conformance::{append, event, keyed},
    postgres::{
        PostgresJournal, Settings,
        fold::{Column, Effect, InlineFold, Pending},
    },
};
use sqlx::Connection;
use tokio::task::JoinSet;

use super::world::{World, eventually};

/// Counts the events of each stream, and remembers the last one.
struct Tally;

impl InlineFold for Tally {
    fn name(&self) -> &'static str {
        "tally"
    }

    fn fold(&self, batch: &[Pending<'_>]) -> Option<Effect> {
        let mut net = BTreeMap::new();
        for it in batch.iter().filter(|it| it.event.event_type == "Noted") {
            let (count, last) = net.entry(it.stream.as_str()).or_insert((0, 0));
            (*count, *last) = (*count + 1, it.ordinal);
        }
        (!net.is_empty()).then(|| Effect {
            sql: "tally as (
                insert into tally (stream, events, last, at)
                select x.stream, x.count, h.base + x.last, h.at
                from h, unnest({0}, {1}, {2}) as x (stream, count, last)
                on conflict (stream) do update set
                    events = tally.events + excluded.events, last = excluded.last, at = excluded.at)",
            columns: vec![
                Column::Text(net.keys().map(|it| Some((*it).to_owned())).collect()),
                Column::BigInt(net.values().map(|it| Some(it.0)).collect()),
                Column::BigInt(net.values().map(|it| Some(it.1)).collect()),
            ],
            guard: None,
        })
    }
}

/// Lets each owner (the first letter of a stream's id) write so many events.
struct Quota;

impl InlineFold for Quota {
    fn name(&self) -> &'static str {
        "quota"
    }

    fn fold(&self, batch: &[Pending<'_>]) -> Option<Effect> {
        let owners = batch.iter().map(|it| it.stream.id().get(..1).map(str::to_owned));
        Some(Effect {
            sql: "quota_asked as (
                select x.owner, x.request,
                    row_number() over (partition by x.owner order by x.ordinal) as place
                from unnest({0}, {1}, {2}) as x (owner, request, ordinal)),
            quota_refused as (
                select a.request, 'at most ' || q.most as reason
                from quota_asked a join quota q using (owner)
                where q.most < q.used + a.place),
            quota_used as (
                update quota q set used = q.used + x.count
                from h, (select owner, count(*) from quota_asked group by owner) as x
                where q.owner = x.owner)",
            columns: vec![
                Column::Text(owners.collect()),
                Column::Integer(batch.iter().map(|it| Some(it.request)).collect()),
                Column::BigInt(batch.iter().map(|it| Some(it.ordinal)).collect()),
            ],
            guard: Some("quota_refused"),
        })
    }
}

async fn open(world: &World) -> PostgresJournal {
    world.open_with(Settings::default(), vec![Arc::new(Tally), Arc::new(Quota)]).await
}

async fn with_tables() -> World {
    let world = World::new().await;
    world
        .execute(
            "create table tally (stream text primary key, events bigint, last bigint,
                 at timestamptz);
             create table quota (owner text primary key, used bigint not null, most bigint not null);
             insert into quota values ('a', 0, 5), ('b', 0, 3)",
        )
        .await;
    world
}

const TALLY_OFF_BY: &str = "select count(*) from tally natural full join (
        select stream, count(*) as counted, max(position) as newest, max(recorded_at) as time
        from event group by stream) as x
    where (events, last, at) is distinct from (counted, newest, time)";

const QUOTA_OFF_BY: &str = "select count(*) from quota natural left join (
        select substring(stream from 6 for 1) as owner, count(*) as counted
        from event group by 1) as x
    where used <> coalesce(counted, 0) or most < used";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fold_moves_with_the_append_or_not_at_all() {
    let world = with_tables().await;
    let journals = [open(&world).await, open(&world).await];
    for round in 0..20 {
        // Chained, contested and repeated ones among them.
        let appends = (0..24).map(|n| match n % 6 {
            0 => append("z shared", round),
            1 => keyed(&format!("z {round} {n}"), 0, &format!("k{round}"), 1),
            2 => Append { events: vec![event("x"); 3], ..append(&format!("z {n}"), round * 4) },
            3 => append(&format!("z {}", n - 1), round * 4 + 3),
            _ => append(&format!("z {n}"), round),
        });
        join_all(appends.enumerate().map(|(n, it)| journals[n / 12].append(it))).await;
    }
    let events = world.count("select count(*) from event").await;
    assert_eq!(events, 20 * (1 + 1 + 4 * 3 + 4 + 8));
    assert_eq!(world.count(TALLY_OFF_BY).await, 0);
    assert_eq!(world.count("select sum(events)::bigint from tally").await, events);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_refuses_the_appends_that_are_too_many_and_no_others() {
    let world = with_tables().await;
    let journal = open(&world).await;
    let appends = (0..24).map(|n| match n % 3 {
        0 => append(&format!("a{n}"), 0),
        1 => append(&format!("b{n}"), 0),
        _ => append(&format!("c{n}"), 0),
    });
    let outcomes = join_all(appends.map(|it| journal.append(it))).await;
    for (owner, allowed) in [(0, 5), (1, 3), (2, 8)] {
        let own: Vec<_> = outcomes.iter().skip(owner).step_by(3).collect();
        // In the order in which they were asked for.
        assert!(own[..allowed].iter().all(|it| it.is_ok()), "{own:?}");
        for refused in &own[allowed..] {
            let Err(AppendError::Guarded { guard: "quota", reason }) = refused else {
                panic!("{refused:?}")
            };
            assert_eq!(*reason, format!("at most {allowed}"));
        }
    }
    assert_eq!(world.count("select count(*) from event").await, 16);
    assert_eq!(world.count(TALLY_OFF_BY).await + world.count(QUOTA_OFF_BY).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_holds_among_processes() {
    for _ in 0..5 {
        let world = with_tables().await;
        let journals = [open(&world).await, open(&world).await, open(&world).await];
        let crowd = (0..30).map(|n| journals[n % 3].append(append(&format!("a{n}"), 0)));
        let outcomes = join_all(crowd).await;
        assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 5);
        assert_eq!(world.count(QUOTA_OFF_BY).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_sees_what_others_wrote_while_it_waited() {
    let world = with_tables().await;
    world.execute("update quota set most = 1").await;
    let journals = [Arc::new(open(&world).await), Arc::new(open(&world).await)];
    let mut connection = world.connect().await;
    let mut blocking = connection.begin().await.expect("begin");
    sqlx::query("select from journal_head for update")
        .execute(&mut *blocking)
        .await
        .expect("the head is locked");
    let mut tasks = JoinSet::new();
    for (n, journal) in journals.into_iter().enumerate() {
        tasks.spawn(async move { journal.append(append(&format!("a{n}"), 0)).await });
    }
    eventually("both have begun, and wait", async || world.waiting_for_locks().await == 2).await;
    blocking.rollback().await.expect("rollback");
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(world.count(QUOTA_OFF_BY).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_refused_append_is_a_conflict() {
    let world = with_tables().await;
    world.execute("update quota set most = 1").await;
    let journal = open(&world).await;
    let appends = [append("a", 0), append("b", 0), append("a", 1), append("b", 1), append("a", 2)];
    let outcomes = join_all(appends.map(|it| journal.append(it))).await;
    assert!(outcomes[..2].iter().all(Result::is_ok), "{outcomes:?}");
    for refused in &outcomes[2..4] {
        assert!(matches!(refused, Err(AppendError::Guarded { .. })), "{refused:?}");
    }
    assert!(
        matches!(
            outcomes[4],
            Err(AppendError::Guarded { .. } | AppendError::Conflict { actual: 1, .. })
        ),
        "{outcomes:?}"
    );
    assert_eq!(world.count("select count(*) from event").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_key_can_be_used_again() {
    let world = with_tables().await;
    world.execute("update quota set most = 0").await;
    let journal = open(&world).await;
    let refused = journal.append(keyed("a", 0, "k", 1)).await;
    assert!(matches!(refused, Err(AppendError::Guarded { .. })), "{refused:?}");
    world.execute("update quota set most = 9").await;
    assert!(!journal.append(keyed("a", 0, "k", 1)).await.expect("append").repeated);
}

/// Trips over every event that holds a certain word.
struct Brittle;

impl InlineFold for Brittle {
    fn name(&self) -> &'static str {
        "brittle"
    }

    fn fold(&self, batch: &[Pending<'_>]) -> Option<Effect> {
        let numbers = batch
            .iter()
            .map(|it| Some(if it.event.payload.contains("poison") { "x" } else { "1" }.to_owned()));
        Some(Effect {
            sql: "brittle as (
                insert into tally (stream, events)
                select 'brittle', sum(x.number::bigint) from h, unnest({0}) as x (number)
                on conflict (stream) do update set events = tally.events + excluded.events)",
            columns: vec![Column::Text(numbers.collect())],
            guard: None,
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_poisonous_append_fails_no_other() {
    let world = with_tables().await;
    let journal = world.open_with(Settings::default(), vec![Arc::new(Brittle)]).await;
    let appends = (0..50).map(|n| {
        let stream = if n % 17 == 3 { format!("poison {n}") } else { format!("s{n}") };
        journal.append(append(&stream, 0))
    });
    for (n, outcome) in join_all(appends).await.into_iter().enumerate() {
        if n % 17 == 3 {
            assert!(matches!(outcome, Err(AppendError::Malformed { .. })), "{outcome:?}");
        } else {
            outcome.expect("it is not the culprit");
        }
    }
    assert_eq!(world.count("select events from tally").await, 47);
    assert_eq!(world.count("select head from journal_head").await, 47);
}
