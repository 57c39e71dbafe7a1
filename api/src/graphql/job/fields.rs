//! What one may ask of any job.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use domain::job::Progress;
use projections::{Projection, job_list::JobRow, job_timeline::JobTimeline};

use super::{JobKind, JobState};
use crate::graphql::{
    budget,
    event::{self, Event},
    fault::Result,
    log::{LogCursor, LogLine},
    paging::limit,
    position,
    scalar::{DateTime, Long, Position},
    sides,
    timeline::TimelineEntry,
    user::User,
    worker::WorkerRef,
};

/// What one may ask of any job, whose row was found through a question that takes a viewer.
#[derive(Clone)]
pub(in crate::graphql) struct JobFields(pub(in crate::graphql) Arc<JobRow>);

/// How far an attempt has come.
#[derive(SimpleObject)]
pub(in crate::graphql) struct JobProgress {
    /// How much is done, in whatever the service counts.
    done: Long,
    /// How much there is; null while that is not known.
    total: Option<Long>,
    /// From 0 to 100; null while the total is not known.
    percent: Option<f64>,
    /// For people, one line.
    message: Option<String>,
}

/// What went wrong.
#[derive(SimpleObject)]
pub(in crate::graphql) struct JobError {
    /// The class of the error, such as `Timeout`.
    #[graphql(name = "type")]
    error_type: String,
    /// For people.
    message: String,
}

impl From<&Progress> for JobProgress {
    fn from(it: &Progress) -> Self {
        Self {
            done: Long(it.done),
            total: it.total.map(Long),
            percent: it.percent(),
            message: it.message.clone(),
        }
    }
}

#[Object]
impl JobFields {
    /// The same in every protocol and in the logs; a UUID.
    pub(in crate::graphql) async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    /// What is to be done, in one word.
    pub(in crate::graphql) async fn kind(&self) -> JobKind {
        self.0.kind.into()
    }

    /// The service that it is leased under.
    pub(in crate::graphql) async fn service(&self) -> String {
        self.0.service.to_string()
    }

    /// Whose it is.
    pub(in crate::graphql) async fn owner(&self) -> User {
        User::new(self.0.owner)
    }

    /// Where it stands.
    pub(in crate::graphql) async fn state(&self) -> JobState {
        self.0.state.into()
    }

    /// Whether it succeeded though some of its items failed: no plain success.
    pub(in crate::graphql) async fn succeeded_with_errors(&self) -> bool {
        self.0.state == domain::job::JobState::Succeeded && 0 < self.0.errors
    }

    /// Higher is leased first; from -100 to 100.
    pub(in crate::graphql) async fn priority(&self) -> i32 {
        self.0.priority.into()
    }

