//! The peer: one `insert` at a time on each connection.

use anyhow::Context;
use sqlx::{Connection, PgConnection};

use super::{DURATION, workload::Notes};
use crate::{
    load::{self, Caller, Sample},
    server::Bench,
};

const DATABASE: &str = "bench_plain";

const TABLE: &str = "create table plain_event (
    position bigserial primary key,
    stream text not null,
    version bigint not null,
    event_id uuid not null,
    event_type text not null,
    schema_version smallint not null,
    payload text not null,
    metadata text not null,
    recorded_at timestamptz not null default clock_timestamp(),
    unique (stream, version)
)";

pub(super) async fn run(bench: &Bench, callers: usize) -> anyhow::Result<Sample> {
    let url = bench.database(DATABASE).await?;
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql(TABLE).execute(&mut connection).await?;
    let mut inserters = Vec::new();
    for _ in 0..callers {
        let connection = PgConnection::connect(&url).await.context("connect one more")?;
        inserters.push(Inserter { connection, notes: Notes::default() });
    }
    let sample = load::closed_loop(inserters, DURATION).await?;
    connection.close().await?;
    bench.drop(DATABASE).await?;
    Ok(sample)
}

struct Inserter {
    connection: PgConnection,
    notes: Notes,
}

impl Caller for Inserter {
    async fn call(&mut self) -> anyhow::Result<()> {
        let append = self.notes.next();
        let event = append.events.first().context("one event")?;
        sqlx::query(
            "insert into plain_event (stream, version, event_id, event_type, schema_version, payload,
                 metadata)
             values ($1, $2, $3, $4, $5, $6, $7) returning position",
        )
        .bind(append.stream.as_str())
        .bind(append.expected_version.cast_signed() + 1)
        .bind(event.event_id)
        .bind(event.event_type)
        .bind(event.schema_version.cast_signed())
        .bind(&event.payload)
        .bind(&event.metadata)
        .fetch_all(&mut self.connection)
        .await?;
        Ok(())
    }
}
