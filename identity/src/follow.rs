//! From what was recorded to what is in the tables.
//!
//! Each account and each client has a row that says how many of its events the
//! tables have taken in. [`Identity::follow`] takes in the rest, in order, in
//! one transaction under the lock of that row: whoever comes second finds
//! nothing left to do. So it does not matter who applies an event, or how
//! often: the one that had it recorded does so at once, and the keeper of
//! another process if that one has died.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::Identity;
use crate::error::IdentityError;
use crate::ledger::{Author, Entry, Happening, PasswordChange, Registration, Subject, Told};
use crate::session;

impl Identity {
    /// Records what is about to happen, then lets it take effect.
    pub(crate) async fn record(
        &self,
        by: Author,
        subject: Subject,
        what: Happening,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        let begins = matches!(what, Happening::SessionStarted { .. });
        self.ledger.record(Entry { by, subject, what, at: now }).await?;
        self.follow(subject).await?;
        // Also if the keeper has let it take effect already: what this process
        // believes is its own, and whoever asked is answered now.
        if !begins {
            self.forget();
        }
        Ok(())
    }

    /// Lets everything that was recorded of a subject take effect. What this
    /// process believed of it is forgotten.
    pub async fn follow(&self, subject: Subject) -> Result<(), IdentityError> {
        match subject {
            Subject::Account(id) => self.follow_account(id).await,
            Subject::Client(id) => self.follow_client(id).await,
        }
    }

    /// What a follower that has seen `version` of a subject need not do again.
    pub async fn has_taken_in(
        &self,
        subject: Subject,
        version: u64,
    ) -> Result<bool, IdentityError> {
        let applied = match subject {
            Subject::Account(id) => applied_to_account(&self.db, id).await?,
            Subject::Client(id) => self.applied_to_client(id).await?,
        };
        Ok(applied.is_none_or(|it| version <= it))
    }

