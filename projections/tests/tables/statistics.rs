//! The counts: the same however facts are dealt out, and nothing but what
//! happened.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::TimeDelta;
use commands::Wishes;
use domain::{
    Decider, JobId, Timestamp, UserId,
    job::{Closing, Job, JobCommand, JobKind, JobState},
};
use journal::Journal;
use projections::{
    Fact, Projection, Viewer,
    job_statistics::{By, Counted, JobStatistics, Row, Statistics, StatisticsFilter, Window},
};
use proptest::{
    prelude::any,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    corpus,
    lives::{CLIENT, Lives, random},
    quotas,
    world::{ANN, OWNER, World, user, worker},
};

const TABLES: [&str; 4] = ["job_duration", "job_gauge", "job_standing", "job_statistics"];

/// Enough for everybody.
const GROUPS_MAX: u32 = 100_000;

impl World {
    /// How many jobs were queued at some time, and have ended. Not all that ran
    /// were: when its time has come a job may be leased before it is queued.
    async fn ended_after_waiting(&self) -> u64 {
        let mut jobs: HashMap<JobId, (Job, bool)> = HashMap::new();
        for fact in self.facts().await {
            let Some((id, event)) = fact.of_job() else { continue };
            let (job, waited) = jobs.entry(id).or_default();
            job.evolve(event, fact.recorded.version);
            *waited |= job.present().is_some_and(|it| it.state() == JobState::Queued);
        }
        let over = |job: &Job| job.present().is_some_and(|it| it.state().is_final());
        jobs.values().filter(|(job, waited)| *waited && over(job)).count() as u64
    }

    async fn facts(&self) -> Vec<Arc<Fact>> {
        let events = self.journal.read(0, 100_000).await.unwrap();
        events.iter().map(|it| Arc::new(Fact::read(it).unwrap())).collect()
    }

    /// Makes the tables anew, with the facts in batches of these sizes.
    async fn counted_in(&self, facts: &[Arc<Fact>], sizes: &[usize]) {
        self.execute(&format!("truncate {}", TABLES.join(", "))).await;
        let mut db = self.db.acquire().await.unwrap();
        let (mut rest, mut sizes) = (facts, sizes.iter().cycle());
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(*sizes.next().unwrap().min(&rest.len()));
            rest = later;
            let mut keys: Vec<JobId> =
                batch.iter().flat_map(|it| JobStatistics::keys(it)).collect();
            keys.sort_unstable();
            keys.dedup();
            let mut rows = JobStatistics::load(&mut db, &keys).await.unwrap();
            for fact in batch {
                for key in JobStatistics::keys(fact) {
                    let row = JobStatistics::fold(key, rows.remove(&key), fact);
                    rows.extend(row.map(|it| (key, it)));
                }
            }
            let rows: Vec<_> = rows.into_values().collect();
            JobStatistics::store(&mut db, &rows).await.unwrap();
        }
    }

    async fn counts(&self) -> Vec<String> {
        let mut all = Vec::new();
        for table in TABLES {
            let sql = format!("select t::text from {table} t order by 1");
            let rows: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&self.db).await.unwrap();
            assert!(!rows.is_empty(), "{table} is empty");
            all.extend(rows);
        }
        all
    }

    async fn now(&self) -> Timestamp {
        sqlx::query_scalar("select now()").fetch_one(&self.db).await.unwrap()
    }

    /// Of the last two hours.
    async fn asked(&self, by: By, filter: &StatisticsFilter, viewer: Viewer) -> Statistics {
        let now = self.now().await;
        let window = Window::new(now - TimeDelta::hours(1), now);
        self.reader.statistics(window, by, filter, (viewer, GROUPS_MAX)).await.unwrap()
    }
}

