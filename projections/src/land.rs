//! The `land` table: the lands that there are, and how often each was crawled.

mod questions;
mod rows;

use std::collections::HashMap;

use domain::{
    LandId, Timestamp, UserId,
    decode::Event,
    job::{CrawlEvent, JobEvent},
    land::{LandEvent, Sketch},
};
use sqlx::PgConnection;

use crate::{
    fact::{Fact, Subject},
    projection::Projection,
    schema::Tables,
};

pub use questions::{LandFilter, LandList, LandOrder, LandPaging};

/// The projection.
#[derive(Clone, Copy, Debug)]
pub struct Lands;

/// A land.
#[derive(Clone, Debug, PartialEq)]
pub struct LandRow {
    /// Names it.
    pub id: LandId,
    /// Whose it is.
    pub owner: UserId,
    /// What it is about.
    pub sketch: Sketch,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where that stands in the journal.
    pub created_position: u64,
    /// When anything last happened to it.
    pub changed_at: Timestamp,
    /// Where that stands in the journal.
    pub changed_position: u64,
    /// How many events it consists of.
    pub version: u64,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Timestamp>,
    /// How many crawls were asked for.
    pub crawls: u64,
    /// When the last of them was.
    pub crawled_at: Option<Timestamp>,
}

impl Projection for Lands {
    const TABLES: Tables = Tables { name: "land", version: 1, ddl: include_str!("land.sql") };

    type Key = LandId;
    type Row = LandRow;

    fn keys(fact: &Fact) -> impl Iterator<Item = LandId> {
        let land = match (fact.subject, &fact.event) {
            (Subject::Land(id), _) => Some(id),
            (_, Event::Job(JobEvent::Crawl(CrawlEvent::CrawlRequested(it)))) => it.crawl.land,
            _ => None,
        };
        land.into_iter()
    }

    fn fold(id: LandId, row: Option<LandRow>, fact: &Fact) -> Option<LandRow> {
        let Event::Land(event) = &fact.event else {
            return row.map(|it| LandRow {
                crawls: it.crawls + 1,
                crawled_at: Some(fact.at()),
                ..it
            });
        };
        let mut row = match (row, event) {
            (Some(row), _) => row,
            (None, LandEvent::LandCreated(it)) => created(id, it.owner, it.sketch.clone(), fact),
            (None, _) => return None,
        };
        row.changed_at = fact.at();
        row.changed_position = fact.position();
        row.version = fact.recorded.version;
        match event {
            LandEvent::LandCreated(_) => {}
            LandEvent::LandChanged(it) => row.sketch.change(it),
            LandEvent::LandTransferred(it) => row.owner = it.to,
            LandEvent::LandDeleted(_) => row.deleted_at = Some(fact.at()),
        }
        Some(row)
    }

    async fn load(
        db: &mut PgConnection,
        keys: &[LandId],
    ) -> Result<HashMap<LandId, LandRow>, sqlx::Error> {
        rows::load(db, keys).await
    }

    async fn store(db: &mut PgConnection, rows: &[LandRow]) -> Result<(), sqlx::Error> {
        rows::store(db, rows).await
    }
}

fn created(id: LandId, owner: UserId, sketch: Sketch, fact: &Fact) -> LandRow {
    LandRow {
        id,
        owner,
        sketch,
        created_at: fact.at(),
        created_position: fact.position(),
        changed_at: fact.at(),
        changed_position: fact.position(),
        version: fact.recorded.version,
        deleted_at: None,
        crawls: 0,
        crawled_at: None,
    }
}
