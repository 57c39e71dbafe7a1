//! A start that cannot finish says why, in one line.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::ensure;
use postgres::testing::Database;

use crate::world::program;

/// Runs the program to its end.
fn greffe(arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(Command::new(program()?)
        .args(["serve", "--log", "off", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .env_remove("DATABASE_URL")
        .output()?)
}

/// Expects that it gave up, and that it said why in one line.
fn gave_up(output: &Output, why: &str) -> anyhow::Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "it started");
    ensure!(said.trim_end().lines().count() == 1, "more than one line:\n{said}");
    ensure!(said.contains(why), "`{why}` is not in: {said}");
    Ok(())
}

fn file(name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("greffe-{}-{name}", std::process::id()));
    std::fs::write(&path, text)?;
    Ok(path)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ours is text")
}

#[test]
fn a_taken_port_stops_the_start() -> anyhow::Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let output = Command::new(program()?)
        .args(["serve", "--log", "off", "--listen", &address])
        .current_dir(std::env::temp_dir())
        .output()?;
    gave_up(&output, &format!("cannot listen on {address}: Address already in use"))
}

#[test]
fn a_database_that_does_not_answer_stops_the_start() -> anyhow::Result<()> {
    let nobody = TcpListener::bind("127.0.0.1:0")?;
    let port = nobody.local_addr()?.port();
    drop(nobody);
    let url = format!("postgres://greffe@127.0.0.1:{port}/greffe");
    gave_up(&greffe(&["--database-url", &url])?, "cannot use --database-url")
}

#[test]
fn a_service_file_that_cannot_be_read_stops_the_start() -> anyhow::Result<()> {
    let missing = greffe(&["--services", "/nowhere/services.yaml"])?;
    gave_up(&missing, "cannot read /nowhere/services.yaml")?;

    let odd = file("odd.yaml", "services:\n  - name: ocr\n    lease_s: soon\n")?;
    gave_up(&greffe(&["--services", text(&odd)])?, "line 3")?;
    Ok(std::fs::remove_file(odd)?)
}

#[tokio::test]
async fn a_journal_of_a_newer_greffe_stops_the_start() -> anyhow::Result<()> {
    let database = Database::create().await;
    let migrated = Command::new(program()?)
        .args(["migrate", "--log", "off", "--database-url", database.url()])
        .output()?;
    ensure!(migrated.status.success(), "{migrated:?}");
    let db = sqlx::PgPool::connect(database.url()).await?;
    sqlx::query(
        "insert into _sqlx_migrations
             (version, description, installed_on, success, checksum, execution_time)
         values (9999, 'of a later version', now(), true, '', 0)",
    )
    .execute(&db)
    .await?;
    db.close().await;

    let output = greffe(&["--database-url", database.url()])?;
    gave_up(&output, "the database is of a newer greffe: it has migration 9999")
}

#[tokio::test]
async fn a_database_without_fsync_stops_the_start() -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("greffe-fsync-").tempdir()?;
    let folder = folder.path().join("data");
    let settings = postgres::Settings::new(&folder);
    let server = postgres::Server::start(&settings).await?;
    let db = sqlx::PgPool::connect(&server.url("postgres")).await?;
    sqlx::query("alter system set fsync = off").execute(&db).await?;
    db.close().await;
    server.stop().await?;

    let output = greffe(&["--data-dir", text(&folder)])?;
    gave_up(&output, "the database has `fsync = off`")
}
