//! Each event counts exactly once, whatever dies, and whoever takes over.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use commands::Wishes;
use domain::{JobId, job::JobCommand};
use projections::{
    Fact, Projection,
    checkpoint::Checkpoints,
    feed::Feed,
    job_list::JobList,
    projector::Projector,
    schema::{self, Tables},
};
use sqlx::{PgConnection, PgPool, postgres::PgPoolOptions};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    lives::{Lives, random},
    world::{Following, OWNER, PATIENCE, World, eventually, user},
};

/// How many events each job had: a fold that is wrong if any of them counts
/// twice, or not at all.
#[derive(Clone, Copy, Debug)]
struct Tally;

impl Projection for Tally {
    const TABLES: Tables = Tables {
        name: "tally",
        version: 1,
        ddl: "create table tally (job uuid primary key, events bigint not null)",
    };

    type Key = JobId;
    type Row = (JobId, i64);

    fn keys(fact: &Fact) -> impl Iterator<Item = JobId> {
        fact.of_job().map(|(id, _)| id).into_iter()
    }

    fn fold(id: JobId, row: Option<(JobId, i64)>, _: &Fact) -> Option<(JobId, i64)> {
        Some((id, row.map_or(0, |it| it.1) + 1))
    }

    async fn load(
        db: &mut PgConnection,
        keys: &[JobId],
    ) -> Result<HashMap<JobId, (JobId, i64)>, sqlx::Error> {
        let keys: Vec<Uuid> = keys.iter().map(|it| it.0).collect();
        let rows: Vec<(Uuid, i64)> =
            sqlx::query_as("select job, events from tally where job = any($1)")
                .bind(keys)
                .fetch_all(db)
                .await?;
        Ok(rows.into_iter().map(|(id, events)| (JobId(id), (JobId(id), events))).collect())
    }

    async fn store(db: &mut PgConnection, rows: &[(JobId, i64)]) -> Result<(), sqlx::Error> {
        let (jobs, events): (Vec<Uuid>, Vec<i64>) = rows.iter().map(|it| (it.0.0, it.1)).unzip();
        sqlx::query(
            "insert into tally select * from unnest($1::uuid[], $2::bigint[])
             on conflict (job) do update set events = excluded.events",
        )
        .bind(jobs)
        .bind(events)
        .execute(db)
        .await?;
        Ok(())
    }
}

impl World {
    async fn with_tally() -> Self {
        let world = Self::new().await;
        world.execute(Tally::TABLES.ddl).await;
        world.execute("insert into projection (name, version) values ('tally', 1)").await;
        world
    }

    async fn tallied(&self) {
        let head = self.head().await;
        let checkpoints = Checkpoints::new(self.db.clone());
        checkpoints.reached(Tally::TABLES, head, PATIENCE).await.unwrap().unwrap();
        let wrong = "select count(*) from tally t
            full join (select stream, version from stream where stream like 'job-%') s
            on s.stream = 'job-' || t.job
            where t.events is distinct from s.version";
        assert_eq!(self.count(wrong).await, 0, "events were counted twice, or not at all");
        assert_ne!(self.count("select sum(events)::bigint from tally").await, 0);
    }

    /// As if the time had passed for which a silent owner is believed in.
    async fn given_up_on(&self) {
        self.execute("update projection set lease_until = '-infinity' where name = 'tally'").await;
    }

    async fn owner(&self) -> (Option<Uuid>, i64) {
        sqlx::query_as("select owner, epoch from projection where name = 'tally'")
            .fetch_one(&self.db)
            .await
            .unwrap()
    }

    fn tally(&self, db: &PgPool, feed: &Arc<Feed>, owner: Uuid) -> Projector<Tally> {
        Projector::new(db.clone(), Arc::clone(feed), self.checkpoints.clone(), owner)
    }

    /// A pool that only one projector uses.
    async fn pool(&self, name: &str, connections: u32) -> PgPool {
        let options = schema::options(self.url().parse().unwrap()).application_name(name);
        let pool = PgPoolOptions::new().max_connections(connections);
        pool.connect_with(options).await.unwrap()
    }
}

