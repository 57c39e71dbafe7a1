//! The peer: an insert that notifies, and a listening connection for each
//! subscriber.

use std::time::Instant;

use anyhow::Context;
use app::system::id;
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use uuid::Uuid;

use super::{Reporter, STEPS, SUBSCRIBERS, Subscribers, Times};
use crate::{load::Sample, server::Bench};

const DATABASE: &str = "bench_notify";

const TABLE: &str = "create table progress (
        job uuid not null, step bigint not null, payload text not null, primary key (job, step)
    )";

/// More than are ever under way at this rate.
const WRITERS: u32 = 16;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Sample> {
    let url = bench.database(DATABASE).await?;
    let db = PgPoolOptions::new()
        .min_connections(WRITERS)
        .max_connections(WRITERS)
        .connect(&url)
        .await?;
    sqlx::raw_sql(AssertSqlSafe(TABLE)).execute(&db).await?;
    let (mut inserters, mut subscribers) = (Vec::new(), Subscribers::new());
    for number in 0..SUBSCRIBERS as usize {
        let job = id();
        let mut listener = PgListener::connect(&url).await?;
        listener.listen(&job.to_string()).await?;
        subscribers.spawn(async move { Ok((number, hear(listener).await?)) });
        inserters.push(Inserter { db: db.clone(), job });
    }
    let sample = super::steady(inserters, subscribers).await?;
    db.close().await;
    bench.drop(DATABASE).await?;
    Ok(sample)
}

struct Inserter {
    db: PgPool,
    job: Uuid,
}

impl Reporter for Inserter {
    async fn report(&mut self, step: u64) -> anyhow::Result<()> {
        let insert = "with written as (
                 insert into progress (job, step, payload) values ($1, $2, $3) returning 1
             )
             select pg_notify($1::text, $3) from written";
        let message = "x".repeat(180);
        let payload = format!(r#"{{"done":{step},"total":{STEPS},"message":"{message}"}}"#);
        let insert = sqlx::query(insert).bind(self.job).bind(step.cast_signed()).bind(payload);
        insert.execute(&self.db).await?;
        Ok(())
    }
}

async fn hear(mut listener: PgListener) -> anyhow::Result<Times> {
    let mut seen = Times::new();
    for step in 1..=STEPS {
        let heard = listener.recv().await?;
        let now = Instant::now();
        let said: serde_json::Value = serde_json::from_str(heard.payload())?;
        let done = said["done"].as_u64().context("a payload without a step")?;
        anyhow::ensure!(done == step, "step {done} where {step} was due");
        seen.push(now);
    }
    Ok(seen)
}
