//! Rows of `land`, in and out of the table, set-wise.

use std::collections::HashMap;

use domain::{LandId, Timestamp, UserId, land::Sketch};
use sqlx::{PgConnection, QueryBuilder};
use uuid::Uuid;

use super::LandRow;
use crate::signed;

/// The columns, in the order in which [`store`] binds them.
pub(super) const COLUMNS: &str = "land, owner, name, description, languages, terms, start_urls, \
    created_at, created_position, changed_at, changed_position, version, deleted_at, crawls, \
    crawled_at";

/// A row as Postgres gives it.
#[derive(sqlx::FromRow)]
pub(super) struct Record {
    pub(super) land: Uuid,
    pub(super) owner: Uuid,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) languages: Vec<String>,
    pub(super) terms: Vec<String>,
    pub(super) start_urls: Vec<String>,
    pub(super) created_at: Timestamp,
    pub(super) created_position: i64,
    pub(super) changed_at: Timestamp,
    pub(super) changed_position: i64,
    pub(super) version: i64,
    pub(super) deleted_at: Option<Timestamp>,
    pub(super) crawls: i64,
    pub(super) crawled_at: Option<Timestamp>,
}

impl From<Record> for LandRow {
    fn from(it: Record) -> Self {
        Self {
            id: LandId(it.land),
            owner: UserId(it.owner),
            sketch: Sketch {
                name: it.name,
                description: it.description,
                languages: it.languages,
                terms: it.terms,
                start_urls: it.start_urls,
            },
            created_at: it.created_at,
            created_position: it.created_position.cast_unsigned(),
            changed_at: it.changed_at,
            changed_position: it.changed_position.cast_unsigned(),
            version: it.version.cast_unsigned(),
            deleted_at: it.deleted_at,
            crawls: it.crawls.cast_unsigned(),
            crawled_at: it.crawled_at,
        }
    }
}

pub(super) async fn load(
    db: &mut PgConnection,
    keys: &[LandId],
) -> Result<HashMap<LandId, LandRow>, sqlx::Error> {
    let lands: Vec<Uuid> = keys.iter().map(|it| it.0).collect();
    let records = sqlx::query_as!(Record, "select * from land where land = any($1)", &lands)
        .fetch_all(db)
        .await?;
    Ok(records.into_iter().map(LandRow::from).map(|it| (it.id, it)).collect())
}

/// The most rows of one statement: each takes 15 of the 65,535 parameters.
const CHUNK: usize = 4_000;

pub(super) async fn store(db: &mut PgConnection, rows: &[LandRow]) -> Result<(), sqlx::Error> {
    for rows in rows.chunks(CHUNK) {
        upsert(rows).build().persistent(false).execute(&mut *db).await?;
    }
    Ok(())
}

fn upsert(rows: &[LandRow]) -> QueryBuilder<sqlx::Postgres> {
    let mut query = QueryBuilder::new(format!("insert into land ({COLUMNS}) "));
    query.push_values(rows, |mut row, it| {
        row.push_bind(it.id.0)
            .push_bind(it.owner.0)
            .push_bind(&it.sketch.name)
            .push_bind(&it.sketch.description)
            .push_bind(&it.sketch.languages)
            .push_bind(&it.sketch.terms)
            .push_bind(&it.sketch.start_urls)
            .push_bind(it.created_at)
            .push_bind(signed(it.created_position))
            .push_bind(it.changed_at)
            .push_bind(signed(it.changed_position))
            .push_bind(signed(it.version))
            .push_bind(it.deleted_at)
            .push_bind(signed(it.crawls))
            .push_bind(it.crawled_at);
    });
    query.push(
        " on conflict (land) do update set owner = excluded.owner, name = excluded.name,
          description = excluded.description, languages = excluded.languages,
          terms = excluded.terms, start_urls = excluded.start_urls,
          changed_at = excluded.changed_at, changed_position = excluded.changed_position,
          version = excluded.version, deleted_at = excluded.deleted_at,
          crawls = excluded.crawls, crawled_at = excluded.crawled_at",
    );
    query
}
