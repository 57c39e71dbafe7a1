//! Where the data is, and what lies beside it.
//!
//! ```text
//!   cluster/      the data, owned by the server's user
//!   password      of the one role, readable by the server's user alone
//!   server.log    what the server has to say
//!   turn.lock, users.lock
//! ```

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    account::Account,
    error::{StartError, at},
};

/// Where root keeps data that was asked for in a closed place.
const OPEN_PLACE: &str = "/var/lib/greffe";

#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    pub(crate) account: Account,
}

impl Folder {
    /// Finds or makes the folder, in a place that the server's user can reach.
    ///
    /// When root asks for a place closed to everybody else, the data goes to
    /// [`OPEN_PLACE`] and a link takes its stead: whoever moves the link keeps
    /// the data.
    pub(crate) fn prepare(wanted: &Path) -> Result<Self, StartError> {
        let wanted = std::path::absolute(wanted).map_err(at(wanted))?;
        if wanted.symlink_metadata().is_err() {
            make(&wanted)?;
        }
        let path = wanted.canonicalize().map_err(at(&wanted))?;
        let account = Account::of(&path.join("cluster"));
        match account {
            Account::Other { uid, .. } if !account.may_enter(&path) => {
                Err(StartError::Unreachable { path, uid })
            }
            Account::Other { .. } | Account::Oneself => Ok(Self { path, account }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn cluster(&self) -> PathBuf {
        self.path.join("cluster")
    }

    /// Where a cluster is made, before it is whole.
    pub(crate) fn unfinished(&self) -> PathBuf {
        self.path.join("cluster.unfinished")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    pub(crate) fn password_file(&self) -> PathBuf {
        self.path.join("password")
    }

    pub(crate) fn password(&self) -> Result<String, StartError> {
        let path = self.password_file();
        Ok(fs::read_to_string(&path).map_err(at(path))?.trim().to_owned())
    }

    pub(crate) fn write_password(&self) -> Result<(), StartError> {
        let path = self.password_file();
        // A file left by an interrupted start may belong to another user.
        if path.exists() {
            fs::remove_file(&path).map_err(at(&path))?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(&path).map_err(at(&path))?;
        let password = hex::encode(rand::random::<[u8; 24]>());
        writeln!(file, "{password}").and_then(|()| file.sync_all()).map_err(at(&path))?;
        self.account.give(&path)
    }
}

fn make(wanted: &Path) -> Result<(), StartError> {
    let account = Account::new();
    let parent = wanted.parent().unwrap_or(wanted);
    fs::create_dir_all(parent).map_err(at(parent))?;
    if account.may_enter(parent) {
        return make_one(wanted, account);
    }
    let elsewhere = Path::new(OPEN_PLACE).join(name_elsewhere(wanted));
    fs::create_dir_all(OPEN_PLACE).map_err(at(OPEN_PLACE))?;
    if !elsewhere.exists() {
        make_one(&elsewhere, account)?;
    }
    symlink(&elsewhere, wanted).map_err(at(wanted))?;
    tracing::warn!(
        asked = %wanted.display(),
        kept = %elsewhere.display(),
        "the database server cannot enter the folder asked for, its data is kept elsewhere"
    );
    Ok(())
}

/// The mode is set apart from the making, so that a strict umask does not
/// lock the server out.
fn make_one(path: &Path, account: Account) -> Result<(), StartError> {
    let mode = match account {
        Account::Oneself => 0o700,
        Account::Other { .. } => 0o755,
    };
    DirBuilder::new().mode(mode).create(path).map_err(at(path))?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(at(path))
}

/// One name per path: its last two parts for people, a digest for certainty.
fn name_elsewhere(wanted: &Path) -> String {
    let digest = hex::encode(Sha256::digest(wanted.as_os_str().as_encoded_bytes()));
    let part = |path: Option<&Path>| {
        path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
    };
    format!("{}-{}-{}", part(wanted.parent()), part(Some(wanted)), &digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_elsewhere_are_readable_and_never_shared() {
        let of = |path: &str| name_elsewhere(Path::new(path));
        assert!(of("/root/app/greffe-data/postgres").starts_with("greffe-data-postgres-"));
        assert_ne!(of("/root/a/greffe-data/postgres"), of("/root/b/greffe-data/postgres"));
        assert_ne!(of("/root/a-/b"), of("/root/a/-b"));
        assert!(!of("/x").contains('/'));
    }
}
