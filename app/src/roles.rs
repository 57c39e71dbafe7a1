//! What each role of the program does, from start to end.

mod accounts;
mod belongings;
mod clients;
mod tokens;

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use journal::Journal;
use projections::schema::{self, OtherVersion};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

pub use accounts::user;
pub use belongings::{job, land};
pub use clients::client;
pub use tokens::token;

use crate::{
    config::{self, Serve},
    console,
    database::Database,
    services_file,
    system::{System, open_journal},
};

/// Runs a role to its end. Why it gives up is said in one line.
pub fn run(role: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.context("cannot start").and_then(|it| it.block_on(role));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::give_up(&error);
            ExitCode::FAILURE
        }
    }
}

/// Brings the database up to this version.
pub async fn migrate(config: &config::Database) -> anyhow::Result<()> {
    let database = Database::open(config).await?;
    match make_read_models(&database).await {
        Ok(()) => console::say("the database is up to date"),
        Err(error) => return Err(database.close_after(error).await),
    }
    database.close().await
}

async fn make_read_models(database: &Database) -> anyhow::Result<()> {
    let journal = Arc::new(open_journal(database).await?);
    let reads: Arc<dyn Journal> = Arc::clone(&journal) as _;
    let made = schema::prepare(&database.pool, reads, OtherVersion::Replace).await;
    journal.close().await;
    made.context("cannot make the read models")
}

/// Serves until told to stop, or until a part fails.
pub async fn serve(config: Serve) -> anyhow::Result<()> {
    let services = services_file::read(config.services.as_deref())?;
    let listener = listen(&config).await?;
    let stop = stop_signal()?;
    let system = System::start(&config, listener, services).await?;
    console::say(format_args!("greffe serves on http://{}", system.address()));
    system.run_until(stop).await
}

/// Taken before anything else is started: what cannot be served is not worth
/// starting.
pub(crate) async fn listen(config: &Serve) -> anyhow::Result<TcpListener> {
    TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))
}

/// Is cancelled when the process is told to stop. A second signal stops it at
/// once, by the means of the operating system.
pub(crate) fn stop_signal() -> anyhow::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    #[expect(clippy::disallowed_methods, reason = "lives as long as the process")]
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        told.cancel();
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(stop)
}
