//! `greffe user`: people who may sign in.

use anyhow::{Context, bail};
use commands::Command;
use domain::{UserId, account::AccountCommand};
use identity::{Role, SessionInfo, User};
use uuid::Uuid;

use crate::{
    config::{self, Registration, UserAction},
    console::{self, time},
    people::Desk,
    system,
};

/// Carries out what `greffe user` is told.
pub async fn user(config: &config::Database, action: UserAction) -> anyhow::Result<()> {
    let desk = Desk::open(config).await?;
    let done = act(&desk, action).await;
    desk.close().await.and(done)
}

async fn act(desk: &Desk, action: UserAction) -> anyhow::Result<()> {
    let (identity, now) = (&desk.identity, system::now());
    match action {
        UserAction::Create { email, role } => {
            let password = config::user_password()?;
            let made = password.is_none();
            let password = password.unwrap_or_else(system::secret);
            let user = identity.create_user(&email, &password, parse(&role)?, now).await?;
            console::say(format_args!("{} is {} {}", user.email, user.role.as_str(), user.id));
            show(made, &password);
        }
        UserAction::List => {
            let users = identity.list_users().await?;
            let rows: Vec<[String; 5]> = users.iter().map(row).collect();
            console::table(["id", "e-mail", "role", "created", "disabled"], &rows);
        }
        UserAction::Invite { email, role, language, registration } => {
            if registration == Registration::Closed {
                bail!("--registration closed: nobody joins by a letter; create an account instead");
            }
            let user = identity.invite(&email, parse(&role)?, language.into(), now).await?;
            console::say(format_args!("{} is invited, and will be {}", user.email, user.role));
            console::say("the letter is sent by a process that serves, if it has --smtp-url");
            console::say("it is good unless those that serve have --registration closed");
        }
        UserAction::Role { who, role } => {
            let user = identity.set_role(desk.user(&who).await?.id, parse(&role)?, now).await?;
            console::say(format_args!("{} is {} now", user.email, user.role.as_str()));
        }
        UserAction::Disable { who } => {
            let user = identity.disable_user(desk.user(&who).await?.id, now).await?;
            console::say(format_args!("{} can sign in no more", user.email));
        }
        UserAction::Enable { who } => {
            let user = identity.enable_user(desk.user(&who).await?.id, now).await?;
            console::say(format_args!("{} can sign in again", user.email));
        }
        UserAction::ResetPassword { who } => {
            let password = config::user_password()?;
            let made = password.is_none();
            let password = password.unwrap_or_else(system::secret);
            let user = desk.user(&who).await?;
            identity.set_password(user.id, &password, now).await?;
            console::say(format_args!("{} has another password", user.email));
            show(made, &password);
        }
        UserAction::Transfer { from, to } => transfer(desk, &from, &to).await?,
        UserAction::Sessions { who } => list_sessions(desk, &who).await?,
        UserAction::SignOut { who, session } => sign_out(desk, &who, session).await?,
    }
    Ok(())
}

async fn transfer(desk: &Desk, from: &str, to: &str) -> anyhow::Result<()> {
    let (from, to) = (desk.user(from).await.context("--from")?, desk.recipient(to).await?);
    let command = AccountCommand::TransferOwnership { to: UserId(to.id) };
    desk.execute(Command::Account(UserId(from.id), command)).await?;
    console::say(format_args!("what {} owns goes to {}", from.email, to.email));
    console::say("a process that serves sees to it");
    Ok(())
}

async fn list_sessions(desk: &Desk, who: &str) -> anyhow::Result<()> {
    let user = desk.user(who).await?;
    let sessions = desk.identity.sessions(user.id, system::now()).await?;
    let rows: Vec<[String; 4]> = sessions.iter().map(session_row).collect();
    console::table(["id", "began", "carried on", "ends"], &rows);
    Ok(())
}

async fn sign_out(desk: &Desk, who: &str, session: Option<Uuid>) -> anyhow::Result<()> {
    let (user, now) = (desk.user(who).await?, system::now());
    if let Some(session) = session {
        desk.identity.revoke_session(user.id, session, now).await.context("--session")?;
        console::say(format_args!("session {session} of {} is over", user.email));
    } else {
        desk.identity.sign_out_everywhere(user.id, now).await?;
        console::say(format_args!("{} is signed out everywhere", user.email));
    }
    Ok(())
}

/// Only what was made here: what was given is known.
fn show(made: bool, password: &str) {
    if made {
        console::say(format_args!("password, shown once: {password}"));
    }
}

fn parse(role: &str) -> anyhow::Result<Role> {
    role.parse()
        .ok()
        .with_context(|| format!("--role: `{role}` is none of admin, operator, member and viewer"))
}

fn session_row(it: &SessionInfo) -> [String; 4] {
    [it.id.to_string(), time(it.created_at), time(it.refreshed_at), time(it.expires_at)]
}

fn row(user: &User) -> [String; 5] {
    [
        user.id.to_string(),
        user.email.to_string(),
        user.role.as_str().to_owned(),
        time(user.created_at),
        user.disabled_at.map(time).unwrap_or_default(),
    ]
}
