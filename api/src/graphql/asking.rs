//! From what a mutation asks for to what came of it: the command is carried out, and its job read
//! back.

use std::sync::Arc;

use async_graphql::Context;
use commands::{Accepted, Asked, Command, CommandError};
use domain::Refusal;
use projections::{
    Projection,
    job_list::{JobList, JobRow},
};
use serde_json::Value;

use super::{digest, fault::Result, position, scalar::Position, sides};
use crate::{request::Trace, viewer::SignedIn};

/// What came of a command.
pub(super) enum Outcome {
    /// It was carried out, now or under the same key before.
    Done {
        /// The job; none if it is not to be seen yet.
        row: Option<Arc<JobRow>>,
        /// Where it was written.
        position: Position,
    },
    /// The rules say no.
    Refused(Refusal),
}

/// Who asks; once, if there is a key, for what was said.
pub(super) fn once(ctx: &Context<'_>, user: &SignedIn, key: Option<String>, said: &Value) -> Asked {
    let trace = ctx.data_opt::<Trace>().map(|it| it.0.clone());
    let asked = Asked { trace, ..user.asks((sides(ctx).ids)()) };
    match key {
        Some(key) => asked.once(key, sides(ctx).identity.blinded(&digest::of(said))),
        None => asked,
    }
}

/// Carries out a command about a job.
pub(super) async fn execute(
    ctx: &Context<'_>,
    user: &SignedIn,
    command: Command,
    asked: Asked,
) -> Result<Outcome> {
    match sides(ctx).commands.execute(command, asked).await {
        Ok(accepted) => {
            let position = Position(accepted.position);
            Ok(Outcome::Done { row: read_back(ctx, user, &accepted).await, position })
        }
        Err(CommandError::Refused(refusal)) => Ok(Outcome::Refused(refusal)),
        Err(error) => Err(error.into()),
    }
}

/// What was done is done, whether or not it can be shown: whatever goes wrong here is no error of
/// the command.
async fn read_back(ctx: &Context<'_>, user: &SignedIn, accepted: &Accepted) -> Option<Arc<JobRow>> {
    let sides = sides(ctx);
    let id = accepted.job()?;
    match position::patiently(sides, JobList::TABLES, accepted.position).await {
        Ok(Ok(())) => {}
        Ok(Err(late)) => {
            tracing::warn!(job = %id, %late, "the answer to a command is without its job");
            return None;
        }
        Err(error) => {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::error!(job = %id, error, "the job of a command cannot be read");
            return None;
        }
    }
    match sides.reader.job(id, user.eyes()).await {
        Ok(row) => row.map(Arc::new),
        Err(error) => {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::error!(job = %id, error, "the job of a command cannot be read");
            None
        }
    }
}
