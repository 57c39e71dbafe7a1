//! Whom the demonstration signs in as: an account and a worker token of its
//! own, made anew each time.

use anyhow::Context;
use identity::{Identity, Role, WorkerServices};

use crate::system::{now, secret};

/// What it signs in with.
pub(super) const EMAIL: &str = "demo@localhost.localdomain";

/// The demonstration's own account.
pub(super) struct Account {
    identity: Identity,
    password: String,
}

impl Account {
    /// Gives the account a new password; makes it if it is not there.
    pub(super) async fn open(identity: &Identity) -> anyhow::Result<Self> {
        let password = secret();
        let users = identity.list_users().await.context("cannot look for the account")?;
        match users.iter().find(|it| it.email.as_str() == EMAIL) {
            Some(user) => identity.set_password(user.id, &password, now()).await.map(drop),
            None => identity.create_user(EMAIL, &password, Role::Member, now()).await.map(drop),
        }
        .context("cannot make the account")?;
        Ok(Self { identity: identity.clone(), password })
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// Good for a quarter of an hour.
    pub(super) async fn access_token(&self) -> anyhow::Result<String> {
        let tokens = self.identity.sign_in(EMAIL, &self.password, now()).await;
        Ok(tokens.context("cannot sign in")?.access.expose().to_owned())
    }

    /// Good for the service `checksum`. Those of earlier demonstrations are
    /// revoked: their workers are gone.
    pub(super) async fn worker_token(&self) -> anyhow::Result<String> {
        const NAME: &str = "demonstration";
        let tokens = self.identity.list_worker_tokens().await.context("cannot look for tokens")?;
        for old in tokens.iter().filter(|it| it.name == NAME && it.revoked_at.is_none()) {
            let revoked = self.identity.revoke_worker_token(old.id, now()).await;
            revoked.context("cannot revoke a worker token")?;
        }
        let services = WorkerServices::Named(vec!["checksum".to_owned()]);
        let made = self.identity.create_worker_token(NAME, &services, None, now()).await;
        let (_, token) = made.context("cannot make a worker token")?;
        Ok(token.expose().to_owned())
    }
}
