//! The table `session`: signing in, and whether a session stands.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::Identity;
use crate::access::Bearing;
use crate::email::Email;
use crate::error::{IdentityError, Refusal};
use crate::ledger::{Author, Happening, Subject};
use crate::password::{PASSWORD_BYTES_MAX, Verdict};
use crate::role::Role;
use crate::rotation;
use crate::secret::{AccessToken, RefreshToken};
use crate::throttle;
use crate::user::User;

/// What signing in or refreshing gives.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: AccessToken,
    /// Takes the place of the one before, if there was one.
    pub refresh: RefreshToken,
    pub access_expires_at: DateTime<Utc>,
    pub user: User,
}

/// What is known of a session when one of its tokens is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) user: Uuid,
    pub(crate) role: Role,
    pub(crate) user_disabled: bool,
    pub(crate) ended: bool,
    pub(crate) expires_at: DateTime<Utc>,
}

/// A session as the tokens made for it need it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) id: Uuid,
    pub(crate) expires_at: DateTime<Utc>,
}

struct Credential {
    user: User,
    hash: String,
    changed_at: DateTime<Utc>,
    /// The version of the account that this is of.
    seen: u64,
}

impl Identity {
    /// Starts a session. The refusal is the same, and takes as long, whether
    /// the e-mail or the password is wrong.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        now: DateTime<Utc>,
    ) -> Result<Tokens, IdentityError> {
        // Neither can belong to anybody, as whoever typed it can know.
        let email = Email::parse(email).map_err(|_| Refusal::InvalidCredentials)?;
        if PASSWORD_BYTES_MAX < password.len() {
            return Err(Refusal::InvalidCredentials.into());
        }
        throttle::count_password(&self.db, (&email, self.address), now).await?;
        let credential = self.credential(&email).await?;
        let hash = credential.as_ref().map(|it| it.hash.as_str());
        let verdict = self.hasher.verify(password, hash).await?;
        let Some(credential) = credential.filter(|_| verdict != Verdict::Wrong) else {
            return Err(Refusal::InvalidCredentials.into());
        };
        throttle::clear_password(&self.db, (&email, self.address)).await?;
        if credential.user.disabled_at.is_some() {
            return Err(Refusal::UserDisabled.into());
        }
        if verdict == Verdict::RightButOutdated {
            self.renew_hash(&credential, password).await?;
        }
        let Credential { user: User { id, role, .. }, seen, .. } = credential;
        let mut tx = postgres::begin(&self.db).await?;
        let session = self.open(&mut tx, &credential, now).await?;
        let tokens = self.make_tokens(&mut tx, session, credential.user, now).await?;
        tx.commit().await?;
        let what = Happening::SessionStarted { session: session.id, seen };
        self.record(Author::User { id, role }, Subject::Account(id), what, now).await.map_err(
            |error| match error {
                // Between the look and the record, the password was changed or
                // the user disabled.
                IdentityError::Refused(_) => Refusal::InvalidCredentials.into(),
                IdentityError::Contended
                | IdentityError::Unavailable(_)
                | IdentityError::Broken(_) => error,
            },
        )?;
        Ok(tokens)
    }

    /// Whether it is the user's password; guesses are counted.
    pub(crate) async fn check_password(
        &self,
        user: Uuid,
        password: &str,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        let user = self.known(user).await?;
        throttle::count_password(&self.db, (&user.email, self.address), now).await?;
        let credential = self.credential(&user.email).await?;
        let right = match &credential {
            Some(it) if password.len() <= PASSWORD_BYTES_MAX => {
                self.hasher.verify(password, Some(&it.hash)).await? != Verdict::Wrong
            }
            Some(_) | None => false,
        };
        if !right {
            return Err(Refusal::PasswordWrong.into());
        }
        throttle::clear_password(&self.db, (&user.email, self.address)).await
    }

    pub(crate) async fn standing(
        &self,
        session: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Standing, IdentityError> {
        if let Some(standing) = self.sessions.get(&session, now) {
            return Ok(standing);
        }
        let asking = self.sessions.asking();
        let standing = sqlx::query_as!(
            Standing,
            r#"select u.id as user, u.role as "role: Role", s.expires_at,
                   u.disabled_at is not null as "user_disabled!",
                   s.ended_at is not null as "ended!"
               from session s join app_user u on u.id = s.user_id
               where s.id = $1 and s.activated_at is not null"#,
            session,
        )
        .fetch_optional(&self.db)
        .await?
        .ok_or(Refusal::SessionEnded)?;
        self.sessions.put(asking, &session, standing, now);
        Ok(standing)
    }

    /// A pair of tokens for a session. The refresh token is good once the
    /// transaction is committed.
    pub(crate) async fn make_tokens(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        session: Open,
        user: User,
        now: DateTime<Utc>,
    ) -> Result<Tokens, IdentityError> {
        let idle_at = session.expires_at.min(now + self.settings.session_idle);
        let refresh = rotation::issue(tx, session.id, idle_at, now).await?;
        let until = session.expires_at.min(now + self.settings.access_lifetime);
        let bearing = Bearing::Session { session: session.id, user: user.id, role: user.role };
        let (access, access_expires_at) = self.signer.sign(bearing, now, until)?;
        Ok(Tokens { access, refresh, access_expires_at, user })
    }

    async fn credential(&self, email: &Email) -> Result<Option<Credential>, IdentityError> {
        let row = sqlx::query!(
            r#"select u.id, u.email as "email: Email", u.role as "role: Role", u.created_at,
                   u.disabled_at, u.applied_version, p.hash, p.changed_at
               from app_user u join password p on p.user_id = u.id
               where u.email = $1 and u.activated_at is not null"#,
            email.as_str(),
        )
        .fetch_optional(&self.db)
        .await?;
        Ok(row.map(|it| Credential {
            user: User {
                id: it.id,
                email: it.email,
                role: it.role,
                created_at: it.created_at,
                disabled_at: it.disabled_at,
            },
            hash: it.hash,
            changed_at: it.changed_at,
            seen: it.applied_version.cast_unsigned(),
        }))
    }

    /// The same password under the parameters of now; `changed_at` stays. Not
    /// if the password was changed in the meantime.
    async fn renew_hash(
        &self,
        credential: &Credential,
        password: &str,
    ) -> Result<(), IdentityError> {
        sqlx::query!(
            "update password set hash = $3 where user_id = $1 and hash = $2",
            credential.user.id,
            credential.hash,
            self.hasher.hash(password).await?,
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// Provided that the password just verified still is the user's: the row
    /// stays locked until the session is there for whoever ends them all.
    async fn open(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        credential: &Credential,
        now: DateTime<Utc>,
    ) -> Result<Open, IdentityError> {
        let user = credential.user.id;
        sqlx::query_scalar!(
            "select u.id from app_user u join password p on p.user_id = u.id
             where u.id = $1 and u.disabled_at is null and p.changed_at = $2
             for share",
            user,
            credential.changed_at,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(Refusal::InvalidCredentials)?;
        let session =
            Open { id: crate::new_id(now), expires_at: now + self.settings.session_lifetime };
        sqlx::query!(
            "insert into session (id, user_id, created_at, expires_at) values ($1, $2, $3, $4)",
            session.id,
            user,
            now,
            session.expires_at,
        )
        .execute(&mut **tx)
        .await?;
        Ok(session)
    }
}

/// It was recorded: its tokens are good from now on.
pub(crate) async fn activate(
    tx: &mut PgConnection,
    session: Uuid,
    at: DateTime<Utc>,
) -> Result<(), IdentityError> {
    sqlx::query!("update session set activated_at = $2 where id = $1", session, at)
        .execute(tx)
        .await?;
    Ok(())
}

/// One of the user's.
pub(crate) async fn end(
    tx: &mut PgConnection,
    (user, session): (Uuid, Uuid),
    reason: &str,
    at: DateTime<Utc>,
) -> Result<(), IdentityError> {
    sqlx::query!(
        "update session set ended_at = $3, end_reason = $4
         where id = $2 and user_id = $1 and ended_at is null",
        user,
        session,
        at,
        reason,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// All of the user's but one. One that is about to begin is left to the ledger,
/// which knows what came first.
pub(crate) async fn end_all(
    tx: &mut PgConnection,
    (user, kept): (Uuid, Option<Uuid>),
    reason: &str,
    at: DateTime<Utc>,
) -> Result<(), IdentityError> {
    sqlx::query!(
        "update session set ended_at = $3, end_reason = $4
         where user_id = $1 and id is distinct from $2 and ended_at is null
             and activated_at is not null",
        user,
        kept,
        at,
        reason,
    )
    .execute(tx)
    .await?;
    Ok(())
}
