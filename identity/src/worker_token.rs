//! The table `worker_token`: how a worker proves that it may come for work, and
//! for which services.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::Identity;
use crate::client::Quotas;
use crate::error::{IdentityError, Refusal};
use crate::ledger::{ClientKind, Happening, Subject};
use crate::secret::{TokenHash, WorkerToken};

/// How exactly one can tell when a token was last used.
pub(crate) const LAST_USED_GRAIN: TimeDelta = TimeDelta::minutes(1);

const NAME_CHARS_MAX: usize = 100;

/// What people call a token or a client.
pub(crate) fn named(name: &str) -> Result<&str, Refusal> {
    let name = name.trim();
    let chars = name.chars().count();
    if chars == 0 || NAME_CHARS_MAX < chars || name.contains(char::is_control) {
        return Err(Refusal::NameInvalid);
    }
    Ok(name)
}

/// Names a worker token without being it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkerTokenId(pub Uuid);

impl std::fmt::Display for WorkerTokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The services that a worker may work for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerServices {
    /// Those of now and those to come. Never meant by an empty list or a `*`.
    All,
    Named(Vec<String>),
}

impl WorkerServices {
    pub fn allows(&self, service: &str) -> bool {
        match self {
            WorkerServices::All => true,
            WorkerServices::Named(names) => names.iter().any(|name| name == service),
        }
    }

    pub(crate) fn stored(all: bool, names: Vec<String>) -> Self {
        if all { WorkerServices::All } else { WorkerServices::Named(names) }
    }

    /// The column's content: sorted, each name once.
    pub(crate) fn checked(&self) -> Result<Vec<String>, Refusal> {
        let WorkerServices::Named(names) = self else { return Ok(Vec::new()) };
        if names.is_empty() {
            return Err(Refusal::ServicesMissing);
        }
        let mut names = names.clone();
        names.sort();
        names.dedup();
        let refused = |name: &&String| {
            let odd = |it: char| it == '*' || it.is_whitespace() || it.is_control();
            name.is_empty() || NAME_CHARS_MAX < name.chars().count() || name.contains(odd)
        };
        match names.iter().find(refused) {
            Some(name) => Err(Refusal::ServiceNameInvalid { name: name.clone() }),
            None => Ok(names),
        }
    }
}

/// What a worker that showed its token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerGrant {
    pub token_id: WorkerTokenId,
    pub name: String,
    pub services: WorkerServices,
}

/// What one sees of a token after it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerTokenInfo {
    pub id: WorkerTokenId,
    pub name: String,
    pub services: WorkerServices,
    pub created_by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What is known of a token when it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    grant: WorkerGrant,
    revoked: bool,
}

