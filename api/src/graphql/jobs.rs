//! Lists of jobs, a page at a time.

use async_graphql::{Context, ID, Object, SimpleObject};
use domain::JobId;
use projections::{Projection, Viewer, job_list};

use super::{
    access, budget,
    fault::Result,
    filter::{JobFilter, JobOrder},
    job::Job,
    paging::{Page, PageInfo, count, cursor},
    position,
    scalar::{Long, Position},
    sides,
};

/// A page of a list of jobs.
pub(super) struct JobConnection {
    filter: job_list::JobFilter,
    eyes: Viewer,
    order: job_list::JobOrder,
    page: job_list::JobPage,
    paging: job_list::Paging,
    position: u64,
}

/// A job in a list.
#[derive(SimpleObject)]
pub(super) struct JobEdge {
    /// To be sent back as `after` or `before`.
    cursor: String,
    /// The job.
    node: Job,
}

/// A page of a list of jobs.
#[Object]
impl JobConnection {
    /// The jobs, each with its cursor.
    async fn edges(&self) -> Vec<JobEdge> {
        let edge = |row: &job_list::JobRow| JobEdge {
            cursor: cursor(self.order.cursor(row), self.order),
            node: row.clone().into(),
        };
        self.page.rows.iter().map(edge).collect()
    }

    /// The jobs, for those who need no cursors.
    async fn nodes(&self) -> Vec<Job> {
        self.page.rows.iter().cloned().map(Job::from).collect()
    }

    /// Where this page stands among the others.
    async fn page_info(&self) -> PageInfo {
        let cursor = |it: &job_list::JobRow| cursor(self.order.cursor(it), self.order);
        let job_list::Paging { after, before, from_end, .. } = self.paging;
        let more = self.page.more;
        PageInfo {
            has_previous_page: if from_end { more } else { after.is_some() },
            has_next_page: if from_end { before.is_some() } else { more },
            start_cursor: self.page.rows.first().map(cursor),
            end_cursor: self.page.rows.last().map(cursor),
        }
    }

    /// How many jobs there are on all pages together. Counted when asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Long> {
        Ok(Long(sides(ctx).reader.count_jobs(&self.filter, self.eyes).await?))
    }

    /// What stands up to here is in the list; of what comes after it, some may be. A subscription
    /// `after` it loses nothing.
    async fn position(&self) -> Position {
        Position(self.position)
    }
}

/// Questions about jobs.
#[derive(Default)]
pub(super) struct JobQueries;

#[Object]
impl JobQueries {
    /// A job; null if there is none that you may see. For those who have signed in.
    async fn job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id; a UUID.")] id: ID,
        #[graphql(desc = "Wait up to 2 s until this is to be seen; else `POSITION_NOT_REACHED`.")]
        at_least: Option<Position>,
    ) -> Result<Option<Job>> {
        let user = access::signed_in(ctx)?;
        let sides = sides(ctx);
        position::at_least(sides, at_least).await?;
        // What is no UUID is the id of no job.
        let Ok(id) = id.parse::<JobId>() else { return Ok(None) };
        Ok(sides.reader.job(id, user.eyes()).await?.map(Job::from))
    }

    /// The jobs that you may see. For those who have signed in.
    #[graphql(complexity = "count(first, last) * child_complexity + 1")]
    #[expect(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only some of them.")] filter: Option<JobFilter>,
        #[graphql(desc = "In which order; the newest first, if it is not said.")] order_by: Option<
            JobOrder,
        >,
        #[graphql(desc = "How many from the start, at most: 50, or up to 100.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most: up to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Wait up to 2 s until this is to be seen; else `POSITION_NOT_REACHED`.")]
        at_least: Option<Position>,
    ) -> Result<JobConnection> {
        let filter = filter.unwrap_or_default().try_into()?;
        let part = Page { first, after, last, before };
        list(ctx, filter, order_by.unwrap_or_default(), part, at_least).await
    }
}

/// A page of the jobs of a filter, of those that whoever asks may see.
pub(super) async fn list(
    ctx: &Context<'_>,
    filter: job_list::JobFilter,
    order: JobOrder,
    part: Page,
    at_least: Option<Position>,
) -> Result<JobConnection> {
    let eyes = access::signed_in(ctx)?.eyes();
    let (sides, order) = (sides(ctx), order.into());
    let paging = part.paging(order)?;
    budget::spend(ctx, paging.limit)?;
    position::at_least(sides, at_least).await?;
    // Before the rows: what is added in between is then in the rows and once more in a
    // subscription, not lost.
    let position = sides.checkpoints.of(job_list::JobList::TABLES).await?;
    let page = sides.reader.jobs(&filter, order, paging, eyes).await?;
    Ok(JobConnection { filter, eyes, order, page, paging, position })
}
