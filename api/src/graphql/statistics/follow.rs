//! Follows the counts for one subscription.
//!
//! The feed tells whether anything happened that they count; then they are read, once it is
//! counted. However much happens, that is twice a second at most.

use std::time::Duration;

use async_graphql::Context;
use futures::{Stream, stream};
use projections::{
    Projection,
    feed::Change,
    job_list::JobFilter,
    job_statistics::{self, JobStatistics, StatisticsFilter},
};
use tokio::time::{Instant, sleep_until};

use super::{Statistics, Wanted};
use crate::graphql::{Sides, budget::Budget, fault::Result, position, sides};

/// How long after an answer the next may come.
const PAUSE: Duration = Duration::from_millis(500);

/// How many events are looked at together.
const BATCH: usize = 1_000;

/// Who is farther behind is told the counts, without a look at what happened.
const BEHIND_MAX: u64 = 20_000;

/// Follows the counts for one subscription.
pub(in crate::graphql) struct Following {
    sides: Sides,
    wanted: Wanted,
    /// Jobs that are counted, in whatever state.
    jobs: JobFilter,
    /// What has been looked at.
    cursor: u64,
    /// What must be counted in the next answer; none if nothing has happened since the last.
    required: Option<u64>,
    told_at: Option<Instant>,
    budget: Budget,
    ended: bool,
}

impl Following {
    /// Starts after `cursor`, with an answer at once if that is `now`.
    pub(in crate::graphql) fn new(
        ctx: &Context<'_>,
        wanted: Wanted,
        cursor: u64,
        now: bool,
    ) -> Self {
        let sides = sides(ctx).clone();
        let head = *sides.feed.head().borrow();
        let far_behind = BEHIND_MAX < head.saturating_sub(cursor);
        let required = (now || far_behind).then_some(head);
        let StatisticsFilter { kinds, services, owner, .. } = wanted.filter.clone();
        let jobs = JobFilter { kinds, services, owner, ..JobFilter::default() };
        let cursor = required.unwrap_or(cursor);
        let (told_at, budget) = (None, Budget::of(ctx));
        Self { sides, wanted, jobs, cursor, required, told_at, budget, ended: false }
    }

    /// The answers, as they come. After a failure there are no more: whoever subscribes again loses
    /// nothing.
    pub(in crate::graphql) fn answers(self) -> impl Stream<Item = Result<Statistics>> + use<> {
        stream::unfold(self, async |mut it| {
            if it.ended {
                return None;
            }
            let answer = it.next().await;
            it.ended = answer.is_err();
            Some((answer, it))
        })
    }

    async fn next(&mut self) -> Result<Statistics> {
        loop {
            let Some(required) = self.required else {
                self.look().await?;
                continue;
            };
            if let Some(told_at) = self.told_at {
                sleep_until(told_at + PAUSE).await;
            }
            // What stands still is waited for; it is told elsewhere why.
            let counted = position::patiently(&self.sides, JobStatistics::TABLES, required).await?;
            if counted.is_err() {
                continue;
            }
            self.budget.refill();
            let statistics = self.wanted.read(&self.sides).await?;
            self.budget.spend_on(statistics.size())?;
            self.cursor = self.cursor.max(statistics.answer.position);
            self.required = None;
            self.told_at = Some(Instant::now());
            return Ok(statistics);
        }
    }

    /// Waits for events, and looks whether they are counted.
    async fn look(&mut self) -> Result<()> {
        let mut head = self.sides.feed.head();
        // The feed outlives those who follow it; whether it has ended, one looks.
        drop(head.wait_for(|head| self.cursor < *head).await);
        let (changes, last) = self.sides.feed.changes(self.cursor, BATCH).await?;
        self.cursor = last;
        let counted = changes.iter().rev().find(|it| self.counts(it));
        self.required = counted.map(Change::position);
        Ok(())
    }

    /// Whether it is told apart from what was counted before. Of a job that is given away, both of
    /// its owners count.
    fn counts(&self, change: &Change) -> bool {
        let moves = change.fact.of_job().is_some_and(|(_, event)| job_statistics::counts(event));
        let rows = [Some(&change.after), change.before.as_ref()];
        let states = rows.iter().flatten().map(|it| it.state);
        let wanted = self.wanted.filter.states.as_ref();
        moves
            && rows.iter().flatten().any(|it| self.jobs.matches(it, self.wanted.eyes))
            && wanted.is_none_or(|all| states.clone().any(|it| all.contains(&it)))
    }
}
