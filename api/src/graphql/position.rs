//! Reading what one has written: waiting, within bounds, until a projection has taken in a
//! position.

use std::time::Duration;

use projections::{
    Projection, ReadError, checkpoint::NotReached, job_list::JobList, schema::Tables,
};

use super::{
    Sides,
    fault::{Fault, Result},
    scalar::Position,
};

/// How long one waits for a position at most.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// A position so far beyond the head is none of this journal's, and not worth the wait.
const AHEAD_MAX: u64 = 1_000_000;

/// Returns when the list of jobs shows at least what stands at `at_least`.
pub(super) async fn at_least(sides: &Sides, at_least: Option<Position>) -> Result<()> {
    at_least_in(sides, JobList::TABLES, at_least).await
}

/// Returns when a projection shows at least what stands at `at_least`.
pub(super) async fn at_least_in(
    sides: &Sides,
    tables: Tables,
    at_least: Option<Position>,
) -> Result<()> {
    let Some(Position(required)) = at_least else { return Ok(()) };
    within_reach(sides, required)?;
    patiently(sides, tables, required).await?.map_err(Fault::NotReached)
}

/// Refuses what cannot be reached by waiting.
pub(super) fn within_reach(sides: &Sides, required: u64) -> Result<()> {
    let current = *sides.feed.head().borrow();
    if current.saturating_add(AHEAD_MAX) < required {
        return Err(Fault::OutOfRange { required, current });
    }
    Ok(())
}

/// Waits until a projection has taken in `position`, or patience is at its end.
pub(super) async fn patiently(
    sides: &Sides,
    tables: Tables,
    position: u64,
) -> std::result::Result<std::result::Result<(), NotReached>, ReadError> {
    sides.checkpoints.reached(tables, position, PATIENCE).await
}
