//! Back ends of other applications: which there are, and what an administrator
//! does about them.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::ClientId;
use identity::{Client, ClientSecret, IdentityError, Quotas};
use projections::client_quota::Usage;

use super::{
    access,
    account::{on_behalf_of, told, uuid},
    fault::{Fault, Result},
    scalar::DateTime,
    sides,
    user_error::UserError,
};

/// The back end of another application. It gets access tokens at `/api/oauth/token` for its id and
/// its secret, and owns the tasks that it creates.
#[derive(SimpleObject)]
struct ApiClient {
    /// Names it; what it comes with, beside its secret. A UUID.
    id: ID,
    /// What it is called.
    name: String,
    /// The services that it may use.
    services: Vec<String>,
    /// Since when it may come.
    created_at: DateTime,
    /// Since when it may come no more.
    disabled_at: Option<DateTime>,
    /// When it last came, to the minute.
    last_used_at: Option<DateTime>,
    /// How much it may ask for, and how much it has.
    quotas: ApiClientQuotas,
}

/// How much a client may ask for, and how much it has. Hours and days are those of the clock, in
/// UTC, by the time at which a job is recorded.
#[derive(SimpleObject)]
struct ApiClientQuotas {
    /// Jobs of its own that have not ended.
    active_jobs: ApiClientQuota,
    /// Jobs that it creates in an hour.
    jobs_per_hour: ApiClientQuota,
    /// Jobs that it creates in a day.
    jobs_per_day: ApiClientQuota,
}

/// One thing that is limited, or may be.
#[derive(SimpleObject)]
struct ApiClientQuota {
    /// How many there may be; null if there is no limit.
    max: Option<i32>,
    /// How many there are.
    used: u64,
    /// When one begins to count anew; null of what ends by itself.
    resets_at: Option<DateTime>,
}

impl From<Usage> for ApiClientQuotas {
    fn from(it: Usage) -> Self {
        let quota = |max: Option<u32>, used, resets_at: Option<domain::Timestamp>| ApiClientQuota {
            max: max.and_then(|it| it.try_into().ok()),
            used,
            resets_at: resets_at.map(DateTime),
        };
        Self {
            active_jobs: quota(it.quotas.active_jobs_max, it.active_jobs, None),
            jobs_per_hour: quota(it.quotas.jobs_per_hour, it.jobs_in_hour, Some(it.hour_ends_at)),
            jobs_per_day: quota(it.quotas.jobs_per_day, it.jobs_in_day, Some(it.day_ends_at)),
        }
    }
}

/// How much a client may ask for. What is not given is not limited.
#[derive(Default, InputObject)]
struct ApiClientQuotasInput {
    /// How many of its jobs may not have ended: 1 or more.
    active_jobs_max: Option<i32>,
    /// How many jobs it may create in an hour: 1 or more.
    jobs_per_hour: Option<i32>,
    /// How many jobs it may create in a day: 1 or more.
    jobs_per_day: Option<i32>,
}

impl From<ApiClientQuotasInput> for Quotas {
    fn from(it: ApiClientQuotasInput) -> Self {
        // Less than nothing is refused like nothing.
        let number = |it: Option<i32>| it.map(|it| it.try_into().unwrap_or(0));
        Self {
            active_jobs_max: number(it.active_jobs_max),
            jobs_per_hour: number(it.jobs_per_hour),
            jobs_per_day: number(it.jobs_per_day),
        }
    }
}

/// Clients, with what they have of their quotas.
async fn shown(ctx: &Context<'_>, clients: Vec<Client>) -> Result<Vec<ApiClient>> {
    let ids: Vec<ClientId> = clients.iter().map(|it| ClientId(it.id)).collect();
    let mut usage = sides(ctx).reader.usage_of_clients(&ids).await?;
    let shown = |client: Client| {
        // Counted since the event that made it a client.
        let quotas = usage.remove(&ClientId(client.id)).ok_or(Fault::NotFound)?;
        Ok(ApiClient::new(client, quotas.into()))
    };
    clients.into_iter().map(shown).collect()
}

async fn one_shown(ctx: &Context<'_>, client: Client) -> Result<Option<ApiClient>> {
    Ok(shown(ctx, vec![client]).await?.pop())
}

impl ApiClient {
    fn new(it: Client, quotas: ApiClientQuotas) -> Self {
        Self {
            id: it.id.into(),
            name: it.name,
            services: it.services,
            created_at: DateTime(it.created_at),
            disabled_at: it.disabled_at.map(DateTime),
            last_used_at: it.last_used_at.map(DateTime),
            quotas,
        }
    }
}

/// Which client is wanted.
#[derive(InputObject)]
struct CreateApiClientInput {
    /// What to call it: 1 to 100 characters, not all of them spaces.
    name: String,
    /// The services that it may use.
    services: Vec<String>,
    /// How much it may ask for; as much as it likes, if not said.
    #[graphql(default)]
    quotas: ApiClientQuotasInput,
}

/// How much a client may ask for.
#[derive(InputObject)]
struct ChangeApiClientQuotasInput {
    /// Which client.
    id: ID,
    /// How much it may ask for from now on, all of it.
    quotas: ApiClientQuotasInput,
}

