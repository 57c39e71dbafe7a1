//! A folder that goes when the test does.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::process::{Pid, Signal, getpid, kill_process};

/// Where anybody may go: a server started by root is not root.
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("greffe-postgres-{}-{count}", process::id()));
        fs::create_dir(&path).expect("a temporary folder can be made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Self(path.canonicalize().expect("it exists"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // A failed test leaves its server behind, which is of no use to anybody.
        if let Ok(text) = fs::read_to_string(self.0.join("cluster/postmaster.pid"))
            && let Some(pid) = text.lines().next().and_then(|it| it.parse().ok())
            && let Some(pid) = Pid::from_raw(pid).filter(|it| *it != getpid())
        {
            kill_process(pid, Signal::QUIT).ok();
        }
        fs::remove_dir_all(&self.0).ok();
    }
}
