//! The one outcome of a lease.

use anyhow::ensure;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::worker::{Auditor, Worker, of_lease, refused};
use crate::world::{World, eventually};

#[tokio::test]
async fn a_report_that_is_repeated_gets_its_first_answer_whatever_has_happened_since()
-> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let worker = Worker::new(&world).await?;
    ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    let error = json!({ "type": "Odd", "message": "odd" });
    let failed = json!({
        "op_id": Uuid::new_v4(), "outcome": "failed", "error": error, "retry_after_ms": 1,
    });
    let (status, first) = worker.settle(&lease, failed.clone()).await?;
    ensure!(status == 200 && first["job_state"] == "RETRYING", "{status} {first}");
    ensure!(first["next_run_at"].is_string(), "{first}");
    let next = worker.take().await?;
    ensure!(next["attempt"] == 2 && next["previous_error"]["type"] == "Odd", "{next}");

    ensure!(worker.settle(&lease, failed.clone()).await? == (200, first));
    let mut other = failed;
    other["error"]["message"] = json!("another");
    refused(&worker.settle(&lease, other).await?, 409, "key_reused")?;
    let done = json!({ "outcome": "succeeded" });
    let answer = worker.settle(&lease, done.clone()).await?;
    refused(&answer, 409, "already_settled")?;
    ensure!(answer.1["job_state"] == "RUNNING", "{}", answer.1);
    let (status, settled) = worker.settle(&next, done).await?;
    ensure!(status == 200 && settled["job_state"] == "SUCCEEDED", "{status} {settled}");
    world.end().await
}

#[tokio::test]
async fn the_words_of_one_report_are_none_on_another_lease() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let worker = Worker::new(&world).await?;
    for _ in 0..2 {
        ann.create_task("anything", json!({})).await?;
    }
    let (first, second) = (worker.take().await?, worker.take().await?);
    ensure!(first["fence"] == second["fence"] && first["job_id"] != second["job_id"]);
    let done = json!({ "op_id": Uuid::new_v4(), "outcome": "succeeded" });
    let settled = worker.settle(&first, done.clone()).await?;
    ensure!(settled.0 == 200, "{}", settled.1);
    let answer = worker.settle(&second, done.clone()).await?;
    refused(&answer, 409, "key_reused")?;
    ensure!(answer.1["field"] == "op_id", "{}", answer.1);
    ensure!(worker.settle(&first, done).await? == settled, "the first is told the same again");
    ensure!(worker.beat(&second, json!({})).await?["status"] == "ok", "the lease holds");
    ensure!(worker.settle(&second, json!({ "outcome": "succeeded" })).await?.0 == 200);
    world.end().await
}

/// Several reports of one zombie leave one record, in its own stream.
#[tokio::test]
async fn a_zombie_is_refused_whatever_it_says_and_goes_on_record_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, auditor) = (world.member("ann").await?, Auditor::new(&world).await?);
    let (zombie, heir) = (Worker::new(&world).await?, Worker::new(&world).await?);
    ann.create_task("anything", json!({})).await?;
    let lost = zombie.take().await?;
    world.run_out(&lost).await?;
    let lease = heir.take().await?;

    let beat = zombie.beat(&lost, json!({ "progress": { "done": 7 } })).await?;
    ensure!(beat == json!({ "lease_id": lost["lease_id"], "status": "lost" }), "{beat}");
    refused(&zombie.log(&lost, 0, "{\"message\":\"m\"}\n").await?, 409, "stale_fence")?;
    let answer = zombie.settle(&lost, json!({ "outcome": "succeeded" })).await?;
    refused(&answer, 409, "stale_fence")?;
    let known = (&answer.1["current_fence"], &answer.1["job_state"]);
    ensure!(known == (&lease["fence"], &json!("RUNNING")), "{}", answer.1);

    let record = auditor.events("worker", &json!(zombie.id), "StaleReportRefused").await?;
    let expected = json!({
        "job": lost["job_id"], "fence": lost["fence"], "report": "progress",
        "current": lease["fence"],
    });
    ensure!(record == [expected], "{record:?}");
    let moved = auditor.events("job", &lost["job_id"], "ProgressReported").await?;
    ensure!(moved.is_empty(), "{moved:?}");
    ensure!(heir.settle(&lease, json!({ "outcome": "succeeded" })).await?.0 == 200);
    world.end().await
}

