//! The table `api_client`: back ends of other applications, and how they prove
//! that they are.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Identity;
use crate::access::Bearing;
use crate::error::{IdentityError, Refusal};
use crate::ledger::{ClientKind, Happening, Subject, Told};
use crate::secret::{AccessToken, ClientSecret};
use crate::throttle::{self, Door};
use crate::worker_token::{LAST_USED_GRAIN, WorkerServices, named};

/// What one sees of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub id: Uuid,
    pub name: String,
    pub services: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// How much a client may ask for. What comes of it is decided where jobs are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    pub active_jobs_max: Option<u32>,
    pub jobs_per_hour: Option<u32>,
    pub jobs_per_day: Option<u32>,
}

/// What a client that has shown its secret gets.
#[derive(Clone, Debug)]
pub struct ClientGrant {
    pub access: AccessToken,
    pub expires_at: DateTime<Utc>,
}

/// What is known of a client when one of its tokens is shown.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) services: Arc<[String]>,
    pub(crate) disabled: bool,
}

impl Identity {
    /// The secret is answered here and never again.
    pub async fn create_client(
        &self,
        name: &str,
        services: &[String],
        quotas: Quotas,
        now: DateTime<Utc>,
    ) -> Result<(Client, ClientSecret), IdentityError> {
        let name = named(name)?;
        let services = WorkerServices::Named(services.to_vec()).checked()?;
        let secret = ClientSecret::generate()?;
        let id = crate::new_id(now);
        sqlx::query!(
            "insert into api_client (id, name, services, sha256, created_at)
             values ($1, $2, $3, $4, $5)",
            id,
            name,
            &services,
            &secret.hash()?,
            now,
        )
        .execute(&self.db)
        .await?;
        let (kind, services) = (ClientKind::Application, WorkerServices::Named(services));
        let what = Happening::ClientRegistered { kind, services, quotas };
        self.record(self.author, Subject::Client(id), what, now).await?;
        Ok((self.client(id).await?, secret))
    }

    /// Lets a client use other services.
    pub async fn change_client(
        &self,
        id: Uuid,
        services: &[String],
        now: DateTime<Utc>,
    ) -> Result<Client, IdentityError> {
        self.client(id).await?;
        let services = WorkerServices::Named(services.to_vec()).checked()?;
        let what = Happening::ClientChanged { services };
        self.record(self.author, Subject::Client(id), what, now).await?;
        self.client(id).await
    }

    /// Lets a client ask for more, or for less: what is not said is not limited.
    pub async fn change_client_quotas(
        &self,
        id: Uuid,
        quotas: Quotas,
        now: DateTime<Utc>,
    ) -> Result<Client, IdentityError> {
        self.client(id).await?;
        let what = Happening::ClientQuotasChanged { quotas };
        self.record(self.author, Subject::Client(id), what, now).await?;
        self.client(id).await
    }