impl Identity {
    /// The token is answered here and never again.
    pub async fn create_worker_token(
        &self,
        name: &str,
        services: &WorkerServices,
        created_by: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> Result<(WorkerTokenId, WorkerToken), IdentityError> {
        let name = named(name)?;
        let names = services.checked()?;
        if let Some(user) = created_by {
            self.user(user).await?.ok_or(Refusal::UserNotFound)?;
        }
        let token = WorkerToken::generate()?;
        let id = crate::new_id(now);
        sqlx::query!(
            "insert into worker_token
                 (id, sha256, name, all_services, services, created_by, created_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
            id,
            &token.hash()?,
            name,
            *services == WorkerServices::All,
            &names,
            created_by,
            now,
        )
        .execute(&self.db)
        .await?;
        let services = WorkerServices::stored(names.is_empty(), names);
        let (kind, quotas) = (ClientKind::Workers, Quotas::default());
        let what = Happening::ClientRegistered { kind, services, quotas };
        self.record(self.author, Subject::Client(id), what, now).await?;
        Ok((WorkerTokenId(id), token))
    }

    /// Whether the token is ours and not revoked.
    pub async fn verify_worker(
        &self,
        token: &WorkerToken,
        now: DateTime<Utc>,
    ) -> Result<WorkerGrant, IdentityError> {
        let hash = token.hash()?;
        let standing = match self.workers.get(&hash, now) {
            Some(standing) => standing,
            None => self.worker_standing(&hash, now).await?,
        };
        if standing.revoked { Err(Refusal::TokenRevoked.into()) } else { Ok(standing.grant) }
    }

    /// Within moments no process lets it in any more. The first time counts.
    pub async fn revoke_worker_token(
        &self,
        id: WorkerTokenId,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        let known = sqlx::query_scalar!("select id from worker_token where id = $1", id.0)
            .fetch_optional(&self.db)
            .await?;
        known.ok_or(Refusal::WorkerTokenNotFound)?;
        self.record(self.author, Subject::Client(id.0), Happening::ClientDisabled, now).await
    }

    /// All tokens, revoked ones too, oldest first.
    pub async fn list_worker_tokens(&self) -> Result<Vec<WorkerTokenInfo>, IdentityError> {
        let rows = sqlx::query!(
            "select id, name, all_services, services, created_by, created_at, revoked_at,
                 last_used_at
             from worker_token where activated_at is not null order by created_at, id",
        )
        .fetch_all(&self.db)
        .await?;
        let tokens = rows.into_iter().map(|it| WorkerTokenInfo {
            id: WorkerTokenId(it.id),
            name: it.name,
            services: WorkerServices::stored(it.all_services, it.services),
            created_by: it.created_by,
            created_at: it.created_at,
            revoked_at: it.revoked_at,
            last_used_at: it.last_used_at,
        });
        Ok(tokens.collect())
    }

    async fn worker_standing(
        &self,
        hash: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Standing, IdentityError> {
        let asking = self.workers.asking();
        let row = sqlx::query!(
            "select id, name, all_services, services, revoked_at, last_used_at
             from worker_token where sha256 = $1 and activated_at is not null",
            hash,
        )
        .fetch_optional(&self.db)
        .await?
        .ok_or(Refusal::TokenInvalid)?;
        let revoked = row.revoked_at.is_some();
        if !revoked && row.last_used_at.is_none_or(|at| at <= now - LAST_USED_GRAIN) {
            self.touch(row.id, now).await?;
        }
        let grant = WorkerGrant {
            token_id: WorkerTokenId(row.id),
            name: row.name,
            services: WorkerServices::stored(row.all_services, row.services),
        };
        let standing = Standing { grant, revoked };
        self.workers.put(asking, hash, standing.clone(), now);
        Ok(standing)
    }

    /// Asks again whether it is time: of many at once, one writes.
    async fn touch(&self, id: Uuid, now: DateTime<Utc>) -> Result<(), IdentityError> {
        sqlx::query!(
            "update worker_token set last_used_at = $2
             where id = $1 and (last_used_at is null or last_used_at <= $3)",
            id,
            now,
            now - LAST_USED_GRAIN,
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> WorkerServices {
        WorkerServices::Named(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn all_services_must_be_said_and_never_slip_in() {
        assert_eq!(named(&[]).checked(), Err(Refusal::ServicesMissing));
        for name in ["*", "check*", "", "two words", "a\0b", &"a".repeat(101)] {
            let refusal = Refusal::ServiceNameInvalid { name: name.to_owned() };
            assert_eq!(named(&["checksum", name]).checked(), Err(refusal));
        }
        assert_eq!(WorkerServices::All.checked(), Ok(vec![]));
    }

    #[test]
    fn named_services_are_kept_once_and_allow_only_themselves() {
        let services = named(&["ocr", "checksum", "ocr"]);
        assert_eq!(services.checked(), Ok(vec!["checksum".to_owned(), "ocr".to_owned()]));
        assert!(services.allows("ocr") && !services.allows("oc") && !services.allows("all"));
        assert!(WorkerServices::All.allows("anything"));
    }
}
