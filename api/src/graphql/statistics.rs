//! Counts and times of jobs: asked for once, or followed.

mod follow;
mod wanted;

use async_graphql::{Context, Object, SimpleObject};
use chrono::TimeDelta;
use domain::Timestamp;
use projections::{Projection, job_statistics};

pub(super) use follow::Following;
pub(super) use wanted::{StatisticsBy, StatisticsFilter, Wanted};

use super::{
    access, budget,
    fault::Result,
    job::{JobKind, JobState},
    position,
    scalar::{DateTime, Long, Position},
    sides,
};

/// How many rows are counted for one answer: no more than may be paid for, since the times of more
/// are not read.
const ROWS_MAX: u32 = budget::ITEMS_MAX;

/// The least time over which a throughput is told.
const SPAN_MIN: TimeDelta = TimeDelta::minutes(1);

/// Counts and times of the jobs that one may see, all as of one position.
pub(super) struct Statistics {
    answer: job_statistics::Statistics,
    window: job_statistics::Window,
    now: Timestamp,
}

/// What happened to the jobs of a group.
#[derive(SimpleObject)]
pub(super) struct StatisticsRow {
    /// When the hour began in which it happened; null unless told apart by `HOUR`.
    hour: Option<DateTime>,
    /// Which kind; null unless told apart by `KIND`.
    kind: Option<JobKind>,
    /// Which service; null unless told apart by `SERVICE`.
    service: Option<String>,
    /// The state that jobs came to be in; null unless told apart by `STATE`.
    state: Option<JobState>,
    /// How many were created, in this state if it is told.
    created: Long,
    /// How often a job came to be in this state, or in any if it is not told. One that is tried
    /// twice is queued twice, and runs twice.
    entered: Long,
    /// How many ended.
    ended: Long,
    /// How many succeeded although some of their items failed.
    with_errors: Long,
    /// How many ended per hour, over the time of the row that has passed; a minute at least.
    throughput: f64,
    /// How long those that ended had been queued, over all their attempts. Those that never were
    /// are not among them.
    waiting: Times,
    /// How long those that ended had been held by workers, over all their attempts. Those that
    /// never were are not among them.
    running: Times,
}

/// How the times of some jobs are spread. All but `jobs` are null if there are none.
#[derive(SimpleObject)]
pub(super) struct Times {
    /// How many jobs were timed.
    jobs: Long,
    /// The mean, in milliseconds.
    mean_ms: Option<Long>,
    /// The time that half of them did not exceed, in milliseconds. This and the other two are
    /// times that one of the jobs took, and too long by less than an eighth.
    p50_ms: Option<Long>,
    /// The time that 95 of 100 did not exceed, in milliseconds.
    p95_ms: Option<Long>,
    /// The time that 99 of 100 did not exceed, in milliseconds.
    p99_ms: Option<Long>,
    /// The shortest, in milliseconds.
    min_ms: Option<Long>,
    /// The longest, in milliseconds.
    max_ms: Option<Long>,
}

/// How many jobs are in a state.
#[derive(SimpleObject)]
pub(super) struct CurrentJobs {
    /// Which kind; null unless told apart by `KIND`.
    kind: Option<JobKind>,
    /// Which service; null unless told apart by `SERVICE`.
    service: Option<String>,
    /// Which state.
    state: JobState,
    /// How many.
    jobs: Long,
}

/// Counts and times of the jobs that you may see, all as of one position.
#[Object]
impl Statistics {
    /// When the first hour that is counted began.
    async fn from(&self) -> DateTime {
        DateTime(self.window.from())
    }

    /// When the last hour that is counted ends.
    async fn to(&self) -> DateTime {
        DateTime(self.window.to())
    }

    /// What happened in these hours: a row for each hour, each kind and service that there is
    /// anything of, and each state, as far as they are told apart. Where nothing happened, zero is
    /// said.
    #[graphql(complexity = "100 * child_complexity + 1")]
    async fn rows(&self) -> Vec<StatisticsRow> {
        self.answer.rows().into_iter().map(|it| self.row(it)).collect()
    }

