//! The table `personal_token`: what programs of a user come with in the user's
//! name.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::Identity;
use crate::error::{IdentityError, Refusal};
use crate::ledger::{Happening, Subject};
use crate::role::Role;
use crate::secret::{PersonalToken, TokenHash};
use crate::worker_token::{LAST_USED_GRAIN, named};

/// What a personal token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum TokenScope {
    /// To look at what its owner sees.
    Read,
    /// Also to do what its owner may do with jobs.
    Write,
}

impl TokenScope {
    fn as_str(self) -> &'static str {
        match self {
            TokenScope::Read => "read",
            TokenScope::Write => "write",
        }
    }
}

/// What one sees of a token after it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnToken {
    pub id: Uuid,
    pub name: String,
    pub scope: TokenScope,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What is known of a token when it is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) id: Uuid,
    pub(crate) user: Uuid,
    pub(crate) role: Role,
    pub(crate) scope: TokenScope,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) user_disabled: bool,
    pub(crate) revoked: bool,
    last_used_at: Option<DateTime<Utc>>,
}

impl Identity {
    /// The token is answered here and never again.
    pub async fn create_own_token(
        &self,
        user: Uuid,
        name: &str,
        (scope, expires_at): (TokenScope, Option<DateTime<Utc>>),
        now: DateTime<Utc>,
    ) -> Result<(OwnToken, PersonalToken), IdentityError> {
        let name = named(name)?.to_owned();
        let token = PersonalToken::generate()?;
        let id = crate::new_id(now);
        sqlx::query!(
            "insert into personal_token (id, user_id, sha256, name, scope, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
            id,
            user,
            &token.hash()?,
            name,
            scope.as_str(),
            now,
            expires_at,
        )
        .execute(&self.db)
        .await?;
        let what = Happening::TokenGranted { token: id, scope, expires_at };
        self.record(self.author, Subject::Account(user), what, now).await?;
        Ok((OwnToken { id, name, scope, created_at: now, expires_at, last_used_at: None }, token))
    }

    /// Within moments no process lets anybody in by it any more.
    pub async fn revoke_own_token(
        &self,
        user: Uuid,
        token: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        let known = self.own_tokens(user).await?.iter().any(|it| it.id == token);
        if !known {
            return Err(Refusal::TokenNotFound.into());
        }
        let what = Happening::TokenRevoked { token };
        self.record(self.author, Subject::Account(user), what, now).await
    }

    /// The tokens of a user that are not revoked, the newest first.
    pub async fn own_tokens(&self, user: Uuid) -> Result<Vec<OwnToken>, IdentityError> {
        let tokens = sqlx::query_as!(
            OwnToken,
            r#"select id, name, scope as "scope: TokenScope", created_at, expires_at, last_used_at
               from personal_token
               where user_id = $1 and activated_at is not null and revoked_at is null
               order by created_at desc, id desc"#,
            user,
        )
        .fetch_all(&self.db)
        .await?;
        Ok(tokens)
    }

    pub(crate) async fn own_standing(
        &self,
        hash: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Standing, IdentityError> {
        if let Some(standing) = self.own_tokens.get(hash, now) {
            return Ok(standing);
        }
        let asking = self.own_tokens.asking();
        let standing = sqlx::query_as!(
            Standing,
            r#"select t.id, u.id as user, u.role as "role: Role", t.scope as "scope: TokenScope",
                   t.expires_at, u.disabled_at is not null as "user_disabled!",
                   t.revoked_at is not null as "revoked!", t.last_used_at
               from personal_token t join app_user u on u.id = t.user_id
               where t.sha256 = $1 and t.activated_at is not null"#,
            hash,
        )
        .fetch_optional(&self.db)
        .await?
        .ok_or(Refusal::TokenInvalid)?;
        if standing.last_used_at.is_none_or(|at| at <= now - LAST_USED_GRAIN) {
            sqlx::query!(
                "update personal_token set last_used_at = $2
                 where id = $1 and (last_used_at is null or last_used_at <= $3)",
                standing.id,
                now,
                now - LAST_USED_GRAIN,
            )
            .execute(&self.db)
            .await?;
        }
        self.own_tokens.put(asking, hash, standing, now);
        Ok(standing)
    }
}
