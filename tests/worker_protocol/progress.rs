//! Progress is recorded a few times a second, and its end always.

use anyhow::ensure;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::worker::{Auditor, Worker};
use crate::world::{World, eventually};

#[tokio::test]
async fn of_much_progress_little_is_recorded_and_the_last_always() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, auditor) = (world.member("ann").await?, Auditor::new(&world).await?);
    let worker = Worker::new(&world).await?;
    ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    let begun = Instant::now();
    for done in 1..=60 {
        let progress = json!({ "seq": done, "done": done, "total": 60, "message": "page" });
        worker.beat(&lease, json!({ "progress": progress })).await?;
    }
    ensure!(worker.settle(&lease, json!({ "outcome": "succeeded" })).await?.0 == 200);
    let lasted_ms = u64::try_from(begun.elapsed().as_millis())?;

    let recorded = auditor.events("job", &lease["job_id"], "ProgressReported").await?;
    let done: Vec<u64> = recorded.iter().filter_map(|it| it["progress"]["done"].as_u64()).collect();
    ensure!(done.is_sorted_by(|a, b| a < b) && done.last() == Some(&60), "{done:?}");
    ensure!(done.len() as u64 <= lasted_ms / 334 + 2, "{done:?} in {lasted_ms} ms");
    world.end().await
}

#[tokio::test]
async fn progress_that_came_too_soon_is_recorded_without_being_repeated() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let worker = Worker::new(&world).await?;
    let job = ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    for done in 1..=3 {
        worker.beat(&lease, json!({ "progress": { "done": done } })).await?;
    }
    let query = "query($id: ID!) { job(id: $id) { progress { done } } }";
    eventually("the last of it".to_owned(), async || {
        Ok(ann.ask(query, json!({ "id": job })).await?["job"]["progress"]["done"] == 3)
    })
    .await?;
    world.end().await
}

#[tokio::test]
async fn a_checkpoint_that_was_not_recorded_yet_survives_the_failure_of_its_attempt()
-> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let worker = Worker::new(&world).await?;
    ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    for page in 1..=3 {
        let said = json!({ "progress": { "done": page }, "checkpoint": { "page": page } });
        worker.beat(&lease, said).await?;
    }
    let error = json!({ "type": "Odd", "message": "odd" });
    let failed = json!({ "outcome": "failed", "error": error, "retry_after_ms": 1 });
    ensure!(worker.settle(&lease, failed).await?.0 == 200);
    let next = worker.take().await?;
    ensure!(next["attempt"] == 2 && next["checkpoint"] == json!({ "page": 3 }), "{next}");
    world.end().await
}

/// Its mistake costs a worker the report and not the lease.
#[tokio::test]
async fn a_beat_with_impossible_progress_still_counts_as_one() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, auditor) = (world.member("ann").await?, Auditor::new(&world).await?);
    let worker = Worker::new(&world).await?;
    ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    for (said, field) in [
        (json!({ "progress": { "done": 2, "total": 1 } }), "progress/done"),
        (json!({ "progress": { "done": 2.5, "total": 10 } }), "progress/done"),
        (json!({ "progress": { "done": -1 } }), "progress/done"),
        (json!({ "progress": { "total": 1 } }), "progress/done"),
        (json!({ "progress": { "done": 1, "message": 7 } }), "progress/message"),
        (json!({ "progress": "much" }), "progress"),
        (json!({ "checkpoint": "x".repeat(20_000) }), "checkpoint"),
    ] {
        let beat = worker.beat(&lease, said).await?;
        ensure!(beat["status"] == "ok" && beat["lease_expires_in_ms"] == 60_000, "{beat}");
        let fault = (&beat["refused"]["code"], &beat["refused"]["field"]);
        ensure!(fault == (&json!("invalid"), &json!(field)), "{beat}");
    }
    ensure!(worker.settle(&lease, json!({ "outcome": "succeeded" })).await?.0 == 200);
    let recorded: Vec<Value> = auditor.events("job", &lease["job_id"], "ProgressReported").await?;
    ensure!(recorded.is_empty(), "{recorded:?}");
    world.end().await
}

#[tokio::test]
async fn impossible_progress_of_one_job_costs_no_checkpoint_of_any() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, auditor) = (world.member("ann").await?, Auditor::new(&world).await?);
    let worker = Worker::new(&world).await?;
    let mut said = Vec::new();
    for (page, done) in [(1, json!(0.5)), (2, json!(7))] {
        ann.create_task("anything", json!({})).await?;
        let lease = worker.take().await?;
        said.push(json!({
            "lease_id": lease["lease_id"], "fence": lease["fence"], "job": lease["job_id"],
            "progress": { "done": done }, "checkpoint": { "page": page },
        }));
    }
    let beat = json!({ "worker_id": worker.id, "leases": said });
    let (status, answer) = worker.token.post("/heartbeats", &beat).await?;
    ensure!(
        status == 200 && answer["leases"][0]["refused"]["field"] == "progress/done",
        "{answer}"
    );
    ensure!(answer["leases"][1].get("refused").is_none(), "{answer}");
    for (it, done) in said.iter().zip([Value::Null, json!(7)]) {
        eventually(format!("the checkpoint {}", it["checkpoint"]), async || {
            let recorded = auditor.events("job", &it["job"], "ProgressReported").await?;
            let last = recorded.last().unwrap_or(&Value::Null);
            Ok(last["checkpoint"] == it["checkpoint"] && last["progress"]["done"] == done)
        })
        .await?;
    }
    world.end().await
}
