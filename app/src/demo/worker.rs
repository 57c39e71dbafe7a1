//! The demonstration's worker: a program of its own, in Python, as anybody
//! else would write one.

use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use anyhow::Context;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

/// How long it is given to put down what it is at.
const PATIENCE: Duration = Duration::from_secs(10);

/// The program, and the module that it uses, as they are in `clients/python`.
const FILES: [(&str, &str); 2] = [
    ("greffe_worker.py", include_str!("../../../clients/python/greffe_worker.py")),
    (
        "examples/checksum_worker.py",
        include_str!("../../../clients/python/examples/checksum_worker.py"),
    ),
];

/// The worker, running. It ends with this process, however that ends: nobody
/// holds the other end of its input then.
pub(super) struct Worker {
    process: Child,
    folder: PathBuf,
}

impl Worker {
    /// Starts it. The token goes by the environment, where others do not see it.
    pub(super) fn start(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let folder = unpack().context("cannot unpack the worker")?;
        let process = Command::new("python3")
            .arg(folder.join("examples/checksum_worker.py"))
            .env("GREFFE_URL", format!("http://{address}"))
            .env("GREFFE_TOKEN", token)
            .env("GREFFE_STOP_WITH_STDIN", "1")
            .env("PYTHONPATH", &folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the worker: python3 is needed for the demonstration")?;
        Ok(Self { process, folder })
    }

    /// Lets it give back what it holds.
    pub(super) async fn stop(mut self) {
        drop(self.process.stdin.take());
        if timeout(PATIENCE, self.process.wait()).await.is_err() {
            tracing::warn!("the worker did not stop in time and is killed");
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::debug!(%error, "the worker's files stay");
        }
    }
}

fn unpack() -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("greffe-demo-{}", std::process::id()));
    for (name, text) in FILES {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
        std::fs::write(path, text)?;
    }
    Ok(folder)
}
