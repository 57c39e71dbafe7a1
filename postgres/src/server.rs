//! The running server: started, or adopted when it runs already.
//!
//! The server outlives the process that started it, unless that process calls
//! [`Server::stop`]: after a crash or `kill -9` the next one adopts it and goes
//! on. Processes that use one folder at the same time share one server. One
//! that ends by itself can be started again where it was: whoever holds its
//! address goes on.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::{Instant, sleep};

use crate::{
    check_durability, cluster,
    error::StartError,
    folder::Folder,
    installation::Installation,
    occupancy::{Occupancy, Turn},
    process::Process,
};

/// How often a running server is looked at.
const WATCH: Duration = Duration::from_millis(250);

/// How often a server that gives up is started: its port may have been taken
/// meanwhile, or a killed predecessor's children still be leaving.
const TRIES: u32 = 4;

/// How often one that was killed in the middle of its work is.
const TRIES_TO_REVIVE: u32 = 20;

/// How long the other one is given to get out of the way.
const RETRY: Duration = Duration::from_millis(500);

/// What one may decide about the server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder for the data, its password and its log. Made if missing.
    pub data_dir: PathBuf,
    /// How long a start or a stop may take. Recovery after a crash counts.
    pub patience: Duration,
}

impl Settings {
    /// Patient enough for a recovery from gigabytes of log.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), patience: Duration::from_mins(5) }
    }
}

/// A server that runs, and this process' share in it.
#[derive(Debug)]
pub struct Server {
    folder: Folder,
    occupancy: Occupancy,
    process: Process,
    password: String,
    patience: Duration,
}

impl Server {
    /// Starts the server in a folder, or adopts the one that runs there. What
    /// is missing is made, what a crash left is cleared up.
    pub async fn start(settings: &Settings) -> Result<Self, StartError> {
        let patience = settings.patience;
        let deadline = Instant::now() + patience;
        let folder = Folder::prepare(&settings.data_dir)?;
        let turn = Turn::take(folder.path(), deadline).await?;
        let occupancy = Occupancy::enter(&turn)?;
        let process = match adopt(&folder, occupancy.alone, deadline).await? {
            Some(process) => process,
            None => launch(&folder, None, deadline).await?,
        };
        let password = folder.password()?;
        let server = Self { folder, occupancy, process, password, patience };
        if let Err(error) = check_durability(&server.url("postgres")).await {
            server.stop_in(&turn).await?;
            return Err(error);
        }
        tracing::info!(
            folder = %server.folder().display(),
            port = server.process.port(),
            adopted = server.adopted(),
            "the database server is ready"
        );
        Ok(server)
    }

    /// Where a database of this server is reached. Holds the password: not for
    /// logs.
    pub fn url(&self, database: &str) -> String {
        self.process.url(&self.password, database)
    }

    /// Where the data really is: elsewhere than asked for, if that was closed
    /// to the server's user.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether it ran already.
    pub fn adopted(&self) -> bool {
        self.process.is_adopted()
    }

    pub async fn create_database_if_missing(&self, name: &str) -> Result<(), StartError> {
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        let known = sqlx::query_scalar::<_, bool>(
            "select exists (select from pg_database where datname = $1)",
        )
        .bind(name)
        .fetch_one(&mut connection)
        .await?;
        if !known {
            let quoted = name.replace('"', "\"\"");
            let statement = AssertSqlSafe(format!("create database \"{quoted}\""));
            let outcome = sqlx::raw_sql(statement).execute(&mut connection).await;
            if let Err(error) = outcome
                && !is_duplicate(&error)
            {
                return Err(error.into());
            }
        }
        Ok(connection.close().await?)
    }

    /// Returns when the server has ended, which it should not by itself.
    pub async fn ended(&mut self) {
        while self.process.is_alive() {
            sleep(WATCH).await;
        }
    }

    /// Starts the server again that has ended, at the same address, unless
    /// another of its users has done so already. It recovers all that it has
    /// acknowledged.
    pub async fn revive(&mut self) -> Result<(), StartError> {
        let deadline = Instant::now() + self.patience;
        let turn = Turn::take(self.folder(), deadline).await?;
        let (port, alone) = (self.process.port(), self.occupancy.is_alone(&turn)?);
        self.process = match adopt(&self.folder, alone, deadline).await? {
            Some(process) => process,
            None => launch(&self.folder, Some(port), deadline).await?,
        };
        if self.process.port() != port {
            return Err(StartError::Moved { path: self.folder().into(), port });
        }
        check_durability(&self.url("postgres")).await?;
        tracing::warn!(folder = %self.folder().display(), port, "the database server is back");
        Ok(())
    }

    /// Stops the server, unless another process uses it: then that one goes on
    /// with it.
    pub async fn stop(self) -> Result<(), StartError> {
        let turn = Turn::take(self.folder(), Instant::now() + self.patience).await?;
        self.stop_in(&turn).await
    }

    async fn stop_in(mut self, turn: &Turn) -> Result<(), StartError> {
        let deadline = Instant::now() + self.patience;
        if self.occupancy.leave(turn)? {
            self.process.stop(&self.folder, deadline).await?;
        }
        Ok(())
    }
}

/// The server that runs already. One that was just about to stop is let go.
async fn adopt(
    folder: &Folder,
    alone: bool,
    deadline: Instant,
) -> Result<Option<Process>, StartError> {
    let Some(mut process) = Process::running(folder, alone)? else { return Ok(None) };
    match process.until_ready(folder, deadline).await {
        Ok(()) => Ok(Some(process)),
        Err(StartError::GaveUp { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Starts the server: at `port`, if those who know it there are to go on.
async fn launch(
    folder: &Folder,
    port: Option<u16>,
    deadline: Instant,
) -> Result<Process, StartError> {
    let installation = Installation::find(&folder.cluster())?;
    match port {
        None => cluster::make_if_missing(folder, &installation).await?,
        // What is gone is not replaced by what is empty.
        Some(_) => cluster::find(folder)?,
    }
    let tries_max = if port.is_some() { TRIES_TO_REVIVE } else { TRIES };
    let mut tries = 0;
    loop {
        tries += 1;
        match launch_once(folder, &installation, port, deadline).await {
            Err(StartError::GaveUp { reason, .. })
                if tries < tries_max || (is_left_behind(&reason) && Instant::now() < deadline) =>
            {
                sleep(RETRY).await;
            }
            outcome => return outcome,
        }
    }
}

/// The children of one that was killed finish what they are at: a checkpoint
/// may take long. They leave by themselves.
fn is_left_behind(reason: &str) -> bool {
    reason.contains("shared memory block")
}

async fn launch_once(
    folder: &Folder,
    installation: &Installation,
    port: Option<u16>,
    deadline: Instant,
) -> Result<Process, StartError> {
    let mut process = Process::spawn(folder, installation, port, deadline).await?;
    process.until_ready(folder, deadline).await?;
    Ok(process)
}

/// Another process was quicker: `duplicate_database`, or the unique violation
/// of two that ran at once.
fn is_duplicate(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("42P04" | "23505"))
}
