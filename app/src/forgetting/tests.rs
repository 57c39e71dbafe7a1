//! What is forgotten, when, and by when it has stopped.

use journal::postgres::Settings;
use postgres::testing::Database;
use projections::schema::{self, OtherVersion};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::*;

/// Long enough for the slowest machine, and never waited for in full.
const PATIENCE: Duration = Duration::from_secs(30);

/// How far everybody has come.
const TAKEN_IN: i64 = 100;

struct World {
    db: PgPool,
    forgetting: JoinSet<()>,
    stop: CancellationToken,
    /// Goes last.
    _database: Database,
}

impl World {
    /// Where nobody forgets yet.
    async fn new() -> anyhow::Result<(Self, Arc<PostgresJournal>)> {
        let database = Database::create().await;
        let options = schema::options(database.url().parse()?);
        let db = PgPoolOptions::new().max_connections(4).connect_with(options).await?;
        sqlx::migrate!("../migrations").run(&db).await?;
        let journal = PostgresJournal::connect(database.url(), Settings::default(), vec![]).await?;
        let journal = Arc::new(journal);
        schema::prepare(&db, Arc::clone(&journal) as _, OtherVersion::Replace).await?;
        sqlx::query("update projection set checkpoint = $1").bind(TAKEN_IN).execute(&db).await?;
        let (forgetting, stop) = (JoinSet::new(), CancellationToken::new());
        Ok((Self { db, forgetting, stop, _database: database }, journal))
    }

    /// From now on, somebody forgets what is older than a week.
    fn forget(&mut self, journal: Arc<PostgresJournal>, every: Duration) {
        let (checkpoints, retention) = (Checkpoints::new(self.db.clone()), TimeDelta::days(7));
        let forgetting = Forgetting { journal, checkpoints, retention, every };
        self.forgetting.spawn(forgetting.run(self.stop.clone()));
    }

    async fn keys(&self, name: &str, count: i64, days: i32, position: i64) -> anyhow::Result<()> {
        sqlx::query(
            "insert into idempotency_key
                 (scope, key, digest, stream, version, position, recorded_at)
             select $1, n::text, sha256(''), 'job-1', 1, $4, now() - make_interval(days => $3)
             from generate_series(1, $2) n",
        )
        .bind(name)
        .bind(count)
        .bind(days)
        .bind(position)
        .execute(&self.db)
        .await?;
        Ok(())
    }

    async fn left(&self, name: &str) -> anyhow::Result<i64> {
        let count = sqlx::query_scalar("select count(*) from idempotency_key where scope = $1");
        Ok(count.bind(name).fetch_one(&self.db).await?)
    }

    async fn eventually_forgotten(&self, name: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while 0 < self.left(name).await? {
            anyhow::ensure!(Instant::now() < deadline, "{name} stays");
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn stopped(&mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        let stopped = timeout(PATIENCE, self.forgetting.join_next()).await?;
        Ok(stopped.expect("it was started")?)
    }
}

#[tokio::test]
async fn all_that_is_old_goes_at_once_and_nothing_else() -> anyhow::Result<()> {
    let (mut world, journal) = World::new().await?;
    let many = i64::from(BATCH) * 5 / 2;
    world.keys("old", many, 8, TAKEN_IN).await?;
    world.keys("young", 5, 6, TAKEN_IN).await?;
    world.keys("not taken in", 5, 8, TAKEN_IN + 1).await?;
    // It looks once in a test: whatever goes, goes in one look.
    world.forget(journal, Duration::from_hours(1));
    world.eventually_forgotten("old").await?;
    world.stopped().await?;
    assert_eq!((world.left("young").await?, world.left("not taken in").await?), (5, 5));
    Ok(())
}

#[tokio::test]
async fn it_looks_again_and_a_failure_is_not_the_end() -> anyhow::Result<()> {
    let (mut world, journal) = World::new().await?;
    world.keys("first", 3, 8, 1).await?;
    world.forget(journal, Duration::from_millis(10));
    world.eventually_forgotten("first").await?;
    world.keys("second", 3, 8, 1).await?;
    world.eventually_forgotten("second").await?;

    // Three times in a row, the database refuses.
    sqlx::raw_sql(
        "create sequence tries;
         create function refuse() returns trigger language plpgsql as $$ begin
             if nextval('tries') <= 3 then raise exception 'not now'; end if;
             return null;
         end $$;
         create trigger refuse before delete on idempotency_key
             for each statement execute function refuse()",
    )
    .execute(&world.db)
    .await?;
    world.keys("third", 3, 8, 1).await?;
    world.eventually_forgotten("third").await?;
    let tries: i64 =
        sqlx::query_scalar("select last_value from tries").fetch_one(&world.db).await?;
    assert!(3 < tries, "{tries}");
    world.stopped().await
}
