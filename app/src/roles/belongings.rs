//! `greffe job` and `greffe land`: what belongs to people.

use commands::Command;
use domain::{UserId, job::JobCommand, land::LandCommand};

use crate::{
    config::{self, JobAction, LandAction},
    console,
    people::Desk,
};

/// Carries out what `greffe job` is told.
pub async fn job(config: &config::Database, action: JobAction) -> anyhow::Result<()> {
    let JobAction::Transfer { id, to } = action;
    let command = |to| Command::Job(id, JobCommand::TransferJob { from: None, to });
    transfer(config, format!("job {id}"), &to, command).await
}

/// Carries out what `greffe land` is told.
pub async fn land(config: &config::Database, action: LandAction) -> anyhow::Result<()> {
    let LandAction::Transfer { id, to } = action;
    let command = |to| Command::Land(id, LandCommand::TransferLand { from: None, to });
    transfer(config, format!("land {id}"), &to, command).await
}

async fn transfer(
    config: &config::Database,
    what: String,
    to: &str,
    command: impl FnOnce(UserId) -> Command,
) -> anyhow::Result<()> {
    let desk = Desk::open(config).await?;
    let done = async {
        let to = desk.recipient(to).await?;
        desk.execute(command(UserId(to.id))).await?;
        console::say(format_args!("{what} belongs to {} now", to.email));
        Ok(())
    };
    let done = done.await;
    desk.close().await.and(done)
}
