//! Having lands made, changed and deleted.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use commands::{Accepted, Asked, Command, CommandError};
use domain::{
    LandId, Refusal,
    land::{LandChange, LandCommand, Sketch},
};
use projections::{Projection, land::Lands};
use serde_json::json;

use super::Land;
use crate::{
    graphql::{
        access, asking, fault::Result, position, scalar::Position, sides, user_error::UserError,
    },
    viewer::SignedIn,
};

/// What a land is to be about.
#[derive(InputObject)]
struct CreateLandInput {
    /// What it is to be called: up to 256 bytes.
    name: String,
    /// What is to be said about it: up to 8 KiB.
    description: Option<String>,
    /// The languages that its terms are in, as two letters.
    languages: Option<Vec<String>>,
    /// The words and phrases that make a page relevant: up to 1,000. Crawls need one.
    terms: Option<Vec<String>>,
    /// Where its crawls are to start: up to 10,000 `http` and `https` URLs.
    start_urls: Option<Vec<String>>,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input gives the same land again.
    idempotency_key: Option<String>,
}

/// What is to be different about a land. What is not said stays.
#[derive(InputObject)]
struct ChangeLandInput {
    /// Which land.
    id: ID,
    /// What it is to be called.
    name: Option<String>,
    /// What is to be said about it.
    description: Option<String>,
    /// The languages that its terms are in, from now on.
    languages: Option<Vec<String>>,
    /// Terms that it is to have.
    add_terms: Option<Vec<String>>,
    /// Terms that it is to have no more.
    remove_terms: Option<Vec<String>>,
    /// URLs that its crawls are to start from.
    add_start_urls: Option<Vec<String>>,
    /// URLs that its crawls are to start from no more.
    remove_start_urls: Option<Vec<String>>,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input does nothing more.
    idempotency_key: Option<String>,
}

/// Which land is to go.
#[derive(InputObject)]
struct DeleteLandInput {
    /// Which land.
    id: ID,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input does nothing more.
    idempotency_key: Option<String>,
}

/// What asking for a land, or for another one, led to.
#[derive(SimpleObject)]
struct LandPayload {
    /// The land; null if there are user errors, or if it is not to be seen yet: then ask again with
    /// `position`.
    land: Option<Land>,
    /// Where in the journal this stands: queries with `atLeast` this see it. Null if there are user
    /// errors.
    position: Option<Position>,
    /// Why nothing was changed; empty if it was.
    user_errors: Vec<UserError>,
}

/// What asking for a land to go led to.
#[derive(SimpleObject)]
struct DeleteLandPayload {
    /// Where in the journal this stands: queries with `atLeast` this see it. Null if there are user
    /// errors.
    position: Option<Position>,
    /// Why nothing was changed; empty if it was.
    user_errors: Vec<UserError>,
}

/// What one may do about lands.
#[derive(Default)]
pub(in crate::graphql) struct LandMutations;

#[Object]
impl LandMutations {
    /// Makes a land. For those who have signed in; members, operators and admins.
    async fn create_land(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to be about.")] input: CreateLandInput,
    ) -> Result<Option<LandPayload>> {
        let user = access::signed_in(ctx)?;
        let sketch = Sketch {
            name: input.name,
            description: input.description.unwrap_or_default(),
            languages: input.languages.unwrap_or_default(),
            terms: input.terms.unwrap_or_default(),
            start_urls: input.start_urls.unwrap_or_default(),
        };
        let asked = asking::once(ctx, user, input.idempotency_key, &json!(sketch));
        let command = LandCommand::CreateLand { owner: user.user, sketch };
        let id = LandId((sides(ctx).ids)());
        Ok(Some(told(ctx, user, execute(ctx, id, command, asked).await?).await))
    }

