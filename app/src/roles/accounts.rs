//! `greffe user`: people who may sign in.

use anyhow::Context;
use identity::{Identity, Role, User};

use crate::{
    config::{self, UserAction},
    console,
    database::Database,
    system,
};

/// Carries out what `greffe user` is told.
pub async fn user(config: &config::Database, action: UserAction) -> anyhow::Result<()> {
    let database = Database::open(config).await?;
    let done = act(&database, action).await;
    database.close().await.and(done)
}

async fn act(database: &Database, action: UserAction) -> anyhow::Result<()> {
    let now = system::now();
    let identity =
        Identity::connect(database.pool.clone(), identity::Settings::default(), now).await?;
    match action {
        UserAction::Create { email, role, password } => {
            let made = password.is_none();
            let password = password.unwrap_or_else(system::secret);
            let user = identity.create_user(&email, &password, parse(&role)?, now).await?;
            console::say(format_args!("{} is {} {}", user.email, user.role.as_str(), user.id));
            if made {
                console::say(format_args!("password, shown once: {password}"));
            }
        }
        UserAction::List => {
            let users = identity.list_users().await?;
            let rows: Vec<[String; 5]> = users.iter().map(row).collect();
            console::table(["id", "e-mail", "role", "created", "disabled"], &rows);
        }
        UserAction::Role { id, role } => {
            let user = identity.set_role(id, parse(&role)?).await?;
            console::say(format_args!("{} is {} now", user.email, user.role.as_str()));
        }
        UserAction::Disable { id } => {
            let user = identity.disable_user(id, now).await?;
            console::say(format_args!("{} can sign in no more", user.email));
        }
        UserAction::Enable { id } => {
            let user = identity.enable_user(id).await?;
            console::say(format_args!("{} can sign in again", user.email));
        }
    }
    Ok(())
}

fn parse(role: &str) -> anyhow::Result<Role> {
    role.parse()
        .ok()
        .with_context(|| format!("--role: `{role}` is none of admin, operator, member and viewer"))
}

fn row(user: &User) -> [String; 5] {
    let time = |it: chrono::DateTime<chrono::Utc>| it.format("%F %T").to_string();
    [
        user.id.to_string(),
        user.email.to_string(),
        user.role.as_str().to_owned(),
        time(user.created_at),
        user.disabled_at.map(time).unwrap_or_default(),
    ]
}
