//! Giving things to somebody else: one job, one land, or all that a person owns.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use commands::{Asked, Command, CommandError};
use domain::{
    JobId, LandId, Refusal, UserId, account::AccountCommand, job::JobCommand, land::LandCommand,
};
use identity::IdentityError;
use serde_json::json;

use super::{
    access, asking,
    fault::{Fault, Result},
    scalar::Position,
    sides,
    user_error::UserError,
};

/// Which job is to be whose.
#[derive(InputObject)]
struct TransferJobInput {
    /// Which job, whatever has become of it.
    id: ID,
    /// Whose it is to be: somebody with an account that is not disabled.
    to: ID,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input does nothing more.
    idempotency_key: Option<String>,
}

/// Which land is to be whose.
#[derive(InputObject)]
struct TransferLandInput {
    /// Which land.
    id: ID,
    /// Whose it is to be: somebody with an account that is not disabled.
    to: ID,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input does nothing more.
    idempotency_key: Option<String>,
}

/// Whose things are to be whose.
#[derive(InputObject)]
struct TransferOwnershipInput {
    /// Who owns them; also somebody who is disabled.
    from: ID,
    /// Whose they are to be: somebody with an account that is not disabled.
    to: ID,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input does nothing more.
    idempotency_key: Option<String>,
}

/// What asking for a job to be somebody else's led to.
#[derive(SimpleObject)]
struct TransferJobPayload {
    /// Where in the journal this stands: queries with `atLeast` this see it. Null if there are user
    /// errors.
    position: Option<Position>,
    /// Why nothing was changed; empty if it was.
    user_errors: Vec<UserError>,
}

/// What asking for a land to be somebody else's led to.
#[derive(SimpleObject)]
struct TransferLandPayload {
    /// Where in the journal this stands: queries with `atLeast` this see it. Null if there are user
    /// errors.
    position: Option<Position>,
    /// Why nothing was changed; empty if it was.
    user_errors: Vec<UserError>,
}

/// What asking for all that somebody owns to be somebody else's led to.
#[derive(SimpleObject)]
struct TransferOwnershipPayload {
    /// Where in the journal this was recorded. One thing after the other goes over after that. Null
    /// if there are user errors.
    position: Option<Position>,
    /// Why nothing was changed; empty if it will be.
    user_errors: Vec<UserError>,
}

/// Where it was written, or why not.
type Told = std::result::Result<Position, UserError>;

/// What one may do about whose things are.
#[derive(Default)]
pub(super) struct TransferMutations;

#[Object]
impl TransferMutations {
    /// Gives a job to somebody else, with its files: from then on it is theirs to see and to steer,
    /// and no more its owner's. For those who have signed in; its owner and admins.
    async fn transfer_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which job, and whose it is to be.")] input: TransferJobInput,
    ) -> Result<Option<TransferJobPayload>> {
        let user = access::signed_in(ctx)?;
        let said = json!({ "id": *input.id, "to": *input.to });
        let asked = asking::once(ctx, user, input.idempotency_key, &said);
        let told = match input.id.parse::<JobId>() {
            Ok(id) => {
                let command = |to| Command::Job(id, JobCommand::TransferJob { from: None, to });
                transfer(ctx, &input.to, command, asked).await?
            }
            Err(_) => Err((&Refusal::NotFound { what: "job" }).into()),
        };
        let (position, user_errors) = parts(told);
        Ok(Some(TransferJobPayload { position, user_errors }))
    }

    /// Gives a land to somebody else; its crawls stay with whom they belong to. For those who have
    /// signed in; its owner and admins.
    async fn transfer_land(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which land, and whose it is to be.")] input: TransferLandInput,
    ) -> Result<Option<TransferLandPayload>> {
        let user = access::signed_in(ctx)?;
        let said = json!({ "id": *input.id, "to": *input.to });
        let asked = asking::once(ctx, user, input.idempotency_key, &said);
        let told = match input.id.parse::<LandId>() {
            Ok(id) => {
                let command = |to| Command::Land(id, LandCommand::TransferLand { from: None, to });
                transfer(ctx, &input.to, command, asked).await?
            }
            Err(_) => Err((&Refusal::NotFound { what: "land" }).into()),
        };
        let (position, user_errors) = parts(told);
        Ok(Some(TransferLandPayload { position, user_errors }))
    }

    /// Gives all that somebody owns by now to somebody else: jobs, lands, and the files that they
    /// sent. What they come to own later is theirs. For admins.
    async fn transfer_ownership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose things are to be whose.")] input: TransferOwnershipInput,
    ) -> Result<Option<TransferOwnershipPayload>> {
        let admin = access::admin(ctx)?;
        let said = json!({ "from": *input.from, "to": *input.to });
        let asked = asking::once(ctx, admin, input.idempotency_key, &said);
        let told = match input.from.parse::<UserId>() {
            Ok(from) => {
                let command = |to| Command::Account(from, AccountCommand::TransferOwnership { to });
                transfer(ctx, &input.to, command, asked).await?
            }
            Err(_) => Err((&Refusal::NotFound { what: "user" }).into()),
        };
        let (position, user_errors) = parts(told.map_err(|it| it.about_missing("from")));
        Ok(Some(TransferOwnershipPayload { position, user_errors }))
    }
}

/// Gives something to somebody, if there is such a person.
async fn transfer(
    ctx: &Context<'_>,
    to: &ID,
    command: impl FnOnce(UserId) -> Command,
    asked: Asked,
) -> Result<Told> {
    let sides = sides(ctx);
    // What is no UUID is nobody's id.
    let to = to.parse::<UserId>().unwrap_or(UserId(uuid::Uuid::nil()));
    match sides.identity.check_recipient(to.0).await {
        Ok(()) => {}
        Err(IdentityError::Refused(refusal)) => return Ok(Err((&refusal).into())),
        Err(error) => return Err(Fault::from(error)),
    }
    match sides.commands.execute(command(to), asked).await {
        Ok(accepted) => Ok(Ok(Position(accepted.position))),
        Err(CommandError::Refused(refusal)) => Ok(Err((&refusal).into())),
        Err(error) => Err(error.into()),
    }
}

fn parts(told: Told) -> (Option<Position>, Vec<UserError>) {
    match told {
        Ok(position) => (Some(position), Vec::new()),
        Err(error) => (None, vec![error]),
    }
}