    /// Changes what a land is about; its crawls stay as they are. For those who have signed in; its
    /// owner, operators and admins.
    async fn change_land(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which land, and what is to be different.")] input: ChangeLandInput,
    ) -> Result<Option<LandPayload>> {
        let user = access::signed_in(ctx)?;
        let said = json!({
            "id": *input.id,
            "name": input.name,
            "description": input.description,
            "languages": input.languages,
            "addTerms": input.add_terms,
            "removeTerms": input.remove_terms,
            "addStartUrls": input.add_start_urls,
            "removeStartUrls": input.remove_start_urls,
        });
        let outcome = match input.id.parse::<LandId>() {
            Ok(id) => {
                let change = LandChange {
                    name: input.name,
                    description: input.description,
                    languages: input.languages,
                    terms_added: input.add_terms.unwrap_or_default(),
                    terms_removed: input.remove_terms.unwrap_or_default(),
                    start_urls_added: input.add_start_urls.unwrap_or_default(),
                    start_urls_removed: input.remove_start_urls.unwrap_or_default(),
                };
                let asked = asking::once(ctx, user, input.idempotency_key, &said);
                execute(ctx, id, LandCommand::ChangeLand(change), asked).await?
            }
            Err(_) => Err(NO_SUCH_LAND),
        };
        Ok(Some(told(ctx, user, outcome).await))
    }

    /// Deletes a land; its crawls stay. For those who have signed in; its owner, operators and
    /// admins.
    async fn delete_land(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which land.")] input: DeleteLandInput,
    ) -> Result<Option<DeleteLandPayload>> {
        let user = access::signed_in(ctx)?;
        let said = json!({ "id": *input.id });
        let outcome = match input.id.parse::<LandId>() {
            Ok(id) => {
                let asked = asking::once(ctx, user, input.idempotency_key, &said);
                execute(ctx, id, LandCommand::DeleteLand, asked).await?
            }
            Err(_) => Err(NO_SUCH_LAND),
        };
        Ok(Some(match outcome {
            Ok(accepted) => DeleteLandPayload {
                position: Some(Position(accepted.position)),
                user_errors: Vec::new(),
            },
            Err(refusal) => {
                DeleteLandPayload { position: None, user_errors: vec![(&refusal).into()] }
            }
        }))
    }
}

const NO_SUCH_LAND: Refusal = Refusal::NotFound { what: "land" };

async fn execute(
    ctx: &Context<'_>,
    id: LandId,
    command: LandCommand,
    asked: Asked,
) -> Result<std::result::Result<Accepted, Refusal>> {
    match sides(ctx).commands.execute(Command::Land(id, command), asked).await {
        Ok(accepted) => Ok(Ok(accepted)),
        Err(CommandError::Refused(refusal)) => Ok(Err(refusal)),
        Err(error) => Err(error.into()),
    }
}

async fn told(
    ctx: &Context<'_>,
    user: &SignedIn,
    outcome: std::result::Result<Accepted, Refusal>,
) -> LandPayload {
    match outcome {
        Ok(accepted) => LandPayload {
            land: read_back(ctx, user, &accepted).await,
            position: Some(Position(accepted.position)),
            user_errors: Vec::new(),
        },
        Err(refusal) => {
            LandPayload { land: None, position: None, user_errors: vec![(&refusal).into()] }
        }
    }
}

/// What was done is done, whether or not it can be shown: whatever goes wrong here is no error of
/// the command.
async fn read_back(ctx: &Context<'_>, user: &SignedIn, accepted: &Accepted) -> Option<Land> {
    let sides = sides(ctx);
    let id = accepted.land()?;
    let read = async {
        position::patiently(sides, Lands::TABLES, accepted.position)
            .await?
            .map_err(crate::graphql::fault::Fault::NotReached)?;
        Ok(sides.reader.land(id, user.eyes()).await?)
    };
    let read: Result<_> = read.await;
    match read {
        Ok(row) => row.map(Land::from),
        Err(fault) => {
            tracing::warn!(land = %id, ?fault, "the answer to a command is without its land");
            None
        }
    }
}