    /// When somebody asked for it.
    pub(in crate::graphql) async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was first leased.
    pub(in crate::graphql) async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(DateTime)
    }

    /// When it ended.
    pub(in crate::graphql) async fn ended_at(&self) -> Option<DateTime> {
        self.0.ended_at.map(DateTime)
    }

    /// When anything last happened to it.
    pub(in crate::graphql) async fn changed_at(&self) -> DateTime {
        DateTime(self.0.changed_at)
    }

    /// Not before, while it waits for a time.
    pub(in crate::graphql) async fn ready_at(&self) -> Option<DateTime> {
        self.0.ready_at.map(DateTime)
    }

    /// When it ends at the latest.
    pub(in crate::graphql) async fn expires_at(&self) -> DateTime {
        DateTime(self.0.expires_at)
    }

    /// The attempt under way, or else the last; 0 before the first.
    pub(in crate::graphql) async fn attempt(&self) -> i32 {
        self.0.attempt.cast_signed()
    }

    /// How many attempts may fail before it does.
    pub(in crate::graphql) async fn attempts_max(&self) -> i32 {
        self.0.attempts_max.cast_signed()
    }

    /// How often it was handed out, lost leases counted; 0 before the first time.
    pub(in crate::graphql) async fn delivery(&self) -> i32 {
        self.0.delivery.cast_signed()
    }

    /// Who holds it, or held it last.
    pub(in crate::graphql) async fn worker(&self) -> Option<WorkerRef> {
        self.0.worker.map(WorkerRef)
    }

    /// Tells the lease that holds it from all earlier ones.
    pub(in crate::graphql) async fn fence(&self) -> Option<Long> {
        self.0.fence.map(Long)
    }

    /// Whether somebody wants it stopped.
    pub(in crate::graphql) async fn cancel_requested(&self) -> bool {
        self.0.cancel_requested
    }

    /// Since when it is paused, left alone until it is resumed; null if it is not.
    pub(in crate::graphql) async fn paused_at(&self) -> Option<DateTime> {
        self.0.paused_at.map(DateTime)
    }

    /// Why it is paused, if whoever paused it said so.
    pub(in crate::graphql) async fn pause_reason(&self) -> Option<&str> {
        self.0.pause_reason.as_deref()
    }

    /// How far the last attempt has come.
    pub(in crate::graphql) async fn progress(&self) -> Option<JobProgress> {
        self.0.progress.as_ref().map(JobProgress::from)
    }

    /// How many items of a batch failed.
    pub(in crate::graphql) async fn errors(&self) -> Long {
        Long(self.0.errors)
    }

    /// What went wrong last.
    pub(in crate::graphql) async fn error(&self) -> Option<JobError> {
        let error_type = self.0.error_type.clone()?;
        Some(JobError { error_type, message: self.0.error_message.clone().unwrap_or_default() })
    }

    /// The job that this one repeats.
    pub(in crate::graphql) async fn retry_of(&self) -> Option<ID> {
        self.0.retry_of.map(|it| it.0.into())
    }

    /// How many events it consists of: of two views of it, the higher is newer.
    pub(in crate::graphql) async fn version(&self) -> Long {
        Long(self.0.version)
    }

    /// Where the last of its events stands in the journal.
    pub(in crate::graphql) async fn position(&self) -> Position {
        Position(self.0.changed_position)
    }

    /// What happened to it, oldest first, for people to read.
    pub(in crate::graphql) async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what stands after it.")] after: Option<Position>,
        #[graphql(desc = "How many at most: 50, or up to 100.")] first: Option<i32>,
    ) -> Result<Vec<TimelineEntry>> {
        let limit = limit("first", first)?;
        budget::spend(ctx, limit)?;
        let sides = sides(ctx);
        // What is there is shown, should the timeline be late; what is missing comes after its last
        // position.
        let reached = position::patiently(sides, JobTimeline::TABLES, self.0.changed_position);
        if let Err(late) = reached.await? {
            tracing::debug!(job = %self.0.id, %late, "a timeline is shown as it is");
        }
        let after = after.map_or(0, |it| it.0);
        let rows = sides.reader.timeline(self.0.id, after, limit).await?;
        Ok(rows.into_iter().map(TimelineEntry::from).collect())
    }

    /// What its attempts logged, oldest first.
    pub(in crate::graphql) async fn log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only the lines after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most: 50, or up to 100.")] first: Option<i32>,
    ) -> Result<Vec<LogLine>> {
        let limit = limit("first", first)?;
        budget::spend(ctx, limit)?;
        let after = after.as_deref().map(LogCursor::parse).transpose()?;
        let lines = sides(ctx).reader.log(self.0.id, after.map(LogCursor::place), limit).await?;
        Ok(lines.into_iter().map(LogLine::from).collect())
    }

    /// Its events as they stand in the journal, oldest first; fewer come where they are large.
    pub(in crate::graphql) async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those after this version.")] after: Option<Long>,
        #[graphql(desc = "How many at most: 50, or up to 100.")] first: Option<i32>,
    ) -> Result<Vec<Event>> {
        let limit = limit("first", first)?;
        budget::spend(ctx, limit)?;
        let after = after.map_or(0, |it| it.0);
        let feed = &sides(ctx).feed;
        let events = async { Ok(feed.recorded_of(self.0.id, after, limit as usize).await?) };
        let events = budget::spend_on_read(ctx, events, |it| event::bytes(it)).await?;
        Ok(events.into_iter().map(Event).collect())
    }
}
