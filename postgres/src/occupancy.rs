//! Which processes use one data folder.
//!
//! Several may: the first starts the server, the others adopt it, the last one
//! stops it. The kernel keeps the count in file locks, so a process that is
//! killed is counted out.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::error::{StartError, at};

/// How often a busy lock is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// The right to start, adopt or stop: one process at a time has it.
#[derive(Debug)]
pub(crate) struct Turn {
    _lock: File,
    users: PathBuf,
}

impl Turn {
    pub(crate) async fn take(folder: &Path, deadline: Instant) -> Result<Self, StartError> {
        let path = folder.join("turn.lock");
        let file = open(&path)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _lock: file, users: folder.join("users.lock") }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(PAUSE).await,
                Err(TryLockError::WouldBlock) => {
                    return Err(StartError::InUse(folder.to_path_buf()));
                }
                Err(TryLockError::Error(error)) => return Err(at(path)(error)),
            }
        }
    }
}

/// One process among the users of a folder, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Occupancy {
    users: File,
    /// Whether nobody else was there on entering.
    pub(crate) alone: bool,
}

impl Occupancy {
    pub(crate) fn enter(turn: &Turn) -> Result<Self, StartError> {
        let users = open(&turn.users)?;
        let alone = exclusive(&users, &turn.users)?;
        // Exclusive locks are held within a turn only, so this does not wait.
        users.lock_shared().map_err(at(&turn.users))?;
        Ok(Self { users, alone })
    }

    /// Whether nobody else is there now.
    pub(crate) fn is_alone(&self, turn: &Turn) -> Result<bool, StartError> {
        let alone = self.leave(turn)?;
        // Nobody has come or gone meanwhile: that takes a turn.
        self.users.lock_shared().map_err(at(&turn.users))?;
        Ok(alone)
    }

    /// Says whether this was the last user.
    pub(crate) fn leave(&self, turn: &Turn) -> Result<bool, StartError> {
        self.users.unlock().map_err(at(&turn.users))?;
        exclusive(&self.users, &turn.users)
    }
}

fn exclusive(file: &File, path: &Path) -> Result<bool, StartError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(at(path)(error)),
    }
}

fn open(path: &Path) -> Result<File, StartError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).map_err(at(path))
}
