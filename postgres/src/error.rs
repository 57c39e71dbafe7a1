//! What can go wrong, by what the operator can do about it.

use std::{io, path::PathBuf};

/// Why there is no server to talk to. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Install it, or bring another database.
    #[error(
        "no PostgreSQL 14 or newer found: run `make setup`, or `apt-get install postgresql`, \
         or give `--database-url`"
    )]
    NotInstalled,
    /// `GREFFE_POSTGRES_BIN` is wrong: mend or unset it.
    #[error(
        "GREFFE_POSTGRES_BIN is `{0}`, which holds no `postgres` and `initdb` of version 14 or newer"
    )]
    WrongBin(PathBuf),
    /// The data was written by another major version: install that one.
    #[error(
        "the data in `{cluster}` is of PostgreSQL {wanted}, which is not installed: \
         `apt-get install postgresql-{wanted}`, or set GREFFE_POSTGRES_BIN"
    )]
    OtherVersion {
        /// The data folder.
        cluster: PathBuf,
        /// The major version that wrote it.
        wanted: u32,
    },
    /// Started by root, and the server's unprivileged user cannot get there.
    #[error(
        "`{path}` is closed to user {uid}, as whom PostgreSQL runs: open its parent folders \
         (chmod o+x), or choose another data folder"
    )]
    Unreachable {
        /// The data folder.
        path: PathBuf,
        /// The unprivileged user.
        uid: u32,
    },
    /// Somebody else is at it: stop that one, or choose another folder.
    #[error("`{0}` is in use by another process")]
    InUse(PathBuf),
    /// It was started again while it was down, elsewhere: start anew, to find
    /// it there.
    #[error("PostgreSQL in `{path}` is not at port {port} any more: start again")]
    Moved {
        /// The folder.
        path: PathBuf,
        /// Where it was.
        port: u16,
    },
    /// The database would lose what it acknowledged: change the setting.
    #[error("the database has `{setting} = off` and would lose events: set it to `on`")]
    NotDurable {
        /// The setting.
        setting: String,
    },
    /// A program of PostgreSQL gave up, and said why.
    #[error("`{program}` gave up: {reason}")]
    GaveUp {
        /// The program.
        program: &'static str,
        /// Its last words.
        reason: String,
    },
    /// It runs, and does not do what it is asked to within the time given.
    #[error("PostgreSQL in `{path}` did not {what} in time, see `server.log` there")]
    TooSlow {
        /// The folder with its log.
        path: PathBuf,
        /// What was waited for.
        what: &'static str,
    },
    /// A file cannot be read or written: rights, or a full disk.
    #[error("cannot use `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database cannot be reached, or refuses.
    #[error("the database does not answer as it should")]
    Database(#[from] sqlx::Error),
}

/// Says which file an I/O error is about.
pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> StartError {
    let path = path.into();
    move |source| StartError::File { path, source }
}
