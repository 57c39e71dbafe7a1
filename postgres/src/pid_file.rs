//! `postmaster.pid`: what PostgreSQL leaves in its data folder while it runs,
//! and after it was killed.

use std::{fs, io, path::Path, process::Child};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::error::{StartError, at};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pid: Pid,
    pub(crate) port: u16,
}

impl PidFile {
    pub(crate) fn read(cluster: &Path) -> Result<Option<Self>, StartError> {
        let path = cluster.join("postmaster.pid");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(path)(error)),
        }
    }

    /// Whether the process of that number lives, whoever it is.
    pub(crate) fn names_a_process(self) -> bool {
        // Not ours to signal is alive, too.
        !matches!(test_kill_process(self.pid), Err(rustix::io::Errno::SRCH))
    }

    /// Whether the process of that number is a server on this very folder. A
    /// number that was given to somebody else since, or a dead process that
    /// nobody has buried, is not.
    pub(crate) fn runs_on(self, cluster: &Path) -> bool {
        if !self.names_a_process() {
            return false;
        }
        match fs::read(format!("/proc/{}/cmdline", self.pid)) {
            Ok(arguments) => serves(&arguments, cluster),
            // Where there is no /proc, the number has to do.
            Err(_) => !Path::new("/proc/self").exists(),
        }
    }

    pub(crate) fn is(self, child: &Child) -> bool {
        self.pid.as_raw_pid().cast_unsigned() == child.id()
    }

    pub(crate) fn signal(self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(self.pid, signal)?)
    }
}

/// The first line is the process, the fourth the port.
fn parse(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    let pid = Pid::from_raw(lines.next()?.trim().parse().ok()?)?;
    let port = lines.nth(2)?.trim().parse().ok()?;
    Some(PidFile { pid, port })
}

/// We always start it as `…/postgres -D CLUSTER …`.
fn serves(arguments: &[u8], cluster: &Path) -> bool {
    let mut arguments = arguments.split(|it| *it == 0);
    arguments.next().is_some_and(|it| it.ends_with(b"postgres"))
        && arguments.any(|it| it == cluster.as_os_str().as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_names_its_process_and_port() {
        let file = parse("4711\n/data/cluster\n1700000000\n54321\n\n127.0.0.1\n").unwrap();
        assert_eq!((file.pid.as_raw_pid(), file.port), (4711, 54321));
        assert_eq!(parse(""), None);
        assert_eq!(parse("4711\n/data"), None);
        assert_eq!(parse("x\n/data\n1\n5432\n"), None);
    }

    #[test]
    fn a_server_is_known_by_its_folder() {
        let line = b"/usr/lib/postgresql/15/bin/postgres\0-D\0/data/cluster\0-p\x005432\0";
        assert!(serves(line, Path::new("/data/cluster")));
        assert!(!serves(line, Path::new("/data/clust")));
        assert!(!serves(b"/bin/cat\0/data/cluster\0", Path::new("/data/cluster")));
        assert!(!serves(b"", Path::new("/data/cluster")));
    }
}
