//! `make up` and `make down`: a server in the background, and what it leaves.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use anyhow::ensure;
use postgres::testing::Database;
use projections::{Projection, job_timeline::JobTimeline};
use sqlx::PgPool;
use tempfile::TempDir;

use crate::world::program;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/setup/background.sh");

/// What `make up` does, on an operator's database if there is one.
fn up(data: &Path, listen: &str, database: Option<&Database>) -> anyhow::Result<Output> {
    let greffe = program()?;
    let mut command = Command::new(SCRIPT);
    match database {
        Some(database) => command.env("GREFFE_DATABASE_URL", database.url()),
        None => command.env_remove("GREFFE_DATABASE_URL"),
    };
    Ok(command
        .arg("up")
        .args([data, Path::new(listen), &greffe])
        .args(["serve", "--log", "warn", "--listen", listen, "--data-dir"])
        .arg(data)
        .current_dir(std::env::temp_dir())
        .env("GREFFE_UP_PATIENCE_S", "60")
        .output()?)
}

fn down(data: &Path) -> anyhow::Result<Output> {
    Ok(Command::new(SCRIPT).arg("down").arg(data).output()?)
}

fn free_address() -> anyhow::Result<String> {
    let free = TcpListener::bind("127.0.0.1:0")?;
    Ok(free.local_addr()?.to_string())
}

fn told(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Must never: a password of an administrator that everybody on the machine can read, or a first
/// start that root cannot make in a place closed to others.
#[test]
fn a_server_in_the_background_starts_in_a_closed_place_and_tells_its_secret_once()
-> anyhow::Result<()> {
    let closed = tempfile::tempdir()?;
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700))?;
    let data = closed.path().join("greffe-data");
    let listen = free_address()?;

    let first = up(&data, &listen, None)?;
    let said = told(&first.stdout);
    let log = data.join("greffe.log");
    let mode = fs::metadata(&log).map(|it| it.permissions().mode() & 0o777);
    let again = up(&data, &listen, None)?;
    let down = down(&data)?;
    let logged = fs::read_to_string(&log);
    let running = data.join("cluster/postmaster.pid").exists();
    // For root, the data are elsewhere.
    if let Ok(kept) = data.canonicalize() {
        fs::remove_dir_all(kept)?;
    }

    ensure!(first.status.success(), "{first:?}");
    let secret = said.lines().find(|it| it.starts_with("first administrator"));
    let Some(secret) = secret else { anyhow::bail!("nobody is told who may sign in: {said}") };
    ensure!(logged?.lines().filter(|it| *it == secret).count() == 1);
    let mode = mode?;
    ensure!(mode == 0o600, "others may read the log: {mode:o}");
    let again = told(&again.stdout);
    ensure!(again.starts_with("already running"), "{again}");
    ensure!(down.status.success() && !running, "{down:?}");
    Ok(())
}

/// Must never: "running", and whoever answers there is another server with other data.
#[tokio::test]
async fn a_server_that_found_its_address_taken_does_not_run() -> anyhow::Result<()> {
    let (mine, theirs) = (TempDir::new()?, TempDir::new()?);
    let (database, other) = (Database::create().await, Database::create().await);
    let listen = free_address()?;

    let first = up(theirs.path(), &listen, Some(&other))?;
    let second = up(mine.path(), &listen, Some(&database))?;
    down(theirs.path())?;
    down(mine.path())?;

    ensure!(first.status.success(), "{first:?}");
    let (said, why) = (told(&second.stdout), told(&second.stderr));
    ensure!(!second.status.success() && said.is_empty(), "{second:?}");
    ensure!(why.contains(&format!("cannot listen on {listen}")), "{why}");
    ensure!(!mine.path().join("greffe.pid").exists(), "it is taken for running");
    Ok(())
}

/// Must never: a wait without end and without a word.
#[tokio::test]
async fn a_server_that_does_not_become_ready_says_what_is_amiss() -> anyhow::Result<()> {
    let data = TempDir::new()?;
    let database = Database::create().await;
    let listen = free_address()?;
    let first = up(data.path(), &listen, Some(&database))?;
    let db = PgPool::connect(database.url()).await?;
    let taken_away = JobTimeline::TABLES.schema();
    let taken = sqlx::query(sqlx::AssertSqlSafe(format!("drop schema {taken_away} cascade")));
    let taken = taken.execute(&db).await;
    db.close().await;

    let again = Command::new("timeout")
        .args(["20", SCRIPT, "up"])
        .args([data.path(), Path::new(&listen), &program()?])
        .env("GREFFE_UP_PATIENCE_S", "1")
        .output()?;
    down(data.path())?;

    taken?;
    ensure!(first.status.success(), "{first:?}");
    let why = told(&again.stderr);
    ensure!(again.status.code() == Some(1), "{again:?}");
    ensure!(why.contains("not ready after 1 seconds"), "{why}");
    ensure!(why.contains(&format!("{taken_away}.")) && why.contains("is missing"), "{why}");
    Ok(())
}

/// Must never: what a newer process serves from, taken back in passing. `greffe migrate` does that,
/// and has to be asked for.
#[tokio::test]
async fn a_first_start_leaves_an_operators_database_to_the_server() -> anyhow::Result<()> {
    let place = TempDir::new()?;
    let data = place.path().join("greffe-data");
    let database = Database::create().await;
    let db = PgPool::connect(database.url()).await?;
    sqlx::query("create schema job_ready_v999").execute(&db).await?;

    let refused = up(&data, &free_address()?, Some(&database))?;
    down(&data)?;
    let there = "select count(*) from pg_namespace where nspname = 'job_ready_v999'";
    let there: i64 = sqlx::query_scalar(there).fetch_one(&db).await?;

    ensure!(there == 1, "it was removed: {refused:?}");
    let why = told(&refused.stderr);
    ensure!(!refused.status.success() && why.contains("job_ready_v999"), "{refused:?}");
    Ok(())
}

/// Every target that is told where the data are is told so in one word.
#[test]
fn data_may_be_in_a_folder_with_a_space_in_its_name() -> anyhow::Result<()> {
    let printed = Command::new("make")
        .args(["--dry-run", "up", "down", "logs", "migrate", "run", "DATA=/nowhere/my data"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env("LISTEN", "127.0.0.1:0")
        .output()?;
    let recipes = told(&printed.stdout);
    ensure!(printed.status.success(), "{printed:?}");
    let (named, quoted) = ("/nowhere/my data", "\"/nowhere/my data");
    ensure!(recipes.matches(named).count() == 6, "{recipes}");
    ensure!(recipes.matches(quoted).count() == 6, "{recipes}");
    Ok(())
}
