//! `make up` and `make down`: a server in the background, and what it leaves.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use anyhow::ensure;

use crate::world::program;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/setup/background.sh");

fn up(data: &Path, listen: &str) -> anyhow::Result<Output> {
    let greffe = program()?;
    Ok(Command::new(SCRIPT)
        .arg("up")
        .args([data, Path::new(listen), &greffe])
        .args(["serve", "--log", "warn", "--listen", listen, "--data-dir"])
        .arg(data)
        .current_dir(std::env::temp_dir())
        .env_remove("GREFFE_DATABASE_URL")
        .output()?)
}

/// Must never: a password of an administrator that everybody on the machine can read, or a first
/// start that root cannot make in a place closed to others.
#[test]
fn a_server_in_the_background_starts_in_a_closed_place_and_tells_its_secret_once()
-> anyhow::Result<()> {
    let closed = tempfile::tempdir()?;
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700))?;
    let data = closed.path().join("greffe-data");
    let free = TcpListener::bind("127.0.0.1:0")?;
    let listen = free.local_addr()?.to_string();
    drop(free);

    let first = up(&data, &listen)?;
    let said = String::from_utf8_lossy(&first.stdout).into_owned();
    let log = data.join("greffe.log");
    let mode = fs::metadata(&log).map(|it| it.permissions().mode() & 0o777);
    let again = up(&data, &listen)?;
    let down = Command::new(SCRIPT).arg("down").arg(&data).output()?;
    let logged = fs::read_to_string(&log);
    let running = data.join("cluster/postmaster.pid").exists();
    // For root, the data are elsewhere.
    if let Ok(kept) = data.canonicalize() {
        fs::remove_dir_all(kept)?;
    }

    ensure!(first.status.success(), "{first:?}");
    let told = said.lines().find(|it| it.starts_with("first administrator"));
    let Some(told) = told else { anyhow::bail!("nobody is told who may sign in: {said}") };
    ensure!(logged?.lines().filter(|it| *it == told).count() == 1);
    let mode = mode?;
    ensure!(mode == 0o600, "others may read the log: {mode:o}");
    let again = String::from_utf8_lossy(&again.stdout).into_owned();
    ensure!(again.starts_with("already running"), "{again}");
    ensure!(down.status.success() && !running, "{down:?}");
    Ok(())
}
