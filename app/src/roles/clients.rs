//! `greffe client`: back ends of other applications.

use domain::ClientId;
use identity::Client;
use projections::client_quota::Usage;

use crate::{
    config::{self, ClientAction},
    console::{self, time},
    people::Desk,
    system,
};

/// Carries out what `greffe client` is told.
pub async fn client(config: &config::Database, action: ClientAction) -> anyhow::Result<()> {
    let desk = Desk::open(config).await?;
    let done = act(&desk, action).await;
    desk.close().await.and(done)
}

async fn act(desk: &Desk, action: ClientAction) -> anyhow::Result<()> {
    let (identity, now) = (&desk.identity, system::now());
    match action {
        ClientAction::Create { name, services, quotas } => {
            let made = identity.create_client(&name, &services, quotas.into(), now).await;
            let (client, secret) = made?;
            console::say(format_args!("client `{}` has the id {}", client.name, client.id));
            console::say(format_args!("secret, shown once: {}", secret.expose()));
        }
        ClientAction::List => {
            let clients = identity.clients().await?;
            let ids: Vec<ClientId> = clients.iter().map(|it| ClientId(it.id)).collect();
            let usage = desk.reader.usage_of_clients(&ids).await?;
            let rows: Vec<[String; 8]> =
                clients.iter().map(|it| row(it, usage.get(&ClientId(it.id)))).collect();
            let head =
                ["id", "name", "services", "active", "this hour", "today", "created", "disabled"];
            console::table(head, &rows);
        }
        ClientAction::Quotas { id, quotas } => {
            let client = identity.change_client_quotas(id, quotas.into(), now).await?;
            console::say(format_args!("client `{}` has other quotas", client.name));
        }
        ClientAction::Change { id, services } => {
            let client = identity.change_client(id, &services, now).await?;
            let services = client.services.join(", ");
            console::say(format_args!("client `{}` may use {services}", client.name));
        }
        ClientAction::Rotate { id } => {
            let (client, secret) = identity.rotate_client_secret(id, now).await?;
            console::say(format_args!("the old secret of `{}` is good no more", client.name));
            console::say(format_args!("secret, shown once: {}", secret.expose()));
        }
        ClientAction::Disable { id } => {
            let client = identity.disable_client(id, now).await?;
            console::say(format_args!("client `{}` comes no more", client.name));
        }
    }
    Ok(())
}

/// What is limited is shown as `used of max`.
fn row(client: &Client, usage: Option<&Usage>) -> [String; 8] {
    let used = |count: fn(&Usage) -> (u64, Option<u32>)| match usage.map(count) {
        Some((used, Some(max))) => format!("{used} of {max}"),
        Some((used, None)) => used.to_string(),
        None => String::new(),
    };
    [
        client.id.to_string(),
        client.name.clone(),
        client.services.join(", "),
        used(|it| (it.active_jobs, it.quotas.active_jobs_max)),
        used(|it| (it.jobs_in_hour, it.quotas.jobs_per_hour)),
        used(|it| (it.jobs_in_day, it.quotas.jobs_per_day)),
        time(client.created_at),
        client.disabled_at.map(time).unwrap_or_default(),
    ]
}
