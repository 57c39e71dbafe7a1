//! One program, several roles. `greffe help` is the manual.

use std::process::ExitCode;

use app::{
    config::{Cli, Role},
    demo, roles, telemetry,
};
use clap::Parser;

/// What is logged where a human looks on.
const QUIET: &str = "warn";

fn main() -> ExitCode {
    let Cli { role } = Cli::parse();
    roles::run(async {
        match role {
            Role::Serve(serve) => {
                telemetry::start(&serve.database, "info")?;
                roles::serve(serve).await
            }
            Role::Demo(demo) => {
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
            Role::Client { database, action } => {
                telemetry::start(&database, QUIET)?;
                roles::client(&database, action).await
            }
        }
    })
}
