//! Jobs, as the public knows them: an interface, and a type for each kind.
//!
//! What every kind has stands in [`fields`], once; each type merges it with what it alone has, in
//! [`content`].

mod content;
mod crawl;
mod fields;
mod kind;
mod report;

use std::{ops::Deref, sync::Arc};

use async_graphql::{ID, Interface, MergedObject};
use projections::job_list::JobRow;

use super::{
    event::Event,
    log::LogLine,
    scalar::{DateTime, Long, Position},
    timeline::TimelineEntry,
    user::User,
    worker::WorkerRef,
};
use content::TaskFields;
use crawl::CrawlFields;
pub(super) use fields::JobFields;
use fields::{JobError, JobProgress};
pub(super) use kind::{JobKind, JobState};
use report::ReportFields;

/// Anything long-running that somebody asked for. Those see it who may see its owner's jobs.
#[derive(Clone, Interface)]
#[expect(clippy::duplicated_attributes, reason = "two fields may have the same type")]
#[graphql(
    field(name = "id", ty = "ID", desc = "The same in every protocol and in the logs; a UUID."),
    field(name = "kind", ty = "JobKind", desc = "What is to be done, in one word."),
    field(name = "service", ty = "String", desc = "The service that it is leased under."),
    field(name = "owner", ty = "User", desc = "Whose it is."),
    field(name = "state", ty = "JobState", desc = "Where it stands."),
    field(
        name = "succeeded_with_errors",
        ty = "bool",
        desc = "Whether it succeeded though some of its items failed: no plain success."
    ),
    field(name = "priority", ty = "i32", desc = "Higher is leased first; from -100 to 100."),
    field(name = "created_at", ty = "DateTime", desc = "When somebody asked for it."),
    field(name = "started_at", ty = "Option<DateTime>", desc = "When it was first leased."),
    field(name = "ended_at", ty = "Option<DateTime>", desc = "When it ended."),
    field(name = "changed_at", ty = "DateTime", desc = "When anything last happened to it."),
    field(
        name = "ready_at",
        ty = "Option<DateTime>",
        desc = "Not before, while it waits for a time."
    ),
    field(name = "expires_at", ty = "DateTime", desc = "When it ends at the latest."),
    field(
        name = "attempt",
        ty = "i32",
        desc = "The attempt under way, or else the last; 0 before the first."
    ),
    field(name = "attempts_max", ty = "i32", desc = "How many attempts may fail before it does."),
    field(
        name = "delivery",
        ty = "i32",
        desc = "How often it was handed out, lost leases counted; 0 before the first time."
    ),
    field(name = "worker", ty = "Option<WorkerRef>", desc = "Who holds it, or held it last."),
    field(
        name = "fence",
        ty = "Option<Long>",
        desc = "Tells the lease that holds it from all earlier ones."
    ),
    field(name = "cancel_requested", ty = "bool", desc = "Whether somebody wants it stopped."),
    field(
        name = "paused_at",
        ty = "Option<DateTime>",
        desc = "Since when it is paused, left alone until it is resumed; null if it is not."
    ),
    field(
        name = "pause_reason",
        ty = "Option<&str>",
        desc = "Why it is paused, if whoever paused it said so."
    ),
    field(
        name = "progress",
        ty = "Option<JobProgress>",
        desc = "How far the last attempt has come."
    ),
    field(name = "errors", ty = "Long", desc = "How many items of a batch failed."),
    field(name = "error", ty = "Option<JobError>", desc = "What went wrong last."),
    field(name = "retry_of", ty = "Option<ID>", desc = "The job that this one repeats."),
    field(
        name = "version",
        ty = "Long",
        desc = "How many events it consists of: of two views of it, the higher is newer."
    ),
    field(
        name = "position",
        ty = "Position",
        desc = "Where the last of its events stands in the journal."
    ),
    field(
        name = "timeline",
        ty = "Vec<TimelineEntry>",
        desc = "What happened to it, oldest first, for people to read.",
        arg(name = "after", ty = "Option<Position>", desc = "Only what stands after it."),
        arg(name = "first", ty = "Option<i32>", desc = "How many at most: 50, or up to 100.")
    ),
    field(
        name = "log",
        ty = "Vec<LogLine>",
        desc = "What its attempts logged, oldest first.",
        arg(name = "after", ty = "Option<String>", desc = "Only the lines after this cursor."),
        arg(name = "first", ty = "Option<i32>", desc = "How many at most: 50, or up to 100.")
    ),
    field(
        name = "events",
        ty = "Vec<Event>",
        desc = "Its events as they stand in the journal, oldest first; fewer come where they are large.",
        arg(name = "after", ty = "Option<Long>", desc = "Only those after this version."),
        arg(name = "first", ty = "Option<i32>", desc = "How many at most: 50, or up to 100.")
    )
)]
pub(super) enum Job {
    Task(Task),
    Crawl(Crawl),
    Report(Report),
}

/// Work of a named service, done by an outside worker.
#[derive(Clone, MergedObject)]
pub(super) struct Task(JobFields, TaskFields);

/// Web pages to fetch, done by Greffe itself.
#[derive(Clone, MergedObject)]
pub(super) struct Crawl(JobFields, CrawlFields);

/// A document to write, done by Greffe itself.
#[derive(Clone, MergedObject)]
pub(super) struct Report(JobFields, ReportFields);

impl From<Arc<JobRow>> for Job {
    fn from(row: Arc<JobRow>) -> Self {
        match row.kind {
            domain::job::JobKind::Task => Self::Task(row.into()),
            domain::job::JobKind::Crawl => Self::Crawl(row.into()),
            domain::job::JobKind::Report => Self::Report(row.into()),
        }
    }
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Arc::new(row).into()
    }
}

impl From<Arc<JobRow>> for Crawl {
    fn from(row: Arc<JobRow>) -> Self {
        Self(JobFields(Arc::clone(&row)), CrawlFields(row))
    }
}

impl From<Arc<JobRow>> for Report {
    fn from(row: Arc<JobRow>) -> Self {
        Self(JobFields(Arc::clone(&row)), row.into())
    }
}

impl From<Arc<JobRow>> for Task {
    fn from(row: Arc<JobRow>) -> Self {
        Self(JobFields(Arc::clone(&row)), TaskFields(row))
    }
}

/// The interface asks each type for its fields, and they all have them from the same place.
macro_rules! has_job_fields {
    ($($name:ident)*) => {$(
        impl Deref for $name {
            type Target = JobFields;

            fn deref(&self) -> &JobFields {
                &self.0
            }
        }
    )*};
}

has_job_fields! { Task Crawl Report }
