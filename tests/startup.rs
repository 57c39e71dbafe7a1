//! A start that cannot finish says why, in one line.

use std::{
    fs::Permissions,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::ensure;
use postgres::testing::Database;

use crate::world::program;

/// What a newer greffe has done to a database.
const OF_A_LATER_VERSION: &str = "
    insert into _sqlx_migrations
        (version, description, installed_on, success, checksum, execution_time)
    values (9999, 'of a later version', now(), true, '', 0)";

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
    let migrated = migrate(&database)?;
    ensure!(migrated.status.success(), "{migrated:?}");
    let db = sqlx::PgPool::connect(database.url()).await?;
    sqlx::query(OF_A_LATER_VERSION).execute(&db).await?;
    db.close().await;

    let output = greffe(&["--database-url", database.url()])?;
    gave_up(&output, "the database is of a newer greffe: it has migration 9999")
}

/// Runs `greffe migrate` to its end.
fn migrate(database: &Database) -> anyhow::Result<Output> {
    Ok(Command::new(program()?)
        .args(["migrate", "--log", "off", "--database-url", database.url()])
        .output()?)
}

/// How many of these tables there are.
async fn tables(db: &sqlx::PgPool, names: &[&str]) -> anyhow::Result<i64> {
    let query = "select count(*) from pg_tables where tablename = any($1)";
    Ok(sqlx::query_scalar(query).bind(names).fetch_one(db).await?)
}

/// Must never: half of the tables, and a message that says that all are there.
#[tokio::test]
async fn a_migration_happens_whole_or_not_at_all_and_is_made_up_for() -> anyhow::Result<()> {
    let database = Database::create().await;
    let db = sqlx::PgPool::connect(database.url()).await?;
    // The last table of the second migration is in the way.
    sqlx::query("create table worker_token (id int)").execute(&db).await?;
    let of_the_second = ["app_user", "password", "session", "refresh_token", "signing_key"];
    for _ in 0..2 {
        gave_up(&migrate(&database)?, "relation \"worker_token\" already exists")?;
        ensure!(tables(&db, &of_the_second).await? == 0, "half of a migration is there");
    }
    sqlx::query("drop table worker_token").execute(&db).await?;
    let migrated = migrate(&database)?;
    ensure!(migrated.status.success(), "{migrated:?}");
    ensure!(tables(&db, &of_the_second).await? == 5);
    ensure!(tables(&db, &["worker_token", "account_keeper"]).await? == 2);
    db.close().await;
    Ok(())
}

/// Must never: a server that seems to work on a part of its tables.
#[tokio::test]
async fn read_models_that_are_not_all_there_stop_the_start() -> anyhow::Result<()> {
    let world = crate::world::World::new().await?;
    let database = world.database().await?;
    let schema = "land_v1";
    let drop = format!("drop table {schema}.land");
    sqlx::query(sqlx::AssertSqlSafe(drop)).execute(&database).await?;
    let ready = reqwest::get(format!("{}/ready", world.base)).await?;
    ensure!(ready.status() == 503, "{}", ready.status());
    let told = ready.text().await?;
    ensure!(told.contains(&format!("{schema}.land is missing")), "{told}");

    let Err(why) = world.restart().await else { anyhow::bail!("it started") };
    let why = format!("{why:#}");
    let advice = format!("{schema}.land is missing: drop the schema {schema}");
    ensure!(why.contains(&advice), "{why}");
    Ok(())
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

/// Expects that a start that went wrong stopped what it had started.
fn stopped(folder: &Path) -> anyhow::Result<()> {
    ensure!(folder.join("cluster/PG_VERSION").exists(), "no server was ever started");
    ensure!(!folder.join("cluster/postmaster.pid").exists(), "its Postgres goes on");
    Ok(())
}

/// Must never: a server that nobody stops, since whoever started it has given up.
#[tokio::test]
async fn a_start_that_cannot_finish_stops_the_database_that_it_started() -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("greffe-given-up-").tempdir()?;
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    let folder = folder.path().join("data");

    let output = greffe(&["--data-dir", text(&folder), "--smtp-url", "nonsense"])?;
    gave_up(&output, "--smtp-url")?;
    stopped(&folder)?;
    // What would start last.
    let output = greffe(&["--data-dir", text(&folder), "--crawl-about", "two\nlines"])?;
    gave_up(&output, "cannot crawl")?;
    stopped(&folder)?;
    // What begins when everything else has started.
    std::fs::write(folder.join("demo"), "in the way")?;
    let output = on(&folder, &["demo", "--exit", "--listen", "127.0.0.1:0"])?;
    gave_up(&output, "demo")?;
    stopped(&folder)?;
    // The command line, and what every command does first.
    in_its_database(&folder, "drop table land_v1.land").await?;
    gave_up(&on(&folder, &["user", "list"])?, "land_v1.land is missing")?;
    stopped(&folder)?;
    in_its_database(&folder, OF_A_LATER_VERSION).await?;
    gave_up(&on(&folder, &["migrate"])?, "the database is of a newer greffe")?;
    stopped(&folder)
}

/// Runs the program on the data of a folder, to its end.
fn on(folder: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(Command::new(program()?)
        .args(arguments)
        .args(["--log", "off", "--data-dir", text(folder)])
        .current_dir(std::env::temp_dir())
        .env_remove("GREFFE_DATABASE_URL")
        .output()?)
}

/// Changes what is in the database of a folder that nobody serves.
async fn in_its_database(folder: &Path, statement: &'static str) -> anyhow::Result<()> {
    let server = postgres::Server::start(&postgres::Settings::new(folder)).await?;
    let db = sqlx::PgPool::connect(&server.url("greffe")).await?;
    sqlx::query(statement).execute(&db).await?;
    db.close().await;
    Ok(server.stop().await?)
}

/// Must never: a mistake in a setting that shows when people are told already that they are served.
#[test]
fn what_is_no_origin_stops_the_start_before_anything_is_started() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let output = greffe(&["--data-dir", text(&data), "--origins", "https://a.example/,*"])?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    ensure!(said.contains("--origins") && said.contains("`https://a.example/`"), "{said}");
    ensure!(!data.exists(), "it was started");
    Ok(())
}
