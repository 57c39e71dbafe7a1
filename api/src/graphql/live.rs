//! Subscriptions: what happens, as it happens, from wherever one left off.

use std::sync::Arc;

use async_graphql::{Context, ID};
use domain::JobId;
use futures::{Stream, stream};
use projections::{
    Projection, Viewer,
    job_list::{self, JobList, JobRow},
};
use tokio::time::timeout;

use super::{
    Sides, access,
    budget::Budget,
    change::JobFrame,
    fault::{Fault, Result},
    filter::JobFilter,
    follower::{Follower, Sight},
    position::{self, PATIENCE},
    scalar::{DateTime, Position},
    sides,
    statistics::{Following, Statistics, StatisticsBy, StatisticsFilter, Wanted},
};
use crate::viewer::SignedIn;

/// What one may be told of.
pub(crate) struct Subscription;

/// What one may be told of. Each frame has a cursor; whoever subscribes `after` it is told all that
/// came later, once.
#[async_graphql::Subscription]
impl Subscription {
    /// A job, from now on or from where one left off, until it has ended or is somebody else's: then
    /// the subscription is complete. The first frame comes at once. For those who have signed in.
    async fn job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id; a UUID.")] id: ID,
        #[graphql(
            desc = "The cursor of the last frame that one has seen; now, if it is not said."
        )]
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<JobFrame>> + use<>> {
        let user = access::signed_in(ctx)?;
        let id = id.parse::<JobId>().map_err(|_| Fault::NotFound)?;
        Ok(frames(Budget::of(ctx), one(sides(ctx), user.clone(), id, after).await?))
    }

    /// What happens to the jobs that you may see and that match a filter, from now on or from where
    /// one left off. For those who have signed in.
    async fn job_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only some of them.")] filter: Option<JobFilter>,
        #[graphql(desc = "The last cursor, or the position of a list; now, if it is not said.")]
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<JobFrame>> + use<>> {
        let eyes = access::signed_in(ctx)?.eyes();
        let sides = sides(ctx);
        let filter = filter.unwrap_or_default().try_into()?;
        let cursor = start(sides, after).await?;
        let sight = Sight { eyes, filter, only: None };
        let follower = Follower::new(Arc::clone(&sides.feed), sight, cursor, None);
        Ok(frames(Budget::of(ctx), follower))
    }

    /// Counts and times of the jobs that you may see: at once, or when anything has happened that
    /// they count since one left off, and again whenever something does, twice a second at most.
    /// For those who have signed in.
    #[expect(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As in the query; a day before `to`, if it is not said.")] from: Option<
            DateTime,
        >,
        #[graphql(desc = "As in the query; the moment of each answer, if it is not said.")]
        to: Option<DateTime>,
        #[graphql(default, desc = "By what to tell jobs apart.")] by: Vec<StatisticsBy>,
        #[graphql(desc = "Only some of them.")] filter: Option<StatisticsFilter>,
        #[graphql(desc = "The position of the last answer; none, if it is not said.")]
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<Statistics>> + use<>> {
        let eyes = access::signed_in(ctx)?.eyes();
        let wanted = Wanted::try_new((from, to), &by, filter, eyes)?;
        let cursor = start(sides(ctx), after).await?;
        Ok(Following::new(ctx, wanted, cursor, after.is_none()).answers())
    }
}

/// Follows one job.
async fn one(
    sides: &Sides,
    user: SignedIn,
    id: JobId,
    after: Option<Position>,
) -> Result<Follower> {
    let eyes = user.eyes();
    let start = start(sides, after).await?;
    let now = newest(sides, id, start).await?;
    let now = now.filter(|it| eyes.sees(it.owner)).ok_or(Fault::NotFound)?;
    let (cursor, job) = match after {
        // The row may hold more than what this process has heard of: it is followed from its own
        // position on.
        None => (start.max(now.changed_position), Some(now)),
        Some(_) if now.changed_position <= start => (start, Some(now)),
        Some(_) => (start, sides.feed.row_as_of(id, start).await?),
    };
    let sight = Sight { eyes, filter: job_list::JobFilter::default(), only: Some(id) };
    Ok(Follower::new(Arc::clone(&sides.feed), sight, cursor, job))
}

/// A job as of `start` at least, whoever may see it. Its stream may be long, and is read only if
/// nobody else has.
async fn newest(sides: &Sides, id: JobId, start: u64) -> Result<Option<Arc<JobRow>>> {
    if let Some(row) = sides.feed.row_at_hand(id) {
        return Ok(Some(row));
    }
    if position::patiently(sides, JobList::TABLES, start).await?.is_ok()
        && let Some(row) = sides.reader.job(id, Viewer::All).await?
    {
        return Ok(Some(Arc::new(row)));
    }
    // The list is late, or another process has only just created it.
    Ok(sides.feed.row_as_of(id, u64::MAX).await?)
}

/// Where to start: where one left off, once this process has got there.
async fn start(sides: &Sides, after: Option<Position>) -> Result<u64> {
    let mut head = sides.feed.head();
    let Some(Position(required)) = after else { return Ok(*head.borrow()) };
    position::within_reach(sides, required)?;
    let reached = timeout(PATIENCE, head.wait_for(|it| required <= *it)).await;
    if matches!(reached, Ok(Ok(_))) {
        return Ok(required);
    }
    drop(reached);
    let current = *head.borrow();
    Err(Fault::Ahead { required, current })
}

fn frames(budget: Budget, follower: Follower) -> impl Stream<Item = Result<JobFrame>> + use<> {
    stream::unfold((budget, follower), async |(budget, mut follower)| {
        if budget.wants_parts() {
            follower.divide();
        }
        let frame = follower.next().await?;
        budget.refill_for(frame.as_ref().map_or(0, |it| it.events.len()));
        Some((frame, (budget, follower)))
    })
}
