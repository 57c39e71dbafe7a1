//! The tables `app_user` and `password`: who has an account.
//!
//! A user is never deleted, since events name them; one who must not come in
//! any more is disabled. At least one admin always remains.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::Identity;
use crate::email::Email;
use crate::error::{IdentityError, Refusal};
use crate::password::check_rules;
use crate::role::Role;

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: Uuid,
    pub email: Email,
    pub role: Role,
    pub created_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
}

impl Identity {
    /// The user of that id, also a disabled one.
    pub async fn user(&self, id: Uuid) -> Result<Option<User>, IdentityError> {
        let user = sqlx::query_as!(
            User,
            r#"select id, email as "email: Email", role as "role: Role", created_at, disabled_at
               from app_user where id = $1"#,
            id,
        )
        .fetch_optional(&self.db)
        .await?;
        Ok(user)
    }

    /// Those users of these ids that there are, also disabled ones.
    pub async fn users(&self, ids: &[Uuid]) -> Result<Vec<User>, IdentityError> {
        let users = sqlx::query_as!(
            User,
            r#"select id, email as "email: Email", role as "role: Role", created_at, disabled_at
               from app_user where id = any($1)"#,
            ids,
        )
        .fetch_all(&self.db)
        .await?;
        Ok(users)
    }

    /// All users, oldest first.
    pub async fn list_users(&self) -> Result<Vec<User>, IdentityError> {
        let users = sqlx::query_as!(
            User,
            r#"select id, email as "email: Email", role as "role: Role", created_at, disabled_at
               from app_user order by created_at, id"#,
        )
        .fetch_all(&self.db)
        .await?;
        Ok(users)
    }

    /// An account for somebody new.
    pub async fn create_user(
        &self,
        email: &str,
        password: &str,
        role: Role,
        now: DateTime<Utc>,
    ) -> Result<User, IdentityError> {
        let email = Email::parse(email)?;
        check_rules(password)?;
        let hash = self.hasher.hash(password).await?;
        let mut tx = self.db.begin().await?;
        let user = insert(&mut tx, (&email, &hash), role, now).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Takes effect on every process within moments, for tokens out there too.
    pub async fn set_role(&self, id: Uuid, role: Role) -> Result<User, IdentityError> {
        let mut tx = self.db.begin().await?;
        if role != Role::Admin {
            refuse_if_last_admin(&mut tx, id).await?;
        }
        let user = sqlx::query_as!(
            User,
            r#"update app_user set role = $2 where id = $1
               returning id, email as "email: Email", role as "role: Role", created_at,
                   disabled_at"#,
            id,
            role.as_str(),
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Refusal::UserNotFound)?;
        tx.commit().await?;
        self.sessions.forget_all();
        Ok(user)
    }

    /// Ends every session of the user and lets them start no other.
    pub async fn disable_user(&self, id: Uuid, now: DateTime<Utc>) -> Result<User, IdentityError> {
        let mut tx = self.db.begin().await?;
        refuse_if_last_admin(&mut tx, id).await?;
        let user = sqlx::query_as!(
            User,
            r#"update app_user set disabled_at = coalesce(disabled_at, $2) where id = $1
               returning id, email as "email: Email", role as "role: Role", created_at,
                   disabled_at"#,
            id,
            now,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Refusal::UserNotFound)?;
        end_sessions(&mut tx, id, "user_disabled", now).await?;
        tx.commit().await?;
        self.sessions.forget_all();
        Ok(user)
    }

    /// Lets a disabled user sign in again.
    pub async fn enable_user(&self, id: Uuid) -> Result<User, IdentityError> {
        let user = sqlx::query_as!(
            User,
            r#"update app_user set disabled_at = null where id = $1
               returning id, email as "email: Email", role as "role: Role", created_at,
                   disabled_at"#,
            id,
        )
        .fetch_optional(&self.db)
        .await?
        .ok_or(Refusal::UserNotFound)?;
        self.sessions.forget_all();
        Ok(user)
    }

    /// Ends every session of the user: whoever knew the old password is out.
    pub async fn set_password(
        &self,
        id: Uuid,
        password: &str,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        check_rules(password)?;
        let hash = self.hasher.hash(password).await?;
        let mut tx = self.db.begin().await?;
        let written = sqlx::query!(
            "insert into password (user_id, hash, changed_at)
             select id, $2, $3 from app_user where id = $1
             on conflict (user_id) do update set hash = $2, changed_at = $3",
            id,
            hash,
            now,
        )
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() == 0 {
            return Err(Refusal::UserNotFound.into());
        }
        end_sessions(&mut tx, id, "password_changed", now).await?;
        tx.commit().await?;
        self.sessions.forget_all();
        Ok(())
    }
}

pub(crate) async fn insert(
    tx: &mut Transaction<'_, Postgres>,
    (email, password_hash): (&Email, &str),
    role: Role,
    now: DateTime<Utc>,
) -> Result<User, IdentityError> {
    let user = sqlx::query_as!(
        User,
        r#"insert into app_user (id, email, role, created_at) values ($1, $2, $3, $4)
           on conflict on constraint app_user_email_key do nothing
           returning id, email as "email: Email", role as "role: Role", created_at, disabled_at"#,
        crate::new_id(now),
        email.as_str(),
        role.as_str(),
        now,
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(Refusal::EmailTaken)?;
    sqlx::query!(
        "insert into password (user_id, hash, changed_at) values ($1, $2, $3)",
        user.id,
        password_hash,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(user)
}

/// Locks all admins: of two who would remove each other, the second sees what
/// the first has done.
async fn refuse_if_last_admin(tx: &mut PgConnection, id: Uuid) -> Result<(), IdentityError> {
    let admins = sqlx::query_scalar!(
        "select id from app_user where role = 'admin' and disabled_at is null
         order by id for update",
    )
    .fetch_all(tx)
    .await?;
    if admins == [id] { Err(Refusal::LastAdmin.into()) } else { Ok(()) }
}

async fn end_sessions(
    tx: &mut PgConnection,
    user: Uuid,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), IdentityError> {
    sqlx::query!(
        "update session set ended_at = $2, end_reason = $3
         where user_id = $1 and ended_at is null",
        user,
        now,
        reason,
    )
    .execute(tx)
    .await?;
    Ok(())
}
