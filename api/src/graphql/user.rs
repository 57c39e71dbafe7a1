//! People with an account.

use async_graphql::{Context, Enum, ID, Object};
use domain::UserId;

use super::{
    access,
    account::{ApiToken, Session},
    fault::Result,
    loaders,
    scalar::DateTime,
    sides,
};
use crate::viewer::{SignedIn, role_of};

/// What somebody is trusted with.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::actor::Role")]
pub(super) enum Role {
    /// Everything.
    Admin,
    /// Sees and steers every job.
    Operator,
    /// Creates jobs, sees and steers their own.
    Member,
    /// Sees their own jobs.
    Viewer,
}

/// Somebody with an account, of whom only the id is known so far.
#[derive(Clone)]
pub(super) struct User(UserId);

impl User {
    pub(super) fn new(id: UserId) -> Self {
        Self(id)
    }
}

/// Somebody with an account.
#[Object]
impl User {
    /// Names them in events and everywhere else; a UUID.
    pub(super) async fn id(&self) -> ID {
        self.0.0.into()
    }

    /// What they sign in with. For themselves, admins and operators; null for others.
    async fn email(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.account(ctx).await?.map(|it| it.email.to_string()))
    }

    /// What they may do. For themselves, admins and operators; null for others.
    async fn role(&self, ctx: &Context<'_>) -> Result<Option<Role>> {
        Ok(self.account(ctx).await?.map(|it| role_of(it.role).into()))
    }

    /// Since when they come in no more. For themselves, admins and operators; null for others.
    async fn disabled_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.account(ctx).await?.and_then(|it| it.disabled_at).map(DateTime))
    }

    /// Their sessions that have not ended, the newest first. For themselves; null for others.
    #[graphql(complexity = "10 * child_complexity + 1")]
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Option<Vec<Session>>> {
        let Some(viewer) = self.oneself(ctx) else { return Ok(None) };
        let sides = sides(ctx);
        let sessions = sides.identity.sessions(self.0.0, sides.commands.now()).await?;
        let shown = sessions.into_iter().map(|it| Session::new(it, it.id == viewer.session));
        Ok(Some(shown.collect()))
    }

    /// Their tokens that are not revoked, the newest first. For themselves; null for others.
    #[graphql(complexity = "10 * child_complexity + 1")]
    async fn api_tokens(&self, ctx: &Context<'_>) -> Result<Option<Vec<ApiToken>>> {
        if self.oneself(ctx).is_none() {
            return Ok(None);
        }
        let tokens = sides(ctx).identity.own_tokens(self.0.0).await?;
        Ok(Some(tokens.into_iter().map(ApiToken::from).collect()))
    }

    /// Since when. For themselves, admins and operators; null for others.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.account(ctx).await?.map(|it| DateTime(it.created_at)))
    }
}

impl User {
    /// Whoever is asking, if it is them and they have signed in.
    fn oneself<'a>(&self, ctx: &Context<'a>) -> Option<&'a SignedIn> {
        access::in_session(ctx).ok().filter(|it| it.user == self.0)
    }

    /// The account, for those who may look at it.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<identity::User>> {
        let viewer = access::viewer(ctx);
        let allowed = viewer.is_some_and(|it| it.user == self.0 || it.role.sees_all());
        if !allowed {
            return Ok(None);
        }
        loaders::user(ctx, self.0).await
    }
}

/// Questions about who is asking.
#[derive(Default)]
pub(super) struct UserQueries;

#[Object]
impl UserQueries {
    /// Whoever is asking. Public: null for somebody who has not signed in.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<User> {
        access::viewer(ctx).map(|it| User::new(it.user))
    }
}
