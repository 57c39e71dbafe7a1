//! Makes the data folder: `initdb`, then the settings. Whole or not at all.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::Write,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use crate::{
    error::{StartError, at},
    folder::Folder,
    installation::Installation,
};

/// The one role, a superuser on a server that only this host can reach.
pub(crate) const ROLE: &str = "greffe";

/// Appended to `postgresql.conf`, where an operator may change them. What
/// durability rests on is left at its default and checked at every start.
const SETTINGS: &str = "
# Written by Greffe when it made this folder; yours to change.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = on
jit = off
random_page_cost = 1.1
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
cluster_name = 'greffe'
";

/// Makes the cluster if there is none. It is made beside its place and moved
/// there when whole, so that a start that was killed leaves nothing half-made.
pub(crate) async fn make_if_missing(
    folder: &Folder,
    installation: &Installation,
) -> Result<(), StartError> {
    let cluster = folder.cluster();
    if cluster.exists() {
        return Ok(());
    }
    let unfinished = folder.unfinished();
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(at(&unfinished))?;
    }
    DirBuilder::new().mode(0o700).create(&unfinished).map_err(at(&unfinished))?;
    folder.account.give(&unfinished)?;
    folder.write_password()?;
    tracing::info!(
        folder = %cluster.display(),
        version = installation.major,
        "making a database cluster"
    );
    initdb(folder, installation, &unfinished).await?;
    append_settings(&unfinished)?;
    fs::rename(&unfinished, &cluster).map_err(at(&cluster))?;
    let parent = folder.path();
    File::open(parent).and_then(|it| it.sync_all()).map_err(at(parent))
}

/// Makes sure that there is a cluster.
pub(crate) fn find(folder: &Folder) -> Result<(), StartError> {
    let version = folder.cluster().join("PG_VERSION");
    fs::metadata(&version).map(drop).map_err(at(version))
}

async fn initdb(
    folder: &Folder,
    installation: &Installation,
    cluster: &Path,
) -> Result<(), StartError> {
    let mut command = folder.account.command(&installation.program("initdb"));
    command.arg("-D").arg(cluster).arg("--pwfile").arg(folder.password_file()).args([
        "--username",
        ROLE,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        // Bytes sort the same on every host, whatever its C library; letters
        // are letters in every language.
        "--locale=C",
        "--lc-ctype=C.UTF-8",
        "--data-checksums",
    ]);
    let answer = tokio::process::Command::from(command)
        .output()
        .await
        .map_err(at(installation.program("initdb")))?;
    if answer.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&answer.stderr);
    Err(StartError::GaveUp { program: "initdb", reason: last_line(&reason) })
}

fn append_settings(cluster: &Path) -> Result<(), StartError> {
    let path = cluster.join("postgresql.conf");
    let mut file = OpenOptions::new().append(true).open(&path).map_err(at(&path))?;
    file.write_all(SETTINGS.as_bytes()).and_then(|()| file.sync_all()).map_err(at(path))
}

/// The last thing said that matters: errors come before their hints.
pub(crate) fn last_line(text: &str) -> String {
    let grave = |it: &&str| it.contains("FATAL:") || it.contains("error:") || it.contains("PANIC:");
    let line = text.lines().rfind(grave).or_else(|| text.lines().rfind(|it| !it.trim().is_empty()));
    line.unwrap_or("it said nothing").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::last_line;

    #[test]
    fn the_reason_is_the_last_error_rather_than_its_hint() {
        let log = "LOG: starting\nFATAL:  could not bind\nHINT:  is another one running?\n";
        assert_eq!(last_line(log), "FATAL:  could not bind");
        assert_eq!(last_line("hello\n\n"), "hello");
        assert_eq!(last_line(""), "it said nothing");
    }
}
