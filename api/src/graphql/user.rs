//! People with an account.

use async_graphql::{Context, Enum, ID, Object};
use domain::UserId;

use super::{access, fault::Result, loaders, scalar::DateTime};
use crate::viewer::role_of;

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

    /// Since when. For themselves, admins and operators; null for others.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.account(ctx).await?.map(|it| DateTime(it.created_at)))
    }
}

impl User {
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
