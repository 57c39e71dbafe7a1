//! The server as a process: spawned, awaited, asked to leave.

use std::{
    fs::{self, OpenOptions},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::Child,
    time::Duration,
};

use rustix::process::Signal;
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep};

use crate::{
    cluster::{ROLE, last_line},
    error::{StartError, at},
    folder::Folder,
    installation::Installation,
    pid_file::PidFile,
};

/// How often a server that starts or stops is looked at.
const PAUSE: Duration = Duration::from_millis(25);

#[derive(Debug)]
pub(crate) struct Process {
    file: PidFile,
    /// Ours to bury; none if adopted.
    child: Option<Child>,
    cluster: PathBuf,
    /// Where what it has to say begins in the log, among what others said.
    said_from: u64,
}

impl Process {
    /// The server that runs in this folder already, if any.
    ///
    /// `alone` says that no other process uses the folder. Then the pid file of
    /// a server that was killed, and whose number somebody else has now, is
    /// cleared away: PostgreSQL by itself takes the stranger for a server.
    pub(crate) fn running(folder: &Folder, alone: bool) -> Result<Option<Self>, StartError> {
        let cluster = folder.cluster();
        let Some(file) = PidFile::read(&cluster)? else { return Ok(None) };
        if file.runs_on(&cluster) {
            let said_from = length_of_log(folder);
            return Ok(Some(Self { file, child: None, cluster, said_from }));
        }
        if file.names_a_process() {
            if !alone {
                // Its server may run where we cannot see it, in another container.
                return Err(StartError::InUse(folder.path().into()));
            }
            let path = cluster.join("postmaster.pid");
            fs::remove_file(&path).map_err(at(path))?;
        }
        Ok(None)
    }

    /// Starts it: at `port`, if that is given.
    pub(crate) async fn spawn(
        folder: &Folder,
        installation: &Installation,
        port: Option<u16>,
        deadline: Instant,
    ) -> Result<Self, StartError> {
        let port = port.map_or_else(|| free_port(folder), Ok)?;
        let said_from = length_of_log(folder);
        let mut child = spawn(folder, installation, port)?;
        let cluster = folder.cluster();
        loop {
            if let Some(file) = PidFile::read(&cluster)?.filter(|it| it.is(&child)) {
                return Ok(Self { file, child: Some(child), cluster, said_from });
            }
            if !matches!(child.try_wait(), Ok(None)) {
                return Err(gave_up(folder, said_from));
            }
            if deadline < Instant::now() {
                return Err(StartError::TooSlow { path: folder.path().into(), what: "start" });
            }
            sleep(PAUSE).await;
        }
    }

    pub(crate) fn is_adopted(&self) -> bool {
        self.child.is_none()
    }

    pub(crate) fn port(&self) -> u16 {
        self.file.port
    }

    pub(crate) fn url(&self, password: &str, database: &str) -> String {
        format!("postgres://{ROLE}:{password}@127.0.0.1:{}/{database}", self.port())
    }

    /// A child of ours is asked through its handle, which also buries it.
    pub(crate) fn is_alive(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => self.file.runs_on(&self.cluster),
        }
    }

    /// Waits until it answers: after a crash it recovers first.
    pub(crate) async fn until_ready(
        &mut self,
        folder: &Folder,
        deadline: Instant,
    ) -> Result<(), StartError> {
        let url = self.url(&folder.password()?, "postgres");
        loop {
            let error = match PgConnection::connect(&url).await {
                Ok(connection) => return Ok(connection.close().await?),
                Err(error) => error,
            };
            if !self.is_alive() {
                return Err(gave_up(folder, self.said_from));
            }
            if refuses_for_good(&error) {
                return Err(error.into());
            }
            if deadline < Instant::now() {
                let path = folder.path().into();
                return Err(StartError::TooSlow { path, what: "accept connections" });
            }
            sleep(PAUSE).await;
        }
    }

    /// The fast shutdown: clients are sent away, what they committed is kept.
    pub(crate) async fn stop(
        &mut self,
        folder: &Folder,
        deadline: Instant,
    ) -> Result<(), StartError> {
        if !self.is_alive() {
            return Ok(());
        }
        self.file.signal(Signal::INT).map_err(at(folder.path()))?;
        while self.is_alive() {
            if deadline < Instant::now() {
                return Err(StartError::TooSlow { path: folder.path().into(), what: "stop" });
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// Where the server was when it was killed, if that is free: another process
/// may look for it there.
fn free_port(folder: &Folder) -> Result<u16, StartError> {
    let last = PidFile::read(&folder.cluster())?.map(|it| it.port);
    let free = |port| TcpListener::bind(("127.0.0.1", port)).and_then(|it| it.local_addr());
    let last = last.and_then(|it| free(it).ok());
    Ok(last.map_or_else(|| free(0), Ok).map_err(at("127.0.0.1"))?.port())
}

fn spawn(folder: &Folder, installation: &Installation, port: u16) -> Result<Child, StartError> {
    let (program, log) = (installation.program("postgres"), folder.log());
    let output = OpenOptions::new().create(true).append(true).open(&log).map_err(at(&log))?;
    let errors = output.try_clone().map_err(at(&log))?;
    let mut command = folder.account.command(&program);
    command.arg("-D").arg(folder.cluster()).args(["-p", &port.to_string()]);
    // In a process group of its own: a terminal's Ctrl-C is meant for Greffe,
    // which then stops the server in its own time.
    command.stdout(output).stderr(errors).process_group(0);
    command.spawn().map_err(at(program))
}

fn gave_up(folder: &Folder, said_from: u64) -> StartError {
    let log = fs::read(folder.log()).unwrap_or_default();
    let said = usize::try_from(said_from).ok().and_then(|it| log.get(it..)).unwrap_or_default();
    let reason = last_line(&String::from_utf8_lossy(said));
    StartError::GaveUp { program: "postgres", reason }
}

/// None that can be read is empty.
fn length_of_log(folder: &Folder) -> u64 {
    fs::metadata(folder.log()).map_or(0, |it| it.len())
}

/// A wrong password will not become right by waiting.
fn refuses_for_good(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|it| it.starts_with("28"))
}
