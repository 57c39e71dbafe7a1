//! The `job_list` table: what one sees of a job in a list.

mod filter;
mod fold;
mod questions;
mod rows;

use std::collections::HashMap;

use domain::{
    JobId, LandId, Timestamp, UserId, WorkerId,
    job::{JobKind, JobState, Progress},
    service::ServiceName,
};
use sqlx::PgConnection;

use crate::{fact::Fact, projection::Projection, schema::Tables};

pub use filter::JobFilter;
pub use questions::{JobOrder, JobPage, Paging};

/// The projection.
#[derive(Clone, Copy, Debug)]
pub struct JobList;

/// One job, as one sees it in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    /// Which job.
    pub id: JobId,
    /// Which kind.
    pub kind: JobKind,
    /// The service that it is leased under.
    pub service: ServiceName,
    /// Whose it is.
    pub owner: UserId,
    /// Where it stands.
    pub state: JobState,
    /// Higher is sooner.
    pub priority: i16,
    /// When somebody asked for it.
    pub created_at: Timestamp,
    /// Where that stands in the journal.
    pub created_position: u64,
    /// When anything last happened to it.
    pub changed_at: Timestamp,
    /// Where that stands in the journal.
    pub changed_position: u64,
    /// The version of its stream, which is the number of its events.
    pub version: u64,
    /// Not before, while it waits for a time.
    pub ready_at: Option<Timestamp>,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// When it was first leased.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The attempt under way, or else the last; 0 before the first.
    pub attempt: u32,
    /// How many attempts may fail.
    pub attempts_max: u32,
    /// How often it was handed out because a lease was lost; 0 before the
    /// first.
    pub delivery: u32,
    /// Who holds it, or held it last.
    pub worker: Option<WorkerId>,
    /// The fence of the lease that holds it.
    pub fence: Option<u64>,
    /// Whether somebody wants it stopped.
    pub cancel_requested: bool,
    /// Since when somebody wants it left alone; none once it has ended.
    pub paused_at: Option<Timestamp>,
    /// Why, if they said so.
    pub pause_reason: Option<String>,
    /// How far the last attempt has come.
    pub progress: Option<Progress>,
    /// How many items of a batch failed.
    pub errors: u64,
    /// The class of what went wrong last.
    pub error_type: Option<String>,
    /// What went wrong last.
    pub error_message: Option<String>,
    /// The job that this one repeats.
    pub retry_of: Option<JobId>,
    /// The land that a crawl belongs to.
    pub land: Option<LandId>,
}

impl JobRow {
    /// What it takes in memory, in bytes, about.
    pub(crate) fn weight(&self) -> usize {
        let said = self.progress.as_ref().and_then(|it| it.message.as_ref());
        let texts = [said, self.pause_reason.as_ref(), self.error_type.as_ref()];
        let texts = texts.into_iter().chain([self.error_message.as_ref()]).flatten();
        size_of::<Self>() + texts.map(String::capacity).sum::<usize>()
    }
}

impl Projection for JobList {
    const TABLES: Tables =
        Tables { name: "job_list", version: 2, ddl: include_str!("job_list.sql") };

    type Key = JobId;
    type Row = JobRow;

    fn keys(fact: &Fact) -> impl Iterator<Item = JobId> {
        fact.of_job().map(|(id, _)| id).into_iter()
    }

    fn fold(_: JobId, row: Option<JobRow>, fact: &Fact) -> Option<JobRow> {
        fold::fold(row, fact)
    }

    async fn load(
        db: &mut PgConnection,
        keys: &[JobId],
    ) -> Result<HashMap<JobId, JobRow>, sqlx::Error> {
        rows::load(db, keys).await
    }

    async fn store(db: &mut PgConnection, rows: &[JobRow]) -> Result<(), sqlx::Error> {
        rows::store(db, rows).await
    }
}
