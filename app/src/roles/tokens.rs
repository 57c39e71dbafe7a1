//! `greffe token`: tokens that workers come with.

use identity::{Identity, WorkerServices, WorkerTokenId, WorkerTokenInfo};

use crate::{
    config::{self, TokenAction},
    console,
    database::Database,
    system,
};

/// Carries out what `greffe token` is told.
pub async fn token(config: &config::Database, action: TokenAction) -> anyhow::Result<()> {
    let database = Database::open(config).await?;
    let done = act(&database, action).await;
    database.close().await.and(done)
}

async fn act(database: &Database, action: TokenAction) -> anyhow::Result<()> {
    let now = system::now();
    let identity =
        Identity::connect(database.pool.clone(), identity::Settings::default(), now).await?;
    match action {
        TokenAction::Create { name, services, all_services } => {
            let services =
                if all_services { WorkerServices::All } else { WorkerServices::Named(services) };
            let (id, token) = identity.create_worker_token(&name, &services, None, now).await?;
            console::say(format_args!("token `{name}` has the id {id}"));
            console::say(format_args!("shown once: {}", token.expose()));
        }
        TokenAction::List => {
            let tokens = identity.list_worker_tokens().await?;
            let rows: Vec<[String; 5]> = tokens.iter().map(row).collect();
            console::table(["id", "name", "services", "created", "revoked"], &rows);
        }
        TokenAction::Revoke { id } => {
            identity.revoke_worker_token(WorkerTokenId(id), now).await?;
            console::say(format_args!("nobody comes with token {id} any more"));
        }
    }
    Ok(())
}

fn row(token: &WorkerTokenInfo) -> [String; 5] {
    let time = |it: chrono::DateTime<chrono::Utc>| it.format("%F %T").to_string();
    let services = match &token.services {
        WorkerServices::All => "all".to_owned(),
        WorkerServices::Named(names) => names.join(", "),
    };
    [
        token.id.to_string(),
        token.name.clone(),
        services,
        time(token.created_at),
        token.revoked_at.map(time).unwrap_or_default(),
    ]
}