#[tokio::test]
async fn nobody_reports_on_what_others_hold_nor_learns_of_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let (holder, stranger) = (Worker::new(&world).await?, Worker::new(&world).await?);
    ann.create_task("anything", json!({})).await?;
    let lease = holder.take().await?;
    let never = json!({ "lease_id": format!("{}.1", Uuid::new_v4()), "fence": 1 });
    let done = json!({ "outcome": "succeeded" });
    for lease in [&lease, &never] {
        refused(&stranger.settle(lease, done.clone()).await?, 404, "lease_unknown")?;
        refused(&stranger.log(lease, 0, "").await?, 404, "lease_unknown")?;
        let beat = stranger.beat(lease, json!({ "progress": { "done": 1 } })).await?;
        ensure!(beat["status"] == "lost", "{beat}");
    }
    // Nor was its log completed behind its back.
    ensure!(holder.log(&lease, 0, "{\"message\":\"mine\"}\n").await?.0 == 202);
    ensure!(holder.settle(&lease, done).await?.0 == 200);
    world.end().await
}

#[tokio::test]
async fn a_report_that_cannot_be_kept_leaves_the_lease_to_report_again() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, auditor) = (world.member("ann").await?, Auditor::new(&world).await?);
    let worker = Worker::new(&world).await?;
    ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    worker.log(&lease, 0, "{\"message\":\"one\"}\n").await?;
    let field = |answer: &(u16, Value)| answer.1["field"].as_str().unwrap_or_default().to_owned();

    let large = json!({ "outcome": "succeeded", "result": "x".repeat(300_000) });
    let answer = worker.settle(&lease, large).await?;
    refused(&answer, 422, "invalid")?;
    ensure!(field(&answer) == "result", "{}", answer.1);
    let backwards = json!({ "outcome": "succeeded", "final_progress": { "done": 2, "total": 1 } });
    let answer = worker.settle(&lease, backwards).await?;
    refused(&answer, 422, "invalid")?;
    ensure!(field(&answer) == "final_progress/done", "{}", answer.1);
    refused(
        &worker.settle(&lease, json!({ "outcome": "cancelled" })).await?,
        409,
        "cancel_not_requested",
    )?;

    let (status, settled) = worker.settle(&lease, json!({ "outcome": "succeeded" })).await?;
    ensure!(status == 200 && settled["job_state"] == "SUCCEEDED", "{status} {settled}");
    let seals = auditor.events("job", &lease["job_id"], "LogSealed").await?;
    ensure!(seals.len() == 1 && seals[0]["log"]["lines"] == 1, "{seals:?}");
    world.end().await
}

#[tokio::test]
async fn what_is_given_back_is_taken_up_again_at_its_time() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let worker = Worker::new(&world).await?;
    let job = ann.create_task("anything", json!({})).await?;

    let lease = worker.take().await?;
    let back = json!({ "outcome": "released", "reason": "restart", "checkpoint": { "page": 4 } });
    let (status, settled) = worker.settle(&lease, back).await?;
    ensure!(status == 200 && settled["job_state"] == "QUEUED", "{status} {settled}");
    let lease = worker.take().await?;
    ensure!(lease["attempt"] == 1 && lease["checkpoint"] == json!({ "page": 4 }), "{lease}");

    let later = json!({ "outcome": "snoozed", "delay_ms": 200 });
    let (status, settled) = worker.settle(&lease, later).await?;
    ensure!(status == 200 && settled["job_state"] == "SCHEDULED", "{status} {settled}");
    let lease = worker.take().await?;
    ensure!(lease["attempt"] == 1 && lease["checkpoint"] == json!({ "page": 4 }), "{lease}");

    let error = json!({ "type": "Odd", "message": "odd", "retryable": false });
    let (status, settled) =
        worker.settle(&lease, json!({ "outcome": "failed", "error": error })).await?;
    ensure!(status == 200 && settled["job_state"] == "FAILED", "{status} {settled}");
    ann.until(&job, "FAILED").await?;
    world.end().await
}

/// Beats keep a lease of five seconds; without them it is gone.
#[tokio::test]
async fn a_lease_holds_as_long_as_it_is_beaten_for() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let worker = Worker::new(&world).await?;
    ann.create_task("checksum", json!({ "folder": "/" })).await?;
    let lease = worker.take().await?;
    let begun = tokio::time::Instant::now();
    eventually("more than the length of the lease".to_owned(), async || {
        let beat = worker.beat(&lease, json!({})).await?;
        ensure!(beat["status"] == "ok" && beat["lease_expires_in_ms"] == 5_000, "{beat}");
        Ok(begun.elapsed().as_secs() >= 7)
    })
    .await?;
    let path = of_lease(&lease, "settle")?;
    let body = json!({ "fence": lease["fence"], "op_id": Uuid::new_v4(), "outcome": "released" });
    let (status, settled) = worker.token.post(&path, &body).await?;
    ensure!(status == 200 && settled["job_state"] == "QUEUED", "{status} {settled}");
    world.end().await
}
