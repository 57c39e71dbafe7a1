//! `greffe token`: tokens that workers come with, and those of people.

use anyhow::Context;
use chrono::TimeDelta;
use identity::{OwnToken, TokenScope, WorkerServices, WorkerTokenId, WorkerTokenInfo};

use crate::{
    config::{self, TokenAction},
    console::{self, time},
    people::Desk,
    system,
};

/// Carries out what `greffe token` is told.
pub async fn token(config: &config::Database, action: TokenAction) -> anyhow::Result<()> {
    let desk = Desk::open(config).await?;
    let done = act(&desk, action).await;
    desk.close().await.and(done)
}

async fn act(desk: &Desk, action: TokenAction) -> anyhow::Result<()> {
    let (identity, now) = (&desk.identity, system::now());
    match action {
        TokenAction::Create { name, of: Some(who), scope, days, .. } => {
            let user = desk.user(&who).await.context("--of")?;
            let expires_at = days.map(|it| now + TimeDelta::days(it.into()));
            let good = (scope.into(), expires_at);
            let (made, token) = identity.create_own_token(user.id, &name, good, now).await?;
            console::say(format_args!("token `{}` has the id {}", made.name, made.id));
            console::say(format_args!("shown once: {}", token.expose()));
        }
        TokenAction::Create { name, services, all_services, .. } => {
            let services =
                if all_services { WorkerServices::All } else { WorkerServices::Named(services) };
            let (id, token) = identity.create_worker_token(&name, &services, None, now).await?;
            console::say(format_args!("token `{name}` has the id {id}"));
            console::say(format_args!("shown once: {}", token.expose()));
        }
        TokenAction::List { of: Some(who) } => {
            let tokens = identity.own_tokens(desk.user(&who).await.context("--of")?.id).await?;
            let rows: Vec<[String; 6]> = tokens.iter().map(own_row).collect();
            let head = ["id", "name", "scope", "created", "expires", "last used"];
            console::table(head, &rows);
        }
        TokenAction::List { of: None } => {
            let tokens = identity.list_worker_tokens().await?;
            let rows: Vec<[String; 5]> = tokens.iter().map(row).collect();
            console::table(["id", "name", "services", "created", "revoked"], &rows);
        }
        TokenAction::Revoke { id, of } => {
            match of {
                Some(who) => {
                    identity
                        .revoke_own_token(desk.user(&who).await.context("--of")?.id, id, now)
                        .await?;
                }
                None => identity.revoke_worker_token(WorkerTokenId(id), now).await?,
            }
            console::say(format_args!("nobody comes with token {id} any more"));
        }
    }
    Ok(())
}

fn own_row(token: &OwnToken) -> [String; 6] {
    let scope = match token.scope {
        TokenScope::Read => "read",
        TokenScope::Write => "write",
    };
    [
        token.id.to_string(),
        token.name.clone(),
        scope.to_owned(),
        time(token.created_at),
        token.expires_at.map(time).unwrap_or_default(),
        token.last_used_at.map(time).unwrap_or_default(),
    ]
}

fn row(token: &WorkerTokenInfo) -> [String; 5] {
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
