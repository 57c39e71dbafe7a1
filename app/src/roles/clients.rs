//! `greffe client`: back ends of other applications.

use identity::Client;

use crate::{
    config::{self, ClientAction},
    console,
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
        ClientAction::Create { name, services } => {
            let (client, secret) = identity.create_client(&name, &services, now).await?;
            console::say(format_args!("client `{}` has the id {}", client.name, client.id));
            console::say(format_args!("secret, shown once: {}", secret.expose()));
        }
        ClientAction::List => {
            let clients = identity.clients().await?;
            let rows: Vec<[String; 5]> = clients.iter().map(row).collect();
            console::table(["id", "name", "services", "created", "disabled"], &rows);
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

fn row(client: &Client) -> [String; 5] {
    let time = |it: chrono::DateTime<chrono::Utc>| it.format("%F %T").to_string();
    [
        client.id.to_string(),
        client.name.clone(),
        client.services.join(", "),
        time(client.created_at),
        client.disabled_at.map(time).unwrap_or_default(),
    ]
}