    /// Another secret, answered here and never again. The old one is good no
    /// more.
    pub async fn rotate_client_secret(
        &self,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(Client, ClientSecret), IdentityError> {
        self.client(id).await?;
        let secret = ClientSecret::generate()?;
        let staged = crate::new_id(now);
        sqlx::query!(
            "insert into staged_secret (id, client_id, sha256, staged_at) values ($1, $2, $3, $4)",
            staged,
            id,
            &secret.hash()?,
            now,
        )
        .execute(&self.db)
        .await?;
        let what = Happening::SecretRotated { secret: staged };
        self.record(self.author, Subject::Client(id), what, now).await?;
        Ok((self.client(id).await?, secret))
    }

    /// It comes no more, for good.
    pub async fn disable_client(
        &self,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Client, IdentityError> {
        self.client(id).await?;
        self.record(self.author, Subject::Client(id), Happening::ClientDisabled, now).await?;
        self.client(id).await
    }

    /// All clients, disabled ones too, oldest first.
    pub async fn clients(&self) -> Result<Vec<Client>, IdentityError> {
        let clients = sqlx::query_as!(
            Client,
            "select id, name, services, created_at, disabled_at, last_used_at
             from api_client where activated_at is not null order by created_at, id",
        )
        .fetch_all(&self.db)
        .await?;
        Ok(clients)
    }

    /// A short access token for who shows the secret.
    pub async fn enter_client(
        &self,
        id: Uuid,
        secret: &ClientSecret,
        now: DateTime<Utc>,
    ) -> Result<ClientGrant, IdentityError> {
        let hash = secret.hash().ok();
        let right = sqlx::query_scalar!(
            r#"select coalesce(sha256 = $2, false) and activated_at is not null
                   and disabled_at is null as "right!"
               from api_client where id = $1"#,
            id,
            hash.as_ref().map(<[u8; 32]>::as_slice),
        )
        .fetch_optional(&self.db)
        .await?;
        let door = self.address.map(|address| Door::Client(right.map(|_| id), address));
        if let Some(door) = door {
            throttle::count(&self.db, door, now).await?;
        }
        if right != Some(true) {
            return Err(Refusal::ClientInvalid.into());
        }
        if let Some(door) = door {
            throttle::forgive(&self.db, door).await?;
        }
        sqlx::query!(
            "update api_client set last_used_at = $2
             where id = $1 and (last_used_at is null or last_used_at <= $3)",
            id,
            now,
            now - LAST_USED_GRAIN,
        )
        .execute(&self.db)
        .await?;
        let until = now + self.settings.access_lifetime;
        let (access, expires_at) = self.signer.sign(Bearing::Client(id), now, until)?;
        Ok(ClientGrant { access, expires_at })
    }

    pub(crate) async fn client_standing(
        &self,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Standing, IdentityError> {
        if let Some(standing) = self.clients.get(&id, now) {
            return Ok(standing);
        }
        let asking = self.clients.asking();
        let row = sqlx::query!(
            r#"select services, disabled_at is not null as "disabled!" from api_client
               where id = $1 and activated_at is not null"#,
            id,
        )
        .fetch_optional(&self.db)
        .await?
        .ok_or(Refusal::TokenInvalid)?;
        let standing = Standing { services: row.services.into(), disabled: row.disabled };
        self.clients.put(asking, &id, standing.clone(), now);
        Ok(standing)
    }

    async fn client(&self, id: Uuid) -> Result<Client, IdentityError> {
        let client = sqlx::query_as!(
            Client,
            "select id, name, services, created_at, disabled_at, last_used_at
             from api_client where id = $1 and activated_at is not null",
            id,
        )
        .fetch_optional(&self.db)
        .await?;
        Ok(client.ok_or(Refusal::ClientNotFound)?)
    }

    /// How many events of a client the tables have taken in; a worker token is
    /// one too.
    pub(crate) async fn applied_to_client(&self, id: Uuid) -> Result<Option<u64>, IdentityError> {
        let applied = sqlx::query_scalar!(
            r#"select applied_version as "applied!" from api_client where id = $1
               union all select applied_version from worker_token where id = $1"#,
            id,
        )
        .fetch_optional(&self.db)
        .await?;
        Ok(applied.map(i64::cast_unsigned))
    }

    pub(crate) async fn follow_client(&self, id: Uuid) -> Result<(), IdentityError> {
        let Some(applied) = self.applied_to_client(id).await? else { return Ok(()) };
        let told = self.ledger.after(Subject::Client(id), applied).await?;
        for told in &told {
            let mut tx = postgres::begin(&self.db).await?;
            if is_next(&mut tx, id, told.version).await? {
                apply(&mut tx, id, told).await?;
                tx.commit().await?;
            }
        }
        if !told.is_empty() {
            self.forget();
        }
        Ok(())
    }

    pub(crate) async fn sweep_clients(&self, staged: DateTime<Utc>) -> Result<(), IdentityError> {
        sqlx::query!(
            "delete from api_client where activated_at is null and created_at <= $1",
            staged,
        )
        .execute(&self.db)
        .await?;
        sqlx::query!(
            "delete from worker_token where activated_at is null and created_at <= $1",
            staged,
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }
}

/// Moves the row on to a version, if it is at the one before.
async fn is_next(tx: &mut PgConnection, id: Uuid, version: u64) -> Result<bool, IdentityError> {
    let version = version.cast_signed();
    let client = sqlx::query!(
        "update api_client set applied_version = $2
         where id = $1 and applied_version = $2::bigint - 1",
        id,
        version,
    )
    .execute(&mut *tx)
    .await?;
    let token = sqlx::query!(
        "update worker_token set applied_version = $2
         where id = $1 and applied_version = $2::bigint - 1",
        id,
        version,
    )
    .execute(tx)
    .await?;
    Ok(0 < client.rows_affected() + token.rows_affected())
}

async fn apply(tx: &mut PgConnection, id: Uuid, told: &Told) -> Result<(), IdentityError> {
    match &told.what {
        Happening::ClientRegistered { .. } => activate(tx, id, told.at).await,
        Happening::ClientChanged { services } => {
            sqlx::query!("update api_client set services = $2 where id = $1", id, services)
                .execute(tx)
                .await?;
            Ok(())
        }
        // Nothing here depends on it.
        Happening::ClientQuotasChanged { .. } => Ok(()),
        Happening::SecretRotated { secret } => take_secret(tx, id, *secret).await,
        Happening::ClientDisabled => disable(tx, id, told.at).await,
        Happening::Invited { .. }
        | Happening::Registered { .. }
        | Happening::RoleChanged { .. }
        | Happening::Disabled
        | Happening::Enabled
        | Happening::PasswordChanged { .. }
        | Happening::ResetRequested { .. }
        | Happening::SessionStarted { .. }
        | Happening::SessionEnded { .. }
        | Happening::SessionsEnded { .. }
        | Happening::TokenGranted { .. }
        | Happening::TokenRevoked { .. }
        | Happening::OwnershipTransferred { .. } => {
            Err(IdentityError::broken("a client was told what happens to accounts"))
        }
    }
}

async fn activate(tx: &mut PgConnection, id: Uuid, at: DateTime<Utc>) -> Result<(), IdentityError> {
    sqlx::query!(
        "update api_client set activated_at = coalesce(activated_at, $2) where id = $1",
        id,
        at,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update worker_token set activated_at = coalesce(activated_at, $2) where id = $1",
        id,
        at,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What was written ahead becomes the secret.
async fn take_secret(tx: &mut PgConnection, id: Uuid, staged: Uuid) -> Result<(), IdentityError> {
    sqlx::query!(
        "with staged as (
             delete from staged_secret where id = $2 and client_id = $1 returning sha256
         )
         update api_client set sha256 = staged.sha256 from staged where id = $1",
        id,
        staged,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn disable(tx: &mut PgConnection, id: Uuid, at: DateTime<Utc>) -> Result<(), IdentityError> {
    sqlx::query!(
        "update api_client set disabled_at = coalesce(disabled_at, $2) where id = $1",
        id,
        at,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update worker_token set revoked_at = coalesce(revoked_at, $2) where id = $1",
        id,
        at,
    )
    .execute(tx)
    .await?;
    Ok(())
}
