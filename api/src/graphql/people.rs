//! Other people's accounts: who has one, and what an administrator does about
//! them.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::UserId;

use super::{
    access,
    account::{AccountPayload, Language, on_behalf_of, uuid},
    fault::{Fault, Result},
    paging::{PageInfo, count, limit},
    sides,
    user::{Role, User},
};
use crate::accounts::word_of;

/// Who may have an account, apart from those for whom an administrator makes one.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "identity::Admission")]
enum Registration {
    /// Whoever wants to.
    Open,
    /// Those who were invited.
    Invited,
    /// Nobody.
    Closed,
}

/// People with an account, or part of them.
#[derive(SimpleObject)]
struct UserConnection {
    /// The people, oldest accounts first.
    nodes: Vec<User>,
    /// Where these stand among the others.
    page_info: PageInfo,
    /// How many there are.
    total_count: i32,
}

/// Who is to be asked to join.
#[derive(InputObject)]
struct InviteUserInput {
    /// Where the letter goes, and what they will sign in with.
    email: String,
    /// What they will be trusted with.
    role: Role,
    /// What the letter is written in.
    #[graphql(default_with = "Language::En")]
    language: Language,
}

/// What somebody is to be trusted with.
#[derive(InputObject)]
struct ChangeRoleInput {
    /// Who.
    id: ID,
    /// With what.
    role: Role,
}

/// Who is to come in no more.
#[derive(InputObject)]
struct DisableUserInput {
    /// Who.
    id: ID,
}

/// Who may come in again.
#[derive(InputObject)]
struct EnableUserInput {
    /// Who.
    id: ID,
}

/// Questions about people.
#[derive(Default)]
pub(super) struct PeopleQueries;

#[Object]
impl PeopleQueries {
    /// Who may have an account here. Public.
    async fn registration(&self, ctx: &Context<'_>) -> Registration {
        sides(ctx).identity.registration().into()
    }

    /// All people with an account, oldest first. For admins.
    #[graphql(complexity = "count(first, None) * child_complexity + 1")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 50, or up to 100.")] first: Option<i32>,
        #[graphql(desc = "Those after this cursor.")] after: Option<String>,
    ) -> Result<UserConnection> {
        access::admin(ctx)?;
        let limit = usize::try_from(limit("first", first)?).unwrap_or_default();
        let all = sides(ctx).identity.list_users().await?;
        let start = match &after {
            None => 0,
            Some(cursor) => {
                let id = place(cursor)?;
                all.iter().position(|it| it.id == id).map_or(all.len(), |it| it + 1)
            }
        };
        let shown: Vec<_> = all.iter().skip(start).take(limit).map(|it| it.id).collect();
        Ok(UserConnection {
            page_info: PageInfo {
                has_previous_page: 0 < start,
                has_next_page: start + shown.len() < all.len(),
                start_cursor: shown.first().map(|it| URL_SAFE_NO_PAD.encode(it)),
                end_cursor: shown.last().map(|it| URL_SAFE_NO_PAD.encode(it)),
            },
            nodes: shown.into_iter().map(|it| User::new(UserId(it))).collect(),
            total_count: i32::try_from(all.len()).unwrap_or(i32::MAX),
        })
    }
}

fn place(cursor: &str) -> Result<uuid::Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let id = bytes.and_then(|it| uuid::Uuid::from_slice(&it).ok());
    id.ok_or_else(|| Fault::bad_input("after", "a cursor of this list"))
}

/// What one may do about other people's accounts.
#[derive(Default)]
pub(super) struct PeopleMutations;

#[Object]
impl PeopleMutations {
    /// Asks somebody to join, by mail; again, if they have not come yet. For admins.
    async fn invite_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is to be asked to join.")] input: InviteUserInput,
    ) -> Result<Option<AccountPayload>> {
        let admin = access::admin(ctx)?;
        let (identity, now) = (on_behalf_of(ctx, admin), sides(ctx).commands.now());
        let role = word_of(input.role.into());
        let invited = identity.invite(&input.email, role, input.language.into(), now).await;
        AccountPayload::of(invited.map(|it| Some(UserId(it.id)))).map(Some)
    }

    /// Trusts somebody with something else. Their sockets close, and open again as what they are
    /// now. For admins.
    async fn change_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What somebody is to be trusted with.")] input: ChangeRoleInput,
    ) -> Result<Option<AccountPayload>> {
        let admin = access::admin(ctx)?;
        let (identity, now) = (on_behalf_of(ctx, admin), sides(ctx).commands.now());
        let role = word_of(input.role.into());
        let changed = identity.set_role(uuid(&input.id)?, role, now).await;
        AccountPayload::of(changed.map(|it| Some(UserId(it.id)))).map(Some)
    }

    /// Lets somebody come in no more: their sessions end, their tokens open nothing, their sockets
    /// close within a second. For admins.
    async fn disable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is to come in no more.")] input: DisableUserInput,
    ) -> Result<Option<AccountPayload>> {
        let admin = access::admin(ctx)?;
        let (identity, now) = (on_behalf_of(ctx, admin), sides(ctx).commands.now());
        let disabled = identity.disable_user(uuid(&input.id)?, now).await;
        AccountPayload::of(disabled.map(|it| Some(UserId(it.id)))).map(Some)
    }

    /// Lets somebody sign in again. For admins.
    async fn enable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who may come in again.")] input: EnableUserInput,
    ) -> Result<Option<AccountPayload>> {
        let admin = access::admin(ctx)?;
        let (identity, now) = (on_behalf_of(ctx, admin), sides(ctx).commands.now());
        let enabled = identity.enable_user(uuid(&input.id)?, now).await;
        AccountPayload::of(enabled.map(|it| Some(UserId(it.id)))).map(Some)
    }
}
