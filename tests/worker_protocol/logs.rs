//! Lines are appended where the log ends, and sealed with the attempt.

use anyhow::ensure;
use serde_json::json;

use crate::worker::{Auditor, Worker, refused};
use crate::world::World;

#[tokio::test]
async fn lines_are_kept_once_and_in_order_and_sealed_as_they_are() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, auditor) = (world.member("ann").await?, Auditor::new(&world).await?);
    let worker = Worker::new(&world).await?;
    let job = ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    let lines = ["{\"message\":\"one\"}", "{ \"level\": \"warn\", \"message\": \"zwei ✓\" }"];
    let both = lines.join("\n");

    let (status, first) = worker.log(&lease, 0, lines[0]).await?;
    ensure!(status == 202 && first["next"] == 1, "{status} {first}");
    let (_, again) = worker.log(&lease, 0, &both).await?;
    ensure!(again["next"] == 2, "{again}");
    let answer = worker.log(&lease, 5, lines[0]).await?;
    refused(&answer, 409, "log_offset_mismatch")?;
    ensure!(answer.1["expected"] == 2, "{}", answer.1);
    let (_, nothing) = worker.log(&lease, 0, "").await?;
    ensure!(nothing["next"] == 2, "{nothing}");
    let answer = worker.log(&lease, 2, "{\"message\":\"three\"}\n{\"text\":\"four\"}\n").await?;
    refused(&answer, 422, "invalid")?;
    ensure!(answer.1["field"] == "lines/1/message", "{}", answer.1);

    let query = "query($id: ID!) { job(id: $id) { log(first: 10) { line entry } } }";
    let seen = ann.ask(query, json!({ "id": job })).await?;
    let entry = json!({ "level": "warn", "message": "zwei ✓" });
    let kept = json!([
        { "line": 0, "entry": { "message": "one" } }, { "line": 1, "entry": entry },
    ]);
    ensure!(seen["job"]["log"] == kept, "{seen}");

    ensure!(worker.settle(&lease, json!({ "outcome": "succeeded" })).await?.0 == 200);
    let seals = auditor.events("job", &lease["job_id"], "LogSealed").await?;
    let bytes = both.len() + 1;
    ensure!(seals.len() == 1 && seals[0]["log"]["lines"] == 2, "{seals:?}");
    ensure!(seals[0]["log"]["bytes"] == bytes, "{seals:?}");
    refused(&worker.log(&lease, 2, lines[0]).await?, 409, "already_settled")?;
    world.end().await
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_refused_with_the_limit() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let worker = Worker::new(&world).await?;
    ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    let line = format!("{{\"message\":\"{}\"}}\n", "x".repeat(8_000));
    let answer = worker.log(&lease, 0, &line.repeat(40)).await?;
    refused(&answer, 413, "payload_too_large")?;
    ensure!(answer.1["limit"] == 262_144, "{}", answer.1);
    ensure!(worker.log(&lease, 0, &line.repeat(30)).await?.1["next"] == 30);
    world.end().await
}