/// What a client may use.
#[derive(InputObject)]
struct ChangeApiClientInput {
    /// Which client.
    id: ID,
    /// The services that it may use from now on.
    services: Vec<String>,
}

/// Which client is to have another secret.
#[derive(InputObject)]
struct RotateApiClientSecretInput {
    /// Which client.
    id: ID,
}

/// Which client is to come no more.
#[derive(InputObject)]
struct DisableApiClientInput {
    /// Which client.
    id: ID,
}

/// What came of something about a client.
#[derive(SimpleObject)]
struct ApiClientPayload {
    /// The client; null if there are user errors.
    api_client: Option<ApiClient>,
    /// Why it is not done; empty if it is.
    user_errors: Vec<UserError>,
}

/// A client with a new secret.
#[derive(SimpleObject)]
struct ApiClientSecretPayload {
    /// The client; null if there are user errors.
    api_client: Option<ApiClient>,
    /// Its secret, shown here and never again.
    secret: Option<String>,
    /// Why it is not done; empty if it is.
    user_errors: Vec<UserError>,
}

impl ApiClientPayload {
    async fn of(
        ctx: &Context<'_>,
        done: std::result::Result<Client, IdentityError>,
    ) -> Result<Option<Self>> {
        Ok(Some(match told(done)? {
            Ok(client) => {
                Self { api_client: one_shown(ctx, client).await?, user_errors: Vec::new() }
            }
            Err(error) => Self { api_client: None, user_errors: vec![error] },
        }))
    }
}

impl ApiClientSecretPayload {
    async fn of(
        ctx: &Context<'_>,
        done: std::result::Result<(Client, ClientSecret), IdentityError>,
    ) -> Result<Option<Self>> {
        Ok(Some(match told(done)? {
            Ok((client, secret)) => Self {
                api_client: one_shown(ctx, client).await?,
                secret: Some(secret.expose().to_owned()),
                user_errors: Vec::new(),
            },
            Err(error) => Self { api_client: None, secret: None, user_errors: vec![error] },
        }))
    }
}

/// Questions about clients.
#[derive(Default)]
pub(super) struct ClientQueries;

#[Object]
impl ClientQueries {
    /// All back ends of other applications, disabled ones too, oldest first. For admins.
    async fn api_clients(&self, ctx: &Context<'_>) -> Result<Vec<ApiClient>> {
        access::admin(ctx)?;
        let clients = sides(ctx).identity.clients().await?;
        shown(ctx, clients).await
    }
}

/// What one may do about clients.
#[derive(Default)]
pub(super) struct ClientMutations;

#[Object]
impl ClientMutations {
    /// Lets the back end of another application come. For admins.
    async fn create_api_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which client is wanted.")] input: CreateApiClientInput,
    ) -> Result<Option<ApiClientSecretPayload>> {
        let admin = access::admin(ctx)?;
        let (identity, now) = (on_behalf_of(ctx, admin), sides(ctx).commands.now());
        let quotas = input.quotas.into();
        let made = identity.create_client(&input.name, &input.services, quotas, now).await;
        ApiClientSecretPayload::of(ctx, made).await
    }

    /// Lets a client use other services. For admins.
    async fn change_api_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What a client may use.")] input: ChangeApiClientInput,
    ) -> Result<Option<ApiClientPayload>> {
        let admin = access::admin(ctx)?;
        let (identity, now) = (on_behalf_of(ctx, admin), sides(ctx).commands.now());
        let changed = identity.change_client(uuid(&input.id)?, &input.services, now).await;
        ApiClientPayload::of(ctx, changed).await
    }

    /// Lets a client ask for more, or for less; jobs that it has stay as they are. For admins.
    async fn change_api_client_quotas(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much a client may ask for.")] input: ChangeApiClientQuotasInput,
    ) -> Result<Option<ApiClientPayload>> {
        let admin = access::admin(ctx)?;
        let (identity, now) = (on_behalf_of(ctx, admin), sides(ctx).commands.now());
        let (id, quotas) = (uuid(&input.id)?, input.quotas.into());
        let changed = identity.change_client_quotas(id, quotas, now).await;
        ApiClientPayload::of(ctx, changed).await
    }

    /// Gives a client another secret; the old one is good no more. For admins.
    async fn rotate_api_client_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which client.")] input: RotateApiClientSecretInput,
    ) -> Result<Option<ApiClientSecretPayload>> {
        let admin = access::admin(ctx)?;
        let (identity, now) = (on_behalf_of(ctx, admin), sides(ctx).commands.now());
        let rotated = identity.rotate_client_secret(uuid(&input.id)?, now).await;
        ApiClientSecretPayload::of(ctx, rotated).await
    }

    /// Lets a client come no more, for good. For admins.
    async fn disable_api_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which client.")] input: DisableApiClientInput,
    ) -> Result<Option<ApiClientPayload>> {
        let admin = access::admin(ctx)?;
        let (identity, now) = (on_behalf_of(ctx, admin), sides(ctx).commands.now());
        let disabled = identity.disable_client(uuid(&input.id)?, now).await;
        ApiClientPayload::of(ctx, disabled).await
    }
}
