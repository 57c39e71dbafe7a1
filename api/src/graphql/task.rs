//! Having a task done.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use commands::{Command, Wishes};
use domain::{JobId, Refusal};
use serde_json::{Value, json};

use super::{
    access,
    asking::{self, Outcome},
    fault::Result,
    job::Task,
    scalar::{DateTime, Position},
    sides,
    user_error::UserError,
};

/// What is to be done, by whom, and when.
#[derive(InputObject)]
struct CreateTaskInput {
    /// Which service is to do it.
    service: String,
    /// What the service is told: at most 256 KiB and 20,000 values. Must satisfy its schema.
    body: Value,
    /// Higher is leased first; from -100 to 100, and 0 if it is not said.
    priority: Option<i32>,
    /// Not before.
    not_before: Option<DateTime>,
    /// Over by then, whatever has become of it; no later than the service allows, which is the
    /// default.
    expires_at: Option<DateTime>,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input gives the same job again.
    idempotency_key: Option<String>,
}

/// What asking for a task led to.
#[derive(SimpleObject)]
struct CreateTaskPayload {
    /// The task; null if there are user errors, or if it is not to be seen yet: then ask again with
    /// `position`.
    task: Option<Task>,
    /// Where in the journal it stands: queries with `atLeast` this see it. Null if there are user
    /// errors.
    position: Option<Position>,
    /// Why there is no task; empty if there is one.
    user_errors: Vec<UserError>,
}

/// What one may ask for.
#[derive(Default)]
pub(super) struct TaskMutations;

#[Object]
impl TaskMutations {
    /// Has a task done by the workers of a service. For those who have signed in; members,
    /// operators and admins, and API clients for services that they may use.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be done.")] input: CreateTaskInput,
    ) -> Result<Option<CreateTaskPayload>> {
        let user = access::signed_in(ctx)?;
        let said = json!({
            "service": input.service,
            "body": input.body,
            "priority": input.priority.unwrap_or(0),
            "notBefore": input.not_before.map(|it| it.0),
            "expiresAt": input.expires_at.map(|it| it.0),
        });
        let Ok(priority) = i16::try_from(input.priority.unwrap_or(0)) else {
            let refusal = Refusal::invalid("priority", "between -100 and 100");
            return Ok(Some(refused(&refusal)));
        };
        let wishes = Wishes {
            owner: None,
            priority,
            not_before: input.not_before.map(|it| it.0),
            expires_at: input.expires_at.map(|it| it.0),
        };
        let id = JobId((sides(ctx).ids)());
        let command = Command::CreateTask { id, service: input.service, body: input.body, wishes };
        let asked = asking::once(ctx, user, input.idempotency_key, &said);
        let outcome = asking::execute(ctx, user, command, asked).await?;
        Ok(Some(match outcome {
            Outcome::Refused(refusal) => refused(&refusal),
            Outcome::Done { row, position } => CreateTaskPayload {
                task: row.map(Task::from),
                position: Some(position),
                user_errors: Vec::new(),
            },
        }))
    }
}

fn refused(refusal: &Refusal) -> CreateTaskPayload {
    CreateTaskPayload { task: None, position: None, user_errors: vec![refusal.into()] }
}
