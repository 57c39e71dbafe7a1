//! The `job_statistics` tables: how many jobs came to be in which state, how
//! long they waited and ran, and how many are where now.
//!
//! Counts are of owners, kinds, services and hours, an event is of one job: so
//! the row of this projection is a [`Standing`], which gathers what the facts
//! of a batch add to the counts. Sums do not depend on how facts are dealt out
//! to batches; neither do the tables.
//!
//! What happened counts for whoever owned the job then; what is where now, for
//! whoever owns it now.
//!
//! A job is timed when it ends, once: `WAITING` is all the time in which it was
//! queued, `RUNNING` all the time in which it was held.

mod answer;
mod ask;
mod count;
mod rows;
mod spread;
mod standing;

use std::collections::HashMap;

use domain::JobId;
use sqlx::PgConnection;

use crate::{fact::Fact, projection::Projection, schema::Tables};

pub use answer::{By, Counted, Current, Row, Statistics, StatisticsFilter, Window};
pub use spread::Spread;
pub use standing::{Standing, counts};

/// The projection.
#[derive(Clone, Copy, Debug)]
pub struct JobStatistics;

impl Projection for JobStatistics {
    const TABLES: Tables =
        Tables { name: "job_statistics", version: 2, ddl: include_str!("job_statistics.sql") };

    type Key = JobId;
    type Row = Standing;

    fn keys(fact: &Fact) -> impl Iterator<Item = JobId> {
        fact.of_job().filter(|(_, event)| counts(event)).map(|(id, _)| id).into_iter()
    }

    fn fold(_: JobId, row: Option<Standing>, fact: &Fact) -> Option<Standing> {
        standing::fold(row, fact)
    }

    async fn load(
        db: &mut PgConnection,
        keys: &[JobId],
    ) -> Result<HashMap<JobId, Standing>, sqlx::Error> {
        rows::load(db, keys).await
    }

    async fn store(db: &mut PgConnection, rows: &[Standing]) -> Result<(), sqlx::Error> {
        rows::store(db, rows).await
    }
}
