//! Every question that one may ask of `job_list`.

use domain::JobId;
use sqlx::{Postgres, QueryBuilder};

use super::{
    JobFilter, JobRow,
    rows::{COLUMNS, Record},
};
use crate::{ReadError, Reader, Viewer, signed};

/// In which order one wants to see jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum JobOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// Those first to which something happened last.
    LastChanged,
}

/// Which part of the jobs one wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// At most so many.
    pub limit: u32,
    /// Those after this cursor, exclusive.
    pub after: Option<u64>,
    /// Those before this cursor, exclusive.
    pub before: Option<u64>,
    /// The last ones rather than the first.
    pub from_end: bool,
}

/// A part of the jobs, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct JobPage {
    /// The jobs.
    pub rows: Vec<JobRow>,
    /// Whether there are more in the direction that was asked for.
    pub more: bool,
}

impl JobOrder {
    /// Where a job stands in this order.
    pub fn cursor(self, row: &JobRow) -> u64 {
        match self {
            Self::Newest | Self::Oldest => row.created_position,
            Self::LastChanged => row.changed_position,
        }
    }

    fn column(self) -> &'static str {
        match self {
            Self::Newest | Self::Oldest => "created_position",
            Self::LastChanged => "changed_position",
        }
    }

    fn ascending(self) -> bool {
        self == Self::Oldest
    }
}

impl Reader {
    /// One job, if there is one that `viewer` may see.
    pub async fn job(&self, id: JobId, viewer: Viewer) -> Result<Option<JobRow>, ReadError> {
        let record = sqlx::query_as!(Record, "select * from job_list where job = $1", id.0)
            .fetch_optional(&self.db)
            .await?;
        let row = record.map(JobRow::try_from).transpose()?;
        Ok(row.filter(|it| viewer.sees(it.owner)))
    }

    /// A part of the jobs that `viewer` may see.
    pub async fn jobs(
        &self,
        filter: &JobFilter,
        order: JobOrder,
        paging: Paging,
        viewer: Viewer,
    ) -> Result<JobPage, ReadError> {
        let mut query = select(filter, order, paging, viewer);
        let records: Vec<Record> = query.build_query_as().fetch_all(&self.db).await?;
        let limit = paging.limit as usize;
        let more = limit < records.len();
        let rows: Result<Vec<JobRow>, sqlx::Error> =
            records.into_iter().take(limit).map(JobRow::try_from).collect();
        let mut rows = rows?;
        if paging.from_end {
            rows.reverse();
        }
        Ok(JobPage { rows, more })
    }

    /// How many jobs of a filter there are.
    pub async fn count_jobs(&self, filter: &JobFilter, viewer: Viewer) -> Result<u64, ReadError> {
        let mut query = QueryBuilder::new("select count(*) from job_list where true");
        filter.push(&mut query, viewer);
        let count: i64 = query.build_query_scalar().fetch_one(&self.db).await?;
        Ok(count.cast_unsigned())
    }
}

/// One more than asked for tells whether there are more.
fn select(
    filter: &JobFilter,
    order: JobOrder,
    paging: Paging,
    viewer: Viewer,
) -> QueryBuilder<Postgres> {
    let column = order.column();
    let (later, earlier) = if order.ascending() { (">", "<") } else { ("<", ">") };
    let mut query = QueryBuilder::new(format!("select {COLUMNS} from job_list where true"));
    filter.push(&mut query, viewer);
    if let Some(after) = paging.after {
        query.push(format!(" and {column} {later} ")).push_bind(signed(after));
    }
    if let Some(before) = paging.before {
        query.push(format!(" and {column} {earlier} ")).push_bind(signed(before));
    }
    let upwards = order.ascending() != paging.from_end;
    let direction = if upwards { "asc" } else { "desc" };
    query.push(format!(" order by {column} {direction} limit "));
    query.push_bind(i64::from(paging.limit) + 1);
    query
}
