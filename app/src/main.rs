//! One program, several roles. `greffe help` is the manual.

use std::{env, io, path::PathBuf, process::ExitCode};

use anyhow::Context;
use app::{
    config::{Cli, Role},
    demo, roles, telemetry,
};
use clap::Parser;

/// What is logged where a human looks on. That a connection is closed before it
/// was given back is nothing to them: the database stops with the command.
const QUIET: &str = "warn,sqlx_core::pool=error";

fn main() -> ExitCode {
    let Cli { role } = Cli::parse();
    if matches!(role, Role::ExtractText) {
        // It has nothing but two pipes, and no runtime.
        let done = workers::extract_text(io::stdin().lock(), io::stdout().lock());
        return if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    roles::run(async {
        match role {
            Role::ExtractText => Ok(()),
            Role::Serve(mut serve) => {
                serve.built_in.reader = Some(this_program()?);
                telemetry::start(&serve.database, "info")?;
                roles::serve(serve).await
            }
            Role::Demo(mut demo) => {
                demo.serve.built_in.reader = Some(this_program()?);
                telemetry::start(&demo.serve.database, QUIET)?;
                demo::run(demo).await
            }
            Role::Migrate(database) => {
                telemetry::start(&database, QUIET)?;
                roles::migrate(&database).await
            }
            Role::User { database, action } => {
                telemetry::start(&database, QUIET)?;
                roles::user(&database, action).await
            }
            Role::Token { database, action } => {
                telemetry::start(&database, QUIET)?;
                roles::token(&database, action).await
            }
            Role::Job { database, action } => {
                telemetry::start(&database, QUIET)?;
                roles::job(&database, action).await
            }
            Role::Land { database, action } => {
                telemetry::start(&database, QUIET)?;
                roles::land(&database, action).await
            }
            Role::Client { database, action } => {
                telemetry::start(&database, QUIET)?;
                roles::client(&database, action).await
            }
        }
    })
}

/// What reads the sources of reports, in a process of its own.
fn this_program() -> anyhow::Result<PathBuf> {
    env::current_exe().context("cannot find out where this program is")
}
