//! The tables `app_user` and `password`: who has an account.
//!
//! A user is never deleted, since events name them; one who must not come in
//! any more is disabled. At least one admin always remains: the ledger knows
//! one account at a time, so that rule is kept here, under a lock.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Identity;
use crate::email::Email;
use crate::error::{IdentityError, Refusal};
use crate::keeper::LEAVING_FOR;
use crate::ledger::{Happening, Registration, Subject};
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

    /// The user of that e-mail, also one who has not come yet.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>, IdentityError> {
        let email = Email::parse(email)?;
        let user = sqlx::query_as!(
            User,
            r#"select id, email as "email: Email", role as "role: Role", created_at, disabled_at
               from app_user where email = $1"#,
            email.as_str(),
        )
        .fetch_optional(&self.db)
        .await?;
        Ok(user)
    }

    /// An account for somebody new, made by an administrator.
    pub async fn create_user(
        &self,
        email: &str,
        password: &str,
        role: Role,
        now: DateTime<Utc>,
    ) -> Result<User, IdentityError> {
        let user = self.write_ahead(email, password, role, now).await?;
        let what = Happening::Registered { role, by: Registration::Admin };
        self.record(self.author, Subject::Account(user.id), what, now).await?;
        Ok(user)
    }

    /// The rows of an account that nobody has yet.
    pub(crate) async fn write_ahead(
        &self,
        email: &str,
        password: &str,
        role: Role,
        now: DateTime<Utc>,
    ) -> Result<User, IdentityError> {
        let email = Email::parse(email)?;
        check_rules(password)?;
        let hash = self.hasher.hash(password).await?;
        let mut tx = postgres::begin(&self.db).await?;
        let user = insert(&mut tx, &email, role, now).await?;
        sqlx::query!(
            "insert into password (user_id, hash, changed_at) values ($1, $2, $3)",
            user.id,
            hash,
            now,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Takes effect on every process within moments, for tokens out there too.
    pub async fn set_role(
        &self,
        id: Uuid,
        role: Role,
        now: DateTime<Utc>,
    ) -> Result<User, IdentityError> {
        let what = Happening::RoleChanged { role };
        if role == Role::Admin {
            self.record(self.author, Subject::Account(id), what, now).await?;
        } else {
            self.leave_office(id, what, now).await?;
        }
        self.known(id).await
    }

    /// Ends every session of the user and lets them start no other.
    pub async fn disable_user(&self, id: Uuid, now: DateTime<Utc>) -> Result<User, IdentityError> {
        self.leave_office(id, Happening::Disabled, now).await?;
        self.known(id).await
    }

    /// Lets a disabled user sign in again.
    pub async fn enable_user(&self, id: Uuid, now: DateTime<Utc>) -> Result<User, IdentityError> {
        self.known(id).await?;
        self.record(self.author, Subject::Account(id), Happening::Enabled, now).await?;
        self.known(id).await
    }

    /// Refuses to give anything to somebody who could not come and look at it. Whoever asks is not
    /// told why: that would say who has an account.
    pub async fn check_recipient(&self, id: Uuid) -> Result<(), IdentityError> {
        let comes = sqlx::query_scalar!(
            r#"select exists (
                   select from app_user
                   where id = $1 and activated_at is not null and disabled_at is null
               ) as "comes!""#,
            id,
        )
        .fetch_one(&self.db)
        .await?;
        if comes { Ok(()) } else { Err(Refusal::RecipientUnfit.into()) }
    }

    pub(crate) async fn known(&self, id: Uuid) -> Result<User, IdentityError> {
        Ok(self.user(id).await?.ok_or(Refusal::UserNotFound)?)
    }

    /// Something after which the user may be an admin no more. Marked first,
    /// so that of two who remove each other the second sees the first leaving.
    async fn leave_office(
        &self,
        id: Uuid,
        what: Happening,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        self.known(id).await?;
        self.settle_leaving(now).await?;
        let mut tx = postgres::begin(&self.db).await?;
        refuse_if_last_admin(&mut tx, id, now).await?;
        sqlx::query!("update app_user set leaving_at = $2 where id = $1", id, now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        let recorded = self.record(self.author, Subject::Account(id), what, now).await;
        // What is not known to have been recorded may have been: the mark stays
        // until somebody has looked.
        if matches!(recorded, Ok(()) | Err(IdentityError::Refused(_) | IdentityError::Contended)) {
            sqlx::query!("update app_user set leaving_at = null where id = $1", id)
                .execute(&self.db)
                .await?;
        }
        recorded
    }

    /// Who was about to leave for long has left or has not: what was recorded
    /// takes effect, and nothing else will be.
    async fn settle_leaving(&self, now: DateTime<Utc>) -> Result<(), IdentityError> {
        let leaving = sqlx::query_scalar!(
            "select id from app_user where leaving_at <= $1",
            now - LEAVING_FOR,
        )
        .fetch_all(&self.db)
        .await?;
        for id in leaving {
            self.follow(Subject::Account(id)).await?;
        }
        Ok(())
    }
}

/// Somebody whose e-mail nobody has; in force when it is recorded.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    email: &Email,
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
    .fetch_optional(tx)
    .await?
    .ok_or(Refusal::EmailTaken)?;
    Ok(user)
}

/// Locks all admins: of two who would remove each other, the second sees what
/// the first is about to do.
async fn refuse_if_last_admin(
    tx: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), IdentityError> {
    let staying = sqlx::query!(
        r#"select id, (leaving_at is null or leaving_at <= $1) as "staying!" from app_user
           where role = 'admin' and disabled_at is null and activated_at is not null
           order by id for update"#,
        now - LEAVING_FOR,
    )
    .fetch_all(tx)
    .await?;
    let is_one = staying.iter().any(|it| it.id == id);
    let another_stays = staying.iter().any(|it| it.id != id && it.staying);
    if is_one && !another_stays { Err(Refusal::LastAdmin.into()) } else { Ok(()) }
}
