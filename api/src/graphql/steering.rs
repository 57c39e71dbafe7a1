//! Having jobs stopped, left alone for a while, or done again.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use commands::Command;
use domain::{JobId, Refusal, job::JobCommand};
use serde_json::{Value, json};

use super::{
    access,
    asking::{self, Outcome},
    fault::Result,
    job::Job,
    scalar::Position,
    sides,
    user_error::UserError,
};

/// Which job is to be stopped.
#[derive(InputObject)]
struct CancelJobInput {
    /// Which job.
    id: ID,
    /// Why, for those who look at it later.
    reason: Option<String>,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input does nothing more.
    idempotency_key: Option<String>,
}

/// Which job is to be left alone.
#[derive(InputObject)]
struct PauseJobInput {
    /// Which job; it must not have ended.
    id: ID,
    /// Why, for those who look at it later.
    reason: Option<String>,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input does nothing more.
    idempotency_key: Option<String>,
}

/// Which job is to go on.
#[derive(InputObject)]
struct ResumeJobInput {
    /// Which job; it must not have ended.
    id: ID,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input does nothing more.
    idempotency_key: Option<String>,
}

/// Which job is to be done again.
#[derive(InputObject)]
struct RetryJobInput {
    /// Which job; it must have ended.
    id: ID,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input gives the same new job.
    idempotency_key: Option<String>,
}

/// What asking for a job to be stopped led to.
#[derive(SimpleObject)]
struct CancelJobPayload {
    /// The job, which may still be running until its worker lets go of it; null if there are user
    /// errors, or if this is not to be seen yet: then ask again with `position`.
    job: Option<Job>,
    /// Where in the journal this stands: queries with `atLeast` this see it. Null if there are user
    /// errors.
    position: Option<Position>,
    /// Why nothing was changed; empty if it was.
    user_errors: Vec<UserError>,
}

/// What asking for a job to be left alone led to.
#[derive(SimpleObject)]
struct PauseJobPayload {
    /// The job, which may still be running until its worker lets go of it; null if there are user
    /// errors, or if this is not to be seen yet: then ask again with `position`.
    job: Option<Job>,
    /// Where in the journal this stands: queries with `atLeast` this see it. Null if there are user
    /// errors.
    position: Option<Position>,
    /// Why nothing was changed; empty if it was.
    user_errors: Vec<UserError>,
}

/// What asking for a job to go on led to.
#[derive(SimpleObject)]
struct ResumeJobPayload {
    /// The job; null if there are user errors, or if this is not to be seen yet: then ask again
    /// with `position`.
    job: Option<Job>,
    /// Where in the journal this stands: queries with `atLeast` this see it. Null if there are user
    /// errors.
    position: Option<Position>,
    /// Why nothing was changed; empty if it was.
    user_errors: Vec<UserError>,
}

/// What asking for a job to be done again led to.
#[derive(SimpleObject)]
struct RetryJobPayload {
    /// The new job, whose `retryOf` is the old one; null if there are user errors, or if it is not
    /// to be seen yet: then ask again with `position`.
    job: Option<Job>,
    /// Where in the journal the new job stands: queries with `atLeast` this see it. Null if there
    /// are user errors.
    position: Option<Position>,
    /// Why there is no new job; empty if there is one.
    user_errors: Vec<UserError>,
}

/// What one may do about a job.
#[derive(Default)]
pub(super) struct SteeringMutations;

#[Object]
impl SteeringMutations {
    /// Has a job stopped. For those who have signed in; its owner, operators and admins, and API
    /// clients for what is theirs.
    async fn cancel_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which job, and why.")] input: CancelJobInput,
    ) -> Result<Option<CancelJobPayload>> {
        let said = json!({ "id": *input.id, "reason": input.reason });
        let cancel = JobCommand::CancelJob { reason: input.reason };
        let outcome = steer(ctx, &input.id, cancel, (input.idempotency_key, &said)).await?;
        let (job, position, user_errors) = told(outcome);
        Ok(Some(CancelJobPayload { job, position, user_errors }))
    }

    /// Has a job left alone until it is resumed: nobody is given it, and whoever holds it is asked
    /// to give it back. For those who have signed in; its owner, operators and admins, and API
    /// clients for what is theirs.
    async fn pause_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which job, and why.")] input: PauseJobInput,
    ) -> Result<Option<PauseJobPayload>> {
        let said = json!({ "id": *input.id, "reason": input.reason });
        let pause = JobCommand::PauseJob { reason: input.reason };
        let outcome = steer(ctx, &input.id, pause, (input.idempotency_key, &said)).await?;
        let (job, position, user_errors) = told(outcome);
        Ok(Some(PauseJobPayload { job, position, user_errors }))
    }

    /// Has a job that is paused go on. For those who have signed in; its owner, operators and
    /// admins, and API clients for what is theirs.
    async fn resume_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which job.")] input: ResumeJobInput,
    ) -> Result<Option<ResumeJobPayload>> {
        let said = json!({ "id": *input.id });
        let resume = JobCommand::ResumeJob;
        let outcome = steer(ctx, &input.id, resume, (input.idempotency_key, &said)).await?;
        let (job, position, user_errors) = told(outcome);
        Ok(Some(ResumeJobPayload { job, position, user_errors }))
    }

    /// Has a job that has ended done again, as a new job. For those who have signed in; its owner,
    /// operators and admins, and API clients for what is theirs.
    async fn retry_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which job.")] input: RetryJobInput,
    ) -> Result<Option<RetryJobPayload>> {
        let user = access::signed_in(ctx)?;
        let said = json!({ "id": *input.id });
        let outcome = match input.id.parse::<JobId>() {
            Ok(of) => {
                let command = Command::RetryJob { of, id: JobId((sides(ctx).ids)()) };
                let asked = asking::once(ctx, user, input.idempotency_key, &said);
                asking::execute(ctx, user, command, asked).await?
            }
            Err(_) => Outcome::Refused(Refusal::NotFound { what: "job" }),
        };
        let (job, position, user_errors) = told(outcome);
        Ok(Some(RetryJobPayload { job, position, user_errors }))
    }
}

/// Gives a command about a job that is there, once for each key.
async fn steer(
    ctx: &Context<'_>,
    id: &ID,
    command: JobCommand,
    (key, said): (Option<String>, &Value),
) -> Result<Outcome> {
    let user = access::signed_in(ctx)?;
    let Ok(id) = id.parse::<JobId>() else {
        return Ok(Outcome::Refused(Refusal::NotFound { what: "job" }));
    };
    let asked = asking::once(ctx, user, key, said);
    asking::execute(ctx, user, Command::Job(id, command), asked).await
}

fn told(outcome: Outcome) -> (Option<Job>, Option<Position>, Vec<UserError>) {
    match outcome {
        Outcome::Done { row, position } => (row.map(Job::from), Some(position), Vec::new()),
        Outcome::Refused(refusal) => (None, None, vec![(&refusal).into()]),
    }
}
