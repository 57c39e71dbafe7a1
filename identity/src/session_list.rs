//! The sessions of a user: which there are, and ending them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::Identity;
use crate::error::{IdentityError, Refusal};
use crate::ledger::{Author, Happening, SessionEnd, Subject};
use crate::user::User;

/// A session that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// When it was carried on last.
    pub refreshed_at: DateTime<Utc>,
}

impl Identity {
    /// The sessions of a user that have not ended, the newest first.
    pub async fn sessions(
        &self,
        user: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Vec<SessionInfo>, IdentityError> {
        let sessions = sqlx::query_as!(
            SessionInfo,
            r#"select s.id, s.created_at, s.expires_at, coalesce(
                   (select max(t.issued_at) from refresh_token t where t.session_id = s.id),
                   s.created_at) as "refreshed_at!"
               from session s
               where s.user_id = $1 and s.ended_at is null and s.activated_at is not null
                   and $2 < s.expires_at
               order by s.created_at desc, s.id desc"#,
            user,
            now,
        )
        .fetch_all(&self.db)
        .await?;
        Ok(sessions)
    }

    /// Ends a session. One that has ended already stays as it is.
    pub async fn sign_out(&self, session: Uuid, now: DateTime<Utc>) -> Result<(), IdentityError> {
        let Some(user) = self.owner_of(session).await? else { return Ok(()) };
        let User { id, role, .. } = self.known(user).await?;
        let what = Happening::SessionEnded { session, why: SessionEnd::SignedOut };
        self.record(Author::User { id, role }, Subject::Account(id), what, now).await
    }

    /// Ends a session of a user, from elsewhere.
    pub async fn revoke_session(
        &self,
        user: Uuid,
        session: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        if self.owner_of(session).await? != Some(user) {
            return Err(Refusal::SessionNotFound.into());
        }
        let what = Happening::SessionEnded { session, why: SessionEnd::Revoked };
        self.record(self.author, Subject::Account(user), what, now).await
    }

    /// Ends all sessions of a user.
    pub async fn sign_out_everywhere(
        &self,
        user: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        self.known(user).await?;
        let what = Happening::SessionsEnded { why: SessionEnd::Revoked };
        self.record(self.author, Subject::Account(user), what, now).await
    }

    /// Whose it is, if it has not ended.
    async fn owner_of(&self, session: Uuid) -> Result<Option<Uuid>, IdentityError> {
        let user = sqlx::query_scalar!(
            "select user_id from session
             where id = $1 and ended_at is null and activated_at is not null",
            session,
        )
        .fetch_optional(&self.db)
        .await?;
        Ok(user)
    }
}
