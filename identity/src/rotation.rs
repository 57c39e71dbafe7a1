//! The table `refresh_token`: carrying a session on, and noticing theft.
//!
//! A refresh token is used once and answered with the next. Of two parties who
//! hold the same one, the second to use it is seen, and since nobody can tell
//! which of them is the thief, the session ends for both.
//!
//! ```text
//!            used             used again, within GRACE
//!   fresh ─────────▶ used ──────────────────────────────▶ another pair
//!     │                │
//!     │ expires        │ used again, later
//!     ▼                ▼
//!   TOKEN_EXPIRED    TOKEN_REUSED, session ended
//! ```
//!
//! The grace is for the client that asks again because the answer was lost, and
//! for two tabs that wake up at once: without it, an unreliable network signs
//! people out. Its price is that a thief who is quicker than [`GRACE`] is not
//! noticed at that use, only at the next time a used token is shown.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::Identity;
use crate::email::Email;
use crate::error::{IdentityError, Refusal};
use crate::ledger::{Author, Happening, SessionEnd, Subject};
use crate::role::Role;
use crate::secret::{RefreshToken, TokenHash};
use crate::session::{Open, Tokens};
use crate::user::User;

/// How long after its first use a token may be used again.
const GRACE: TimeDelta = TimeDelta::seconds(10);

/// A token that was shown, with its session and user.
struct Shown {
    used_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    session: Uuid,
    session_expires_at: DateTime<Utc>,
    session_ended: bool,
    user: Uuid,
    email: Email,
    role: Role,
    created_at: DateTime<Utc>,
    disabled_at: Option<DateTime<Utc>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Rotate,
    Refuse(Refusal),
    EndSession,
}

impl Identity {
    /// The next pair of tokens for the one shown, which is used up by it.
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        now: DateTime<Utc>,
    ) -> Result<Tokens, IdentityError> {
        let hash = token.hash()?;
        let mut tx = postgres::begin(&self.db).await?;
        let shown = look_up(&mut tx, &hash).await?.ok_or(Refusal::TokenInvalid)?;
        match judge(&shown, now) {
            Verdict::Refuse(refusal) => Err(refusal.into()),
            Verdict::EndSession => {
                // The next step needs no lock.
                tx.rollback().await?;
                let what = Happening::SessionEnded {
                    session: shown.session,
                    why: SessionEnd::TokenReused,
                };
                let by = Author::User { id: shown.user, role: shown.role };
                self.record(by, Subject::Account(shown.user), what, now).await?;
                tracing::warn!(
                    session = %shown.session,
                    user = %shown.user,
                    "a refresh token was used twice, session ended"
                );
                Err(Refusal::TokenReused.into())
            }
            Verdict::Rotate => {
                use_up(&mut tx, &hash, shown.session, now).await?;
                let open = Open { id: shown.session, expires_at: shown.session_expires_at };
                let tokens = self.make_tokens(&mut tx, open, shown.into_user(), now).await?;
                tx.commit().await?;
                Ok(tokens)
            }
        }
    }
}

impl Shown {
    fn into_user(self) -> User {
        User {
            id: self.user,
            email: self.email,
            role: self.role,
            created_at: self.created_at,
            disabled_at: self.disabled_at,
        }
    }
}

/// A new token of the session; the caller's transaction makes it good.
pub(crate) async fn issue(
    tx: &mut Transaction<'_, Postgres>,
    session: Uuid,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<RefreshToken, IdentityError> {
    let token = RefreshToken::generate()?;
    sqlx::query!(
        "insert into refresh_token (sha256, session_id, issued_at, expires_at)
         values ($1, $2, $3, $4)",
        &token.hash()?,
        session,
        now,
        expires_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(token)
}

fn judge(shown: &Shown, now: DateTime<Utc>) -> Verdict {
    if shown.disabled_at.is_some() {
        return Verdict::Refuse(Refusal::UserDisabled);
    }
    if shown.session_ended {
        return Verdict::Refuse(Refusal::SessionEnded);
    }
    if shown.used_at.is_some_and(|used_at| GRACE < now - used_at) {
        return Verdict::EndSession;
    }
    if shown.expires_at <= now {
        return Verdict::Refuse(Refusal::TokenExpired);
    }
    Verdict::Rotate
}

/// Locks the token, so that of two who show it one comes first.
async fn look_up(
    tx: &mut Transaction<'_, Postgres>,
    hash: &TokenHash,
) -> Result<Option<Shown>, IdentityError> {
    let shown = sqlx::query_as!(
        Shown,
        r#"select t.used_at, t.expires_at, s.id as session, s.expires_at as session_expires_at,
               s.ended_at is not null as "session_ended!", u.id as user,
               u.email as "email: Email", u.role as "role: Role", u.created_at, u.disabled_at
           from refresh_token t
           join session s on s.id = t.session_id
           join app_user u on u.id = s.user_id
           where t.sha256 = $1 and s.activated_at is not null
           for update of t"#,
        hash,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(shown)
}

/// Marks the token, and drops those of its session that time has made useless.
/// The first use is the one that counts for [`GRACE`].
async fn use_up(
    tx: &mut Transaction<'_, Postgres>,
    hash: &TokenHash,
    session: Uuid,
    now: DateTime<Utc>,
) -> Result<(), IdentityError> {
    sqlx::query!(
        "update refresh_token set used_at = coalesce(used_at, $2) where sha256 = $1",
        hash,
        now,
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "delete from refresh_token where session_id = $1 and expires_at <= $2",
        session,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn fresh() -> Shown {
        Shown {
            used_at: None,
            expires_at: t(1000),
            session: Uuid::nil(),
            session_expires_at: t(5000),
            session_ended: false,
            user: Uuid::nil(),
            email: Email::parse("ada@example.org").unwrap(),
            role: Role::Member,
            created_at: t(0),
            disabled_at: None,
        }
    }

    #[test]
    fn a_fresh_token_rotates_until_it_expires() {
        assert_eq!(judge(&fresh(), t(999)), Verdict::Rotate);
        assert_eq!(judge(&fresh(), t(1000)), Verdict::Refuse(Refusal::TokenExpired));
    }

    #[test]
    fn a_used_token_rotates_within_the_grace_and_ends_the_session_after_it() {
        let used = Shown { used_at: Some(t(100)), ..fresh() };
        assert_eq!(judge(&used, t(110)), Verdict::Rotate);
        assert_eq!(judge(&used, t(111)), Verdict::EndSession);
    }

    #[test]
    fn a_used_token_ends_the_session_also_when_it_has_expired() {
        let used = Shown { used_at: Some(t(100)), ..fresh() };
        assert_eq!(judge(&used, t(1001)), Verdict::EndSession);
    }

    #[test]
    fn nothing_rotates_for_an_ended_session_or_a_disabled_user() {
        let ended = Shown { session_ended: true, ..fresh() };
        assert_eq!(judge(&ended, t(1)), Verdict::Refuse(Refusal::SessionEnded));
        let disabled = Shown { disabled_at: Some(t(0)), ..fresh() };
        assert_eq!(judge(&disabled, t(1)), Verdict::Refuse(Refusal::UserDisabled));
    }
}
