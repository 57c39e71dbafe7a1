//! The peers: one `insert` at a time for each caller.
//!
//! Twice, since how an insert is sent decides half of what it costs: as
//! sparingly as it can be, and as an application does it.

use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};

use super::{DURATION, workload::Notes};
use crate::{
    load::{self, Caller, Sample},
    server::Bench,
};

const DATABASE: &str = "bench_plain";

/// Who sends the inserts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plain {
    /// A connection of its own for each caller, payload and metadata as text.
    Bare,
    /// As many connections in the library's pool, with its defaults, payload
    /// and metadata as `jsonb`.
    Pooled,
}

impl Plain {
    fn table(self) -> String {
        let json = match self {
            Self::Bare => "text",
            Self::Pooled => "jsonb",
        };
        format!(
            "create table plain_event (
                position bigserial primary key,
                stream text not null,
                version bigint not null,
                event_id uuid not null,
                event_type text not null,
                schema_version smallint not null,
                payload {json} not null,
                metadata {json} not null,
                recorded_at timestamptz not null default clock_timestamp(),
                unique (stream, version)
            )"
        )
    }

    fn insert(self) -> &'static str {
        match self {
            Self::Bare => {
                "insert into plain_event (stream, version, event_id, event_type, schema_version,
                     payload, metadata)
                 values ($1, $2, $3, $4, $5, $6, $7) returning position"
            }
            Self::Pooled => {
                "insert into plain_event (stream, version, event_id, event_type, schema_version,
                     payload, metadata)
                 values ($1, $2, $3, $4, $5, $6::text::jsonb, $7::text::jsonb) returning position"
            }
        }
    }

    async fn connections(self, url: &str, callers: usize) -> anyhow::Result<Vec<Through>> {
        let mut all = Vec::new();
        match self {
            Self::Bare => {
                for _ in 0..callers {
                    let connection = PgConnection::connect(url).await;
                    all.push(Through::Own(connection.context("connect one more")?));
                }
            }
            Self::Pooled => {
                let connections = u32::try_from(callers)?;
                let pool = PgPoolOptions::new()
                    .min_connections(connections)
                    .max_connections(connections)
                    .connect(url)
                    .await?;
                all.resize_with(callers, || Through::Pool(pool.clone()));
            }
        }
        Ok(all)
    }
}

pub(super) async fn run(bench: &Bench, callers: usize, plain: Plain) -> anyhow::Result<Sample> {
    let url = bench.database(DATABASE).await?;
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql(AssertSqlSafe(plain.table())).execute(&mut connection).await?;
    connection.close().await?;
    let mut inserters = Vec::new();
    for through in plain.connections(&url, callers).await? {
        inserters.push(Inserter { through, insert: plain.insert(), notes: Notes::default() });
    }
    let sample = load::closed_loop(inserters, DURATION).await?;
    bench.drop(DATABASE).await?;
    Ok(sample)
}

enum Through {
    Own(PgConnection),
    Pool(PgPool),
}

struct Inserter {
    through: Through,
    insert: &'static str,
    notes: Notes,
}

impl Caller for Inserter {
    async fn call(&mut self) -> anyhow::Result<()> {
        let append = self.notes.next();
        let event = append.events.first().context("one event")?;
        let insert = sqlx::query(self.insert)
            .bind(append.stream.as_str())
            .bind(append.expected_version.cast_signed() + 1)
            .bind(event.event_id)
            .bind(event.event_type)
            .bind(event.schema_version.cast_signed())
            .bind(&event.payload)
            .bind(&event.metadata);
        match &mut self.through {
            Through::Own(connection) => insert.fetch_all(connection).await?,
            Through::Pool(pool) => insert.fetch_all(&*pool).await?,
        };
        Ok(())
    }
}
