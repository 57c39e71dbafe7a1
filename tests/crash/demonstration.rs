//! The demonstration is killed in the middle of each of its three kinds of
//! jobs, and started again.

use std::{
    collections::BTreeMap,
    fs::{File, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use anyhow::{Context, ensure};
use domain::{
    JobId,
    job::{JobState, Phase, Spec},
};
use journal::postgres::{PostgresJournal, Settings};
use postgres::Server;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::process::Command;

use super::{
    processes::{Greffe, Told, jobs},
    web::Model,
};
use crate::world::{eventually, program};

/// Folders of the first run: a task each, with enough to do.
const FOLDERS: usize = 3;

/// What is in each. Holes cost no disk, and as much time as anything else.
const FILES: (usize, u64) = (16, 32 * 1024 * 1024);

/// The demonstration, as `make run` starts it, with a folder of its own.
async fn demonstration(data: &Path, folder: &Path, more: &[&str]) -> anyhow::Result<Greffe> {
    let mut command = Command::new(program()?);
    command
        .args(["demo", "--exit", "--listen", "127.0.0.1:0", "--rescue-grace-s", "0"])
        .arg("--data-dir")
        .arg(data)
        .arg("--folder")
        .arg(folder)
        .args(more);
    Greffe::started(command).await
}

/// Where a demonstration has its data. Its database server may have to run as
/// somebody else.
fn place() -> anyhow::Result<TempDir> {
    let place = tempfile::tempdir()?;
    std::fs::set_permissions(place.path(), Permissions::from_mode(0o755))?;
    Ok(place)
}

/// The database server of a demonstration that runs, or did until it was killed.
async fn server_of(data: &Path) -> anyhow::Result<(Server, PostgresJournal)> {
    let server = Server::start(&postgres::Settings::new(data)).await?;
    ensure!(server.adopted(), "the demonstration has no server of its own");
    let (url, settings) = (server.url("greffe"), Settings::default());
    let journal = PostgresJournal::connect(&url, settings, vec![]).await?;
    Ok((server, journal))
}

/// The kinds of which a job is held and has come somewhere.
fn under_way(jobs: &BTreeMap<JobId, Told>) -> [bool; 3] {
    let mut kinds = [false; 3];
    for told in jobs.values() {
        let Some(present) = told.job.present() else { continue };
        if matches!(present.phase, Phase::Running(_)) && 0 < told.reports {
            kinds[kind(&present.spec)] = true;
        }
    }
    kinds
}

fn kind(spec: &Spec) -> usize {
    match spec {
        Spec::Task(_) => 0,
        Spec::Crawl(_) => 1,
        Spec::Report(_) => 2,
    }
}

#[tokio::test]
async fn the_demonstration_that_was_killed_in_the_middle_of_each_succeeds_when_started_again()
-> anyhow::Result<()> {
    let place = place()?;
    let (data, folder, other) =
        (place.path().join("data"), place.path().join("folder"), place.path().join("other"));
    for at in 0..FOLDERS {
        let folder = folder.join(at.to_string());
        std::fs::create_dir_all(&folder)?;
        for at in 0..FILES.0 {
            File::create(folder.join(at.to_string()))?.set_len(FILES.1)?;
        }
    }
    std::fs::create_dir(&other)?;
    std::fs::write(other.join("light"), "a light")?;
    let mut model = Model::start().await?;

    let mut first = demonstration(&data, &folder, &model.flags()).await?;
    let (server, journal) = server_of(&data).await?;
    model.until_asked(1).await?;
    model.answer(1);
    model.until_asked(2).await?;
    eventually("a job of each kind to be under way".to_owned(), async || {
        Ok(under_way(&jobs(&journal).await?) == [true; 3])
    })
    .await?;
    first.child.kill().await?;
    let mut interrupted: Vec<JobId> = Vec::new();
    let mut kinds = [false; 3];
    for (id, told) in jobs(&journal).await? {
        let present = told.job.present().context("a job")?;
        if matches!(present.phase, Phase::Running(_)) {
            interrupted.push(id);
            kinds[kind(&present.spec)] = true;
        }
    }
    ensure!(kinds == [true; 3], "it was killed in the middle of {kinds:?}");

    model.answer(1_000);
    let second = demonstration(&data, &other, &model.flags()).await?;
    let (said, well) = second.ended().await?;
    ensure!(well, "the second run ended badly:\n{said}");
    ensure!(said.contains("were left unfinished: going on"), "nothing was left:\n{said}");
    let jobs = jobs(&journal).await?;
    ensure!(jobs.len() == FOLDERS + 1 + 2 * 2, "{} jobs", jobs.len());
    for (id, told) in &jobs {
        let present = told.job.present().context("a job")?;
        ensure!(present.state() == JobState::Succeeded, "{id} is {}", present.state());
        let losses = u32::from(interrupted.contains(id));
        ensure!(present.losses == losses, "{id} was interrupted {} times", present.losses);
        ensure!(losses == 0 || said.contains(&id.to_string()), "nothing of {id} in:\n{said}");
    }
    crate::invariants::check(&journal).await?;
    journal.close().await;
    Ok(server.stop().await?)
}

/// Must never: a job that is left unended because the tables did not show it yet
/// when it was looked for.
#[tokio::test]
async fn a_job_that_no_table_shows_yet_is_gone_on_with_too() -> anyhow::Result<()> {
    let place = place()?;
    let (data, folder, other) =
        (place.path().join("data"), place.path().join("folder"), place.path().join("other"));
    for at in 0..30 {
        std::fs::create_dir_all(folder.join(at.to_string()))?;
    }
    std::fs::create_dir(&other)?;
    let mut first = demonstration(&data, &folder, &[]).await?;
    let (server, journal) = server_of(&data).await?;
    // From here on the table stays as it is, and is read as before.
    let mut connection = PgConnection::connect(&server.url("greffe")).await?;
    let schema: String =
        sqlx::query_scalar("select schemaname::text from pg_tables where tablename = 'job_list'")
            .fetch_one(&mut connection)
            .await?;
    let table = format!("{schema}.job_list");
    let lock = AssertSqlSafe(format!("begin; lock table {table} in share mode"));
    sqlx::raw_sql(lock).execute(&mut connection).await?;
    let count = AssertSqlSafe(format!("select count(*) from {table}"));
    let shown: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await?;
    let made = async || anyhow::Ok(jobs(&journal).await?.len());
    eventually("a job that is not shown".to_owned(), async || {
        Ok(usize::try_from(shown)? < made().await?)
    })
    .await?;
    first.child.kill().await?;
    let before = made().await?;

    let mut second = demonstration(&data, &other, &[]).await?;
    second.until_it_says("the tables are behind the journal").await?;
    connection.close().await?;
    let (said, well) = second.ended().await?;
    ensure!(well, "the second run ended badly:\n{said}");
    let jobs = jobs(&journal).await?;
    ensure!(jobs.len() == before + 3, "{} jobs, and {before} before", jobs.len());
    for (id, told) in &jobs {
        let state = told.job.present().context("a job")?.state();
        ensure!(state == JobState::Succeeded, "{id} is {state}:\n{said}");
    }
    journal.close().await;
    Ok(server.stop().await?)
}

/// Must never: a failure that is told as a success.
#[tokio::test]
async fn a_demonstration_of_which_a_job_has_failed_ends_badly() -> anyhow::Result<()> {
    let place = place()?;
    let (data, folder) = (place.path().join("data"), place.path().join("folder"));
    let (light, heavy) = (folder.join("light"), folder.join("heavy"));
    std::fs::create_dir_all(&light)?;
    std::fs::create_dir(&heavy)?;
    // More than its worker can tell of in one result.
    for at in 0..3_000 {
        File::create(heavy.join(at.to_string()))?;
    }
    let (said, well) = demonstration(&data, &folder, &[]).await?.ended().await?;
    let states: Vec<_> = ["FAILED", "SUCCEEDED"].map(|it| said.matches(it).count()).into();
    ensure!(!well, "it has succeeded:\n{said}");
    ensure!(states.iter().all(|it| 0 < *it), "{said}");
    Ok(())
}
