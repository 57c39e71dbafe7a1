//! As whom the server runs. PostgreSQL refuses to run as root, so root lends
//! it an unprivileged user.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use crate::error::{StartError, at};

/// What POSIX systems call a user without any rights, by its usual number.
const NOBODY: (u32, u32) = (65534, 65534);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    Oneself,
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// The user for a new cluster.
    pub(crate) fn new() -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::Oneself;
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let (uid, gid) =
            user(&passwd, "postgres").or_else(|| user(&passwd, "nobody")).unwrap_or(NOBODY);
        Self::Other { uid, gid }
    }

    /// The user for a cluster that may exist: root runs it as its owner.
    pub(crate) fn of(cluster: &Path) -> Self {
        match (Self::new(), fs::metadata(cluster)) {
            (Self::Other { .. }, Ok(it)) if it.uid() != 0 => {
                Self::Other { uid: it.uid(), gid: it.gid() }
            }
            (account, _) => account,
        }
    }

    /// A program to be run as this user. It starts in `/`, since the user may
    /// not be allowed where we are, and sees no `PG…` variable of ours.
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        if let Self::Other { uid, gid } = self {
            // With no groups named, the standard library drops root's own.
            command.uid(uid).gid(gid);
        }
        command
    }

    pub(crate) fn give(self, path: &Path) -> Result<(), StartError> {
        match self {
            Self::Oneself => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid)).map_err(at(path)),
        }
    }

    /// Whether this user may pass through a folder. Asked of the system, since
    /// modes of all parents, access lists and mounts have a say.
    pub(crate) fn may_enter(self, folder: &Path) -> bool {
        match self {
            Self::Oneself => true,
            Self::Other { .. } => self
                .command(Path::new("test"))
                .arg("-x")
                .arg(folder)
                .status()
                .is_ok_and(|it| it.success()),
        }
    }
}

fn user(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        (found && uid != 0).then_some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::user;

    #[test]
    fn users_are_found_by_their_whole_name_and_root_is_never_lent() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\n\
                      postgresx:x:7:7::/:/bin/sh\n\
                      postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash\n\
                      broken line\n\
                      nobody:x:65534:65534::/:/bin/false\n";
        assert_eq!(user(passwd, "postgres"), Some((101, 104)));
        assert_eq!(user(passwd, "nobody"), Some((65534, 65534)));
        assert_eq!(user(passwd, "root"), None);
        assert_eq!(user(passwd, "broken line"), None);
    }
}