    /// How many jobs are in each state, whenever they came to be in it; zero is said also.
    #[graphql(complexity = "50 * child_complexity + 1")]
    async fn current(&self) -> Vec<CurrentJobs> {
        let told = |it: job_statistics::Current| CurrentJobs {
            kind: it.kind.map(Into::into),
            service: it.service.map(Into::into),
            state: it.state.into(),
            jobs: Long(it.jobs),
        };
        self.answer.current().into_iter().map(told).collect()
    }

    /// What stands up to here is counted, and nothing else. A subscription `after` it loses
    /// nothing.
    async fn position(&self) -> Position {
        Position(self.answer.position)
    }
}

impl Statistics {
    fn row(&self, it: job_statistics::Row) -> StatisticsRow {
        let (from, to) = match it.hour {
            Some(hour) => (hour, hour + TimeDelta::hours(1)),
            None => (self.window.from(), self.window.to()),
        };
        let span = (to.min(self.now) - from).max(SPAN_MIN);
        StatisticsRow {
            hour: it.hour.map(DateTime),
            kind: it.kind.map(Into::into),
            service: it.service.map(Into::into),
            state: it.state.map(Into::into),
            created: Long(it.counted.created),
            entered: Long(it.counted.entered),
            ended: Long(it.counted.ended),
            with_errors: Long(it.counted.with_errors),
            throughput: per_hour(it.counted.ended, span),
            waiting: Times::from(&it.waiting),
            running: Times::from(&it.running),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
fn per_hour(count: u64, span: TimeDelta) -> f64 {
    count as f64 * 3_600_000.0 / span.num_milliseconds() as f64
}

impl From<&job_statistics::Spread> for Times {
    fn from(it: &job_statistics::Spread) -> Self {
        Self {
            jobs: Long(it.jobs()),
            mean_ms: it.mean_ms().map(Long),
            p50_ms: it.quantile_ms(50).map(Long),
            p95_ms: it.quantile_ms(95).map(Long),
            p99_ms: it.quantile_ms(99).map(Long),
            min_ms: it.min_ms().map(Long),
            max_ms: it.max_ms().map(Long),
        }
    }
}

/// Questions about jobs in the large.
#[derive(Default)]
pub(super) struct StatisticsQueries;

#[Object]
impl StatisticsQueries {
    /// How many of the jobs that you may see came to be in which state, how long they waited and
    /// ran, and how many are where now. For those who have signed in.
    #[expect(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Count from the hour of this instant on; a day before `to`, if it is not \
                          said."
        )]
        from: Option<DateTime>,
        #[graphql(
            desc = "Count up to the end of the hour before this instant, or of the one that \
                          it is in; now, if it is not said."
        )]
        to: Option<DateTime>,
        #[graphql(
            default,
            desc = "By what to tell jobs apart; all are taken together, if it is \
                                   not said. By `HOUR`, 31 days at most."
        )]
        by: Vec<StatisticsBy>,
        #[graphql(desc = "Only some of them.")] filter: Option<StatisticsFilter>,
        #[graphql(desc = "Wait up to 2 s until this is counted; else `POSITION_NOT_REACHED`.")]
        at_least: Option<Position>,
    ) -> Result<Statistics> {
        let eyes = access::signed_in(ctx)?.eyes();
        let sides = sides(ctx);
        let wanted = Wanted::try_new((from, to), &by, filter, eyes)?;
        let tables = job_statistics::JobStatistics::TABLES;
        position::at_least_in(sides, tables, at_least).await?;
        let statistics = wanted.read(sides).await?;
        budget::spend(ctx, statistics.size())?;
        Ok(statistics)
    }
}

impl Statistics {
    /// How many rows it has.
    fn size(&self) -> u32 {
        u32::try_from(self.answer.size()).unwrap_or(u32::MAX)
    }
}
