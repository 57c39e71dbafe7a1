//! Back ends of other applications: which there are, and what an administrator
//! does about them.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use identity::{Client, ClientSecret, IdentityError};

use super::{
    access,
    account::{on_behalf_of, told, uuid},
    fault::Result,
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
}

impl From<Client> for ApiClient {
    fn from(it: Client) -> Self {
        Self {
            id: it.id.into(),
            name: it.name,
            services: it.services,
            created_at: DateTime(it.created_at),
            disabled_at: it.disabled_at.map(DateTime),
            last_used_at: it.last_used_at.map(DateTime),
        }
    }
}

/// Which client is wanted.
#[derive(InputObject)]
struct CreateApiClientInput {
    /// What to call it.
    name: String,
    /// The services that it may use.
    services: Vec<String>,
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
    fn of(done: std::result::Result<Client, IdentityError>) -> Result<Option<Self>> {
        Ok(Some(match told(done)? {
            Ok(client) => Self { api_client: Some(client.into()), user_errors: Vec::new() },
            Err(error) => Self { api_client: None, user_errors: vec![error] },
        }))
    }
}

impl ApiClientSecretPayload {
    fn of(
        done: std::result::Result<(Client, ClientSecret), IdentityError>,
    ) -> Result<Option<Self>> {
        Ok(Some(match told(done)? {
            Ok((client, secret)) => Self {
                api_client: Some(client.into()),
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
        Ok(clients.into_iter().map(ApiClient::from).collect())
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
        let made = identity.create_client(&input.name, &input.services, now).await;
        ApiClientSecretPayload::of(made)
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
        ApiClientPayload::of(changed)
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
        ApiClientSecretPayload::of(rotated)
    }

    /// Lets a client come no more, for good. For admins.
    async fn disable_api_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which client.")] input: DisableApiClientInput,
    ) -> Result<Option<ApiClientPayload>> {
        let admin = access::admin(ctx)?;
        let (identity, now) = (on_behalf_of(ctx, admin), sides(ctx).commands.now());
        ApiClientPayload::of(identity.disable_client(uuid(&input.id)?, now).await)
    }
}