/// Polls `future` so often and then drops it: a process that dies between any
/// two steps.
async fn dying_after(polls: u32, future: impl Future<Output = ()>) {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        future.as_mut().poll(context)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_counts_once_though_projectors_die_at_every_step() {
    let world = World::with_tally().await;
    let feed = Following::start(world.journal.clone());
    let mut lives = Lives::begin(&world).await;
    for (polls, steps) in (1..=40).zip(random(40 * 12).chunks(12)) {
        lives.live(steps).await;
        world.given_up_on().await;
        let projector = world.tally(&world.db, &feed.feed, Uuid::new_v4());
        let head = world.head().await;
        // One that has nothing left to do is not polled any more.
        tokio::select! {
            () = dying_after(polls, projector.run(CancellationToken::new())) => {}
            reached = world.checkpoints.reached(Tally::TABLES, head, PATIENCE) => {
                reached.unwrap().unwrap();
            }
        }
    }
    world.given_up_on().await;
    let stop = CancellationToken::new();
    let survivor = world.tally(&world.db, &feed.feed, Uuid::new_v4());
    tokio::join!(survivor.run(stop.clone()), async {
        world.tallied().await;
        stop.cancel();
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_counts_once_though_connections_break() {
    let world = World::with_tally().await;
    let pool = world.pool("projector", 4).await;
    let mut following = Following::start(world.journal.clone());
    let projector = world.tally(&pool, &following.feed, Uuid::new_v4());
    let stop = following.stop.clone();
    following.tasks.spawn(async move { projector.run(stop).await });
    let mut lives = Lives::begin(&world).await;
    for steps in random(4 * 48).chunks(48) {
        lives.live(steps).await;
        world
            .execute(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and application_name = 'projector'",
            )
            .await;
    }
    world.tallied().await;
    following.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_moves_a_projection_and_another_takes_over() {
    let world = World::with_tally().await;
    let owners = [1, 2].map(Uuid::from_u128);
    let mut processes = Vec::new();
    for owner in owners {
        let mut process = Following::start(world.journal.clone());
        let projector = world.tally(&world.db, &process.feed, owner);
        let stop = process.stop.clone();
        process.tasks.spawn(async move { projector.run(stop).await });
        processes.push(Some(process));
        eventually("somebody moves it", async || world.owner().await.0.is_some()).await;
    }
    let mut lives = Lives::begin(&world).await;
    lives.live(&random(100)).await;
    world.tallied().await;
    let (first, epoch) = world.owner().await;
    assert_eq!((first, epoch), (Some(owners[0]), 1));
    processes[0].take().unwrap().stopped().await;
    lives.live(&random(100)).await;
    world.tallied().await;
    assert_eq!(world.owner().await, (Some(owners[1]), 2));
    // This one dies without a word.
    drop(processes[1].take());
    lives.live(&random(50)).await;
    let third = world.project_tally(Uuid::from_u128(3));
    world.given_up_on().await;
    world.tallied().await;
    assert_eq!(world.owner().await, (Some(Uuid::from_u128(3)), 3));
    third.stopped().await;
}

impl World {
    fn project_tally(&self, owner: Uuid) -> Following {
        let mut process = Following::start(self.journal.clone());
        process.run::<Tally>(self, owner);
        process
    }
}

/// It had read its events, and was about to write, when it was given up on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_given_up_on_writes_nothing() {
    let world = World::with_tally().await;
    let pool = world.pool("zombie", 1).await;
    let mut zombie = Following::start(world.journal.clone());
    let projector = world.tally(&pool, &zombie.feed, Uuid::from_u128(1));
    let stop = zombie.stop.clone();
    zombie.tasks.spawn(async move { projector.run(stop).await });
    let job = world.create("checksum", Wishes::default()).await;
    world.tallied().await;
    let held = pool.acquire().await.unwrap();
    let cancelled = world.ask(job, JobCommand::CancelJob { reason: None }, user(OWNER)).await;
    zombie.feed.head().wait_for(|it| cancelled <= *it).await.unwrap();
    // Another takes over, and has not come to move it yet.
    world
        .execute(
            "update projection set owner = gen_random_uuid(), epoch = epoch + 1,
                 lease_until = 'infinity' where name = 'tally'",
        )
        .await;
    drop(held);
    zombie.stopped().await;
    let checkpoint = world.checkpoints.of(Tally::TABLES).await.unwrap();
    assert_eq!((checkpoint, cancelled), (1, 2));
    assert_eq!(world.count("select sum(events)::bigint from tally").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_a_position_waits_for_it_and_not_for_ever() {
    let world = World::new().await;
    let following = world.follow();
    world.create("checksum", Wishes::default()).await;
    let reached = async |checkpoints: &Checkpoints, position, patience| {
        checkpoints.reached(JobList::TABLES, position, patience).await.unwrap()
    };
    reached(&world.checkpoints, 1, PATIENCE).await.unwrap();
    let never = reached(&world.checkpoints, 2, Duration::from_millis(100)).await.unwrap_err();
    assert_eq!((never.required, never.current), (2, 1));
    assert_eq!(never.to_string(), "position 2 is not reached yet, only 1");
    // In the process that moves it, and in another that has to look.
    let elsewhere = Checkpoints::new(world.db.clone());
    let (here, there, _) = tokio::join!(
        reached(&world.checkpoints, 2, PATIENCE),
        reached(&elsewhere, 2, PATIENCE),
        world.create("checksum", Wishes::default()),
    );
    here.unwrap();
    there.unwrap();
    reached(&world.checkpoints, 0, Duration::ZERO).await.unwrap();
    reached(&elsewhere, 3, Duration::ZERO).await.unwrap_err();
    following.stopped().await;
}