fn sum(rows: &[Row]) -> Counted {
    rows.iter().fold(Counted::default(), |sum, it| Counted {
        created: sum.created + it.counted.created,
        entered: sum.entered + it.counted.entered,
        ended: sum.ended + it.counted.ended,
        with_errors: sum.with_errors + it.counted.with_errors,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_counts_do_not_depend_on_how_facts_are_dealt_out_to_batches() {
    let world = World::new().await;
    Lives::begin(&world).await.live(&random(600)).await;
    let facts = world.facts().await;
    world.counted_in(&facts, &[1]).await;
    let one_by_one = world.counts().await;
    let mut runner = TestRunner::default();
    for _ in 0..12 {
        let sizes = proptest::collection::vec(any::<u8>(), 1..20);
        let sizes = sizes.new_tree(&mut runner).unwrap().current();
        let sizes: Vec<usize> = sizes.into_iter().map(|it| 1 + usize::from(it)).collect();
        world.counted_in(&facts, &sizes).await;
        assert_eq!(world.counts().await, one_by_one, "in batches of {sizes:?}");
    }
    world.counted_in(&facts, &[facts.len()]).await;
    assert_eq!(world.counts().await, one_by_one);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_counted_is_what_the_lists_show() {
    let world = World::new().await;
    let following = world.follow();
    // Random jobs may all be of one kind.
    corpus::crawled(&world).await;
    world.create("checksum", Wishes::default()).await;
    Lives::begin(&world).await.live(&random(500)).await;
    world.caught_up().await;
    following.stopped().await;
    let by = By { kind: true, ..By::default() };
    let told = world.asked(by, &StatisticsFilter::default(), Viewer::All).await;
    let listed: Vec<(String, String, i64)> =
        sqlx::query_as("select kind, state, count(*) from job_list group by 1, 2")
            .fetch_all(&world.db)
            .await
            .unwrap();
    let listed: BTreeMap<(String, String), u64> =
        listed.into_iter().map(|it| ((it.0, it.1), it.2.cast_unsigned())).collect();
    let kinds = told.current().len() / JobState::ALL.len();
    assert!(1 < kinds && told.current().len() == kinds * JobState::ALL.len(), "zeros are shown");
    for it in told.current() {
        let of = (it.kind.unwrap().to_string(), it.state.to_string());
        assert_eq!(listed.get(&of).copied().unwrap_or_default(), it.jobs, "{of:?}");
    }
    let all = sum(&told.rows());
    let count = async |what: &str| {
        world.count(&format!("select count(*) from job_list where {what}")).await.cast_unsigned()
    };
    assert_eq!(all.created, count("true").await);
    assert_eq!(all.ended, count("ended_at is not null").await);
    assert_eq!(all.with_errors, count("state = 'SUCCEEDED' and errors > 0").await);
    assert!(all.created < all.entered, "{all:?}");
    let waited: u64 = told.rows().iter().map(|it| it.waiting.jobs()).sum();
    let ran: u64 = told.rows().iter().map(|it| it.running.jobs()).sum();
    assert_eq!(ran, count("ended_at is not null and started_at is not null").await);
    assert_eq!(waited, world.ended_after_waiting().await, "and nobody who never did");
    assert!(0 < waited && 0 < ran, "{all:?}");
}

/// Times are what is dear to read: of an answer that is too large to be given they are not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_more_than_may_be_told_no_times_are_read() {
    let world = World::new().await;
    let following = world.follow();
    let (by, filter) = (By { state: true, ..By::default() }, StatisticsFilter::default());
    let times = |it: &Statistics| -> u64 {
        it.rows().iter().map(|it| it.waiting.jobs() + it.running.jobs()).sum()
    };
    let standing = |it: &Statistics| -> u64 { it.current().iter().map(|it| it.jobs).sum() };
    let mut lives = Lives::begin(&world).await;
    let all = loop {
        lives.live(&random(300)).await;
        world.caught_up().await;
        let all = world.asked(by, &filter, Viewer::All).await;
        // Random jobs may all have ended, or none that ran.
        if 0 < times(&all) && 0 < standing(&all) {
            break all;
        }
    };
    following.stopped().await;
    let now = world.now().await;
    let window = Window::new(now - TimeDelta::hours(1), now);
    let rows = u32::try_from(all.size()).unwrap();
    for (rows_max, expected) in [(rows, (times(&all), standing(&all))), (rows - 1, (0, 0))] {
        let most = (Viewer::All, rows_max);
        let told = world.reader.statistics(window, by, &filter, most).await.unwrap();
        assert_eq!(told.size(), all.size());
        assert_eq!((times(&told), standing(&told)), expected, "{rows_max} of {rows}");
    }
}

/// All that are told apart add up to those that are not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_of_telling_jobs_apart_counts_the_same_jobs() {
    let world = World::new().await;
    let following = world.follow();
    Lives::begin(&world).await.live(&random(1_500)).await;
    // Random lives may have ended nothing of the owner's.
    let ended = quotas::created(&world, user(OWNER)).await;
    world.ask(ended, JobCommand::CancelJob { reason: None }, user(OWNER)).await;
    world.caught_up().await;
    following.stopped().await;
    let [any_kind, task] = [None, Some(vec![JobKind::Task])];
    let of = |kinds: &Option<Vec<JobKind>>, owner| {
        let filter = StatisticsFilter { kinds: kinds.clone(), owner, ..Default::default() };
        (filter, owner)
    };
    for (filter, _) in [of(&any_kind, None), of(&task, None), of(&task, Some(OWNER))] {
        let all = world.asked(By::default(), &filter, Viewer::All).await;
        let [all] = &all.rows()[..] else { panic!("{all:?}") };
        assert_ne!(all.counted.ended, 0);
        for number in 1..16 {
            let bit = |it: u8| number & it != 0;
            let by = By { hour: bit(1), kind: bit(2), service: bit(4), state: bit(8) };
            let told = world.asked(by, &filter, Viewer::All).await;
            let rows = told.rows();
            assert_eq!(rows.len(), told.size());
            assert_eq!(sum(&rows), all.counted, "{by:?}");
            let jobs = |spread: fn(&Row) -> u64| rows.iter().map(spread).sum::<u64>();
            assert_eq!(jobs(|it| it.waiting.jobs()), all.waiting.jobs());
            assert_eq!(jobs(|it| it.running.jobs()), all.running.jobs());
            let longest = rows.iter().filter_map(|it| it.running.max_ms()).max();
            assert_eq!(longest, all.running.max_ms());
            let states = rows.iter().filter(|it| it.state == Some(JobState::Expired)).count();
            assert_eq!(0 < states, by.state);
            assert!(rows.iter().all(|it| it.hour.is_some() == by.hour
                && it.kind.is_some() == by.kind
                && it.service.is_some() == by.service));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_told_of_their_own_jobs_only() {
    let world = World::new().await;
    let following = world.follow();
    Lives::begin(&world).await.live(&random(300)).await;
    // Random lives may have had nothing of one of them.
    for owner in [OWNER, UserId(Uuid::from_u128(2))] {
        quotas::created(&world, user(owner)).await;
    }
    quotas::another(&world, CLIENT).await;
    world.caught_up().await;
    following.stopped().await;
    let mut parts = [0; 4];
    for (part, number) in parts.iter_mut().zip(1_u32..) {
        let owner = UserId(Uuid::from_u128(number.into()));
        let filter = StatisticsFilter::default();
        let own = world.asked(By::default(), &filter, Viewer::Owner(owner)).await;
        *part = own.rows()[0].counted.created;
        let current: u64 = own.current().iter().map(|it| it.jobs).sum();
        let of_theirs = format!("select count(*) from job_list where owner = '{owner}'");
        assert_eq!(current, world.count(&of_theirs).await.cast_unsigned(), "whoever made them");
        // What one asks for does not show more than one may see.
        let filter = StatisticsFilter { owner: Some(OWNER), ..Default::default() };
        let other = world.asked(By::default(), &filter, Viewer::Owner(owner)).await;
        assert_eq!(other.rows()[0].counted.created, if owner == OWNER { *part } else { 0 });
    }
    let all = world.asked(By::default(), &StatisticsFilter::default(), Viewer::All).await;
    assert_eq!(parts.iter().sum::<u64>(), all.rows()[0].counted.created);
    // Two people, a client, and somebody who has nothing.
    assert!(parts[..3].iter().all(|it| 0 < *it) && parts[3] == 0, "{parts:?}");
}

/// What happened stays with whoever owned the job then; what is where now is
/// the new owner's, of jobs that have ended too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_goes_to_somebody_else_is_counted_among_theirs_from_then_on() {
    let world = World::new().await;
    let following = world.follow();
    let heir = UserId(Uuid::from_u128(2));
    let jobs = [
        world.create("checksum", Wishes::default()).await,
        world.create("checksum", Wishes::default()).await,
    ];
    world.ask(jobs[0], JobCommand::CancelJob { reason: None }, user(OWNER)).await;
    world.caught_up().await;
    for job in jobs {
        world.ask(job, JobCommand::TransferJob { from: None, to: heir }, user(OWNER)).await;
    }
    world.ask(jobs[1], JobCommand::CancelJob { reason: None }, user(heir)).await;
    world.caught_up().await;
    following.stopped().await;
    let filter = StatisticsFilter::default();
    let mut told = Vec::new();
    for owner in [OWNER, heir] {
        let own = world.asked(By::default(), &filter, Viewer::Owner(owner)).await;
        let happened = sum(&own.rows());
        let current: u64 = own.current().iter().map(|it| it.jobs).sum();
        told.push((happened.created, happened.ended, current));
    }
    assert_eq!(told, [(2, 1, 0), (0, 1, 2)]);
}

/// All the time that it was queued, all the time that it was held, each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_timed_over_all_its_attempts_when_it_ends() {
    let world = World::new().await;
    let following = world.follow();
    let job = world.create("checksum", Wishes::default()).await;
    let by_ann = async |command| world.ask(job, command, worker(ANN)).await;
    let first = world.grant(job, ANN).await.lease.fence;
    let release = JobCommand::ReleaseLease {
        fence: first,
        reason: None,
        until: None,
        checkpoint: None,
        closing: Closing::default(),
    };
    by_ann(release).await;
    world.caught_up().await;
    let spreads = async || {
        let told = world.asked(By::default(), &StatisticsFilter::default(), Viewer::All).await;
        let [row] = &told.rows()[..] else { panic!("{told:?}") };
        (row.waiting.clone(), row.running.clone(), row.counted.with_errors)
    };
    assert_eq!(spreads().await.0.jobs(), 0, "it has not ended");
    let fence = world.grant(job, ANN).await.lease.fence;
    let (result, closing) = (serde_json::Value::Null, Closing::default());
    by_ann(JobCommand::CompleteTask { fence, result, errors: 2, artifacts: vec![], closing }).await;
    world.caught_up().await;
    following.stopped().await;
    let at: Vec<Timestamp> = world
        .facts()
        .await
        .iter()
        .filter(|it| it.of_job().is_some_and(|(_, event)| event.leads_to().is_some()))
        .map(|it| it.at())
        .collect();
    let [created, granted, released, again, done] = at[..] else { panic!("{at:?}") };
    let ms = |from: Timestamp, to: Timestamp| (to - from).num_milliseconds().unsigned_abs();
    let (waiting, running, with_errors) = spreads().await;
    assert_eq!(with_errors, 1, "one job, whatever the number of its errors");
    let waited = ms(created, granted) + ms(released, again);
    let ran = ms(granted, released) + ms(again, done);
    for (spread, total) in [(waiting, waited), (running, ran)] {
        assert_eq!((spread.jobs(), spread.mean_ms()), (1, Some(total)));
        assert_eq!([spread.quantile_ms(50), spread.max_ms(), spread.min_ms()], [Some(total); 3]);
    }
}

#[tokio::test]
async fn a_window_has_whole_hours() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let window = Window::new(at("2027-03-01T09:30:00Z"), at("2027-03-01T11:00:00Z"));
    let hours: Vec<_> = window.hours().collect();
    assert_eq!(hours, [at("2027-03-01T09:00:00Z"), at("2027-03-01T10:00:00Z")]);
    assert_eq!(window.to(), at("2027-03-01T11:00:00Z"));
    let moment = Window::new(at("2027-03-01T09:30:00Z"), at("2027-03-01T09:30:00.000001Z"));
    assert_eq!(moment.hours().count(), 1);
}
