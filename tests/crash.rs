//! Greffe, its workers and its database are killed with `kill -9`, and every
//! job ends as it should.

mod built_in;
mod database;
mod demonstration;
mod processes;
mod web;

use std::path::Path;

use serde_json::json;

use crate::world::{Caller, eventually};
use processes::Processes;

/// Enough files to be killed in the middle of.
fn files(folder: &Path) -> anyhow::Result<()> {
    // Holes: nothing that others would have to wait for is written.
    let file = |it| std::fs::File::create(folder.join(format!("{it}.bin")));
    (0..40).try_for_each(|it| Ok(file(it)?.set_len(4 * 1024 * 1024)?))
}

async fn progressed(caller: &Caller, job: &str) -> anyhow::Result<()> {
    let query = "query($id: ID!) { job(id: $id) { state progress { done } } }";
    eventually(format!("{job} to progress"), async || {
        let Ok(data) = caller.ask(query, json!({ "id": job })).await else { return Ok(false) };
        Ok(0 < data["job"]["progress"]["done"].as_u64().unwrap_or_default()
            || data["job"]["state"] == "SUCCEEDED")
    })
    .await
}

#[tokio::test]
async fn a_worker_that_is_killed_is_replaced_and_the_job_succeeds() -> anyhow::Result<()> {
    let processes = Processes::new().await?;
    let greffe = processes.greffe("127.0.0.1:0", &[]).await?;
    let caller = processes.member(&greffe.base).await?;
    let input = tempfile::tempdir()?;
    files(input.path())?;
    let job = caller.create_task("checksum", json!({ "folder": input.path() })).await?;

    let mut first = processes.worker(&greffe.base)?;
    progressed(&caller, &job).await?;
    first.kill().await?;
    let _second = processes.worker(&greffe.base)?;

    caller.until(&job, "SUCCEEDED").await?;
    processes.check_the_journal().await
}

#[tokio::test]
async fn greffe_is_killed_again_and_again_and_every_job_succeeds() -> anyhow::Result<()> {
    let processes = Processes::new().await?;
    let mut greffe = processes.greffe("127.0.0.1:0", &[]).await?;
    let listen = greffe.address();
    let caller = processes.member(&greffe.base).await?;
    let input = tempfile::tempdir()?;
    files(input.path())?;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(caller.create_task("checksum", json!({ "folder": input.path() })).await?);
    }
    let _worker = processes.worker(&greffe.base)?;

    for job in &jobs {
        progressed(&caller, job).await?;
        greffe.child.kill().await?;
        greffe = processes.greffe(&listen, &[]).await?;
    }

    for job in &jobs {
        caller.until(job, "SUCCEEDED").await?;
    }
    processes.check_the_journal().await?;
    processes.check_the_tables(greffe).await
}