    async fn follow_account(&self, user: Uuid) -> Result<(), IdentityError> {
        let Some(applied) = applied_to_account(&self.db, user).await? else { return Ok(()) };
        let told = self.ledger.after(Subject::Account(user), applied).await?;
        if told.is_empty() {
            return Ok(());
        }
        let mut tx = postgres::begin(&self.db).await?;
        let locked = sqlx::query_scalar!(
            "select applied_version from app_user where id = $1 for update",
            user,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(locked) = locked else { return Ok(()) };
        let mut applied = locked.cast_unsigned();
        for told in &told {
            if told.version == applied + 1 {
                apply(&mut tx, user, told).await?;
                applied = told.version;
            }
        }
        sqlx::query!(
            "update app_user set applied_version = $2 where id = $1",
            user,
            applied.cast_signed(),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        // A beginning changes nothing that anybody believes.
        if !told.iter().all(|it| matches!(it.what, Happening::SessionStarted { .. })) {
            self.forget();
        }
        Ok(())
    }
}

async fn applied_to_account(db: &PgPool, user: Uuid) -> Result<Option<u64>, IdentityError> {
    let applied = sqlx::query_scalar!("select applied_version from app_user where id = $1", user)
        .fetch_optional(db)
        .await?;
    Ok(applied.map(i64::cast_unsigned))
}

async fn apply(tx: &mut PgConnection, user: Uuid, told: &Told) -> Result<(), IdentityError> {
    let at = told.at;
    match &told.what {
        Happening::Registered { role, by } => {
            register(tx, user, role.as_str(), at).await?;
            join(tx, user, by, told).await
        }
        Happening::Invited { invitation, role } => {
            set_role(tx, user, role.as_str()).await?;
            post_letter(tx, *invitation, told).await
        }
        Happening::RoleChanged { role } => set_role(tx, user, role.as_str()).await,
        Happening::Disabled | Happening::Enabled => stand(tx, user, told).await,
        Happening::PasswordChanged { password, by, kept } => {
            take_password(tx, user, *password, told).await?;
            if let PasswordChange::Reset { reset } = by {
                void_letter(tx, *reset).await?;
            }
            session::end_all(tx, (user, *kept), "password_changed", at).await
        }
        Happening::ResetRequested { reset } => post_letter(tx, *reset, told).await,
        Happening::SessionStarted { session, .. } => session::activate(tx, *session, at).await,
        Happening::SessionEnded { session, why } => {
            session::end(tx, (user, *session), why.as_str(), at).await
        }
        Happening::SessionsEnded { why } => {
            session::end_all(tx, (user, None), why.as_str(), at).await
        }
        Happening::TokenGranted { token, .. } => grant(tx, (user, *token), at).await,
        Happening::TokenRevoked { token } => revoke(tx, (user, *token), at).await,
        // Who they are and how they prove it stays as it is.
        Happening::OwnershipTransferred { .. } => Ok(()),
        Happening::ClientRegistered { .. }
        | Happening::ClientChanged { .. }
        | Happening::ClientQuotasChanged { .. }
        | Happening::SecretRotated { .. }
        | Happening::ClientDisabled => {
            Err(IdentityError::broken("an account was told what happens to clients"))
        }
    }
}

async fn register(
    tx: &mut PgConnection,
    user: Uuid,
    role: &str,
    at: DateTime<Utc>,
) -> Result<(), IdentityError> {
    sqlx::query!(
        "update app_user set role = $2, activated_at = coalesce(activated_at, $3)
         where id = $1",
        user,
        role,
        at,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Who was invited has chosen a password.
async fn join(
    tx: &mut PgConnection,
    user: Uuid,
    by: &Registration,
    told: &Told,
) -> Result<(), IdentityError> {
    match by {
        Registration::Invitation { invitation, password } => {
            take_password(tx, user, *password, told).await?;
            void_letter(tx, *invitation).await
        }
        Registration::First
        | Registration::Admin
        | Registration::Open
        | Registration::Migration => Ok(()),
    }
}

async fn grant(
    tx: &mut PgConnection,
    (user, token): (Uuid, Uuid),
    at: DateTime<Utc>,
) -> Result<(), IdentityError> {
    sqlx::query!(
        "update personal_token set activated_at = $3 where id = $1 and user_id = $2",
        token,
        user,
        at,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn revoke(
    tx: &mut PgConnection,
    (user, token): (Uuid, Uuid),
    at: DateTime<Utc>,
) -> Result<(), IdentityError> {
    sqlx::query!(
        "update personal_token set revoked_at = $3 where id = $1 and user_id = $2",
        token,
        user,
        at,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn set_role(tx: &mut PgConnection, user: Uuid, role: &str) -> Result<(), IdentityError> {
    sqlx::query!("update app_user set role = $2, leaving_at = null where id = $1", user, role)
        .execute(tx)
        .await?;
    Ok(())
}

/// Disabled, or enabled again.
async fn stand(tx: &mut PgConnection, user: Uuid, told: &Told) -> Result<(), IdentityError> {
    let disabled_at = (told.what == Happening::Disabled).then_some(told.at);
    sqlx::query!(
        "update app_user
         set disabled_at = case when $2::timestamptz is null then null
                 else coalesce(disabled_at, $2) end,
             leaving_at = null
         where id = $1",
        user,
        disabled_at,
    )
    .execute(&mut *tx)
    .await?;
    if disabled_at.is_none() {
        return Ok(());
    }
    session::end_all(tx, (user, None), "user_disabled", told.at).await
}

/// What was written ahead becomes the password.
async fn take_password(
    tx: &mut PgConnection,
    user: Uuid,
    staged: Uuid,
    told: &Told,
) -> Result<(), IdentityError> {
    sqlx::query!(
        "with staged as (
             delete from staged_password where id = $1 and user_id = $2 returning user_id, hash
         )
         insert into password (user_id, hash, changed_at) select user_id, hash, $3 from staged
         on conflict (user_id) do update set hash = excluded.hash, changed_at = $3",
        staged,
        user,
        told.at,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn post_letter(
    tx: &mut PgConnection,
    letter: Uuid,
    told: &Told,
) -> Result<(), IdentityError> {
    sqlx::query!(
        "update letter set due_at = $2 where id = $1 and due_at is null",
        letter,
        told.at,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What was in it opens nothing any more.
async fn void_letter(tx: &mut PgConnection, letter: Uuid) -> Result<(), IdentityError> {
    sqlx::query!("delete from letter where id = $1", letter).execute(tx).await?;
    Ok(())
}
