//! Whole lives of jobs, over the doors that everybody else uses.

use anyhow::{Context, ensure};
use serde_json::json;

use crate::{
    worker::Token,
    world::{World, eventually},
};

const TIMELINE: &str = "query($id: ID!) { job(id: $id) { timeline(first: 100) { type } } }";

#[tokio::test]
async fn a_task_is_asked_for_done_and_seen_to_its_end_by_its_owner_alone() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, bob) = (world.member("ann").await?, world.member("bob").await?);
    let worker = Token::new(&world).await?.register(&["anything"]).await?;

    let job = ann.create_task("anything", json!({ "pages": 3 })).await?;
    let lease = worker.take().await?;
    ensure!(lease["job_id"] == job.as_str() && lease["body"] == json!({ "pages": 3 }), "{lease}");
    let progress = json!({ "done": 1, "total": 3, "message": "one" });
    let beat = worker.beat(&lease, json!({ "progress": progress })).await?;
    ensure!(beat["status"] == "ok", "{beat}");
    let outcome = json!({ "outcome": "succeeded", "result": { "words": 12 }, "errors": 1 });
    let (status, settled) = worker.settle(&lease, outcome).await?;
    ensure!(status == 200 && settled["job_state"] == "SUCCEEDED", "{status} {settled}");

    ann.until(&job, "SUCCEEDED").await?;
    let query = "query($id: ID!) { job(id: $id) { \
                 errors succeededWithErrors ... on Task { result } } }";
    let seen = ann.ask(query, json!({ "id": job })).await?;
    ensure!(seen["job"]["result"] == json!({ "words": 12 }), "{seen}");
    ensure!(seen["job"]["succeededWithErrors"] == true, "{seen}");
    let hidden = bob.ask(query, json!({ "id": job })).await?;
    ensure!(hidden["job"].is_null(), "{hidden}");
    world.end().await
}

#[tokio::test]
async fn a_worker_that_was_given_up_on_is_not_believed() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let token = Token::new(&world).await?;
    let zombie = token.register(&["anything"]).await?;
    let heir = token.register(&["anything"]).await?;

    let job = ann.create_task("anything", json!({})).await?;
    let lost = zombie.take().await?;
    world.run_out(&lost).await?;
    let lease = heir.take().await?;
    ensure!(lease["job_id"] == job.as_str() && lease["delivery"] == 2, "{lease}");

    let done = json!({ "outcome": "succeeded", "result": { "by": "the zombie" } });
    let (status, refused) = zombie.settle(&lost, done.clone()).await?;
    ensure!(status == 409 && refused["code"] == "stale_fence", "{status} {refused}");
    ensure!(refused["current_fence"] == lease["fence"], "{refused}");
    let (again, _) = zombie.settle(&lost, done).await?;
    ensure!(again == 409, "{again}");
    let outcome = json!({ "outcome": "succeeded", "result": { "by": "the heir" } });
    let (status, settled) = heir.settle(&lease, outcome).await?;
    ensure!(status == 200, "{status} {settled}");

    ann.until(&job, "SUCCEEDED").await?;
    eventually("one refusal in the timeline".to_owned(), async || {
        let seen = ann.ask(TIMELINE, json!({ "id": job })).await?;
        let nodes = seen["job"]["timeline"].as_array().context("a timeline")?;
        Ok(nodes.iter().filter(|it| it["type"] == "StaleReportRefused").count() == 1)
    })
    .await?;
    world.end().await
}

#[tokio::test]
async fn what_was_queued_is_still_queued_after_a_restart() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let job = ann.create_task("anything", json!({})).await?;
    let token = world.worker().await?.token;

    let world = world.restart().await?;
    let worker = Token::given(&world.base, &token).register(&["anything"]).await?;
    let lease = worker.take().await?;
    ensure!(lease["job_id"] == job.as_str(), "{lease}");
    world.end().await
}

#[tokio::test]
async fn a_job_that_nobody_works_for_expires() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let soon = app::system::now() + std::time::Duration::from_secs(5);
    let mutation = "mutation($input: CreateTaskInput!) { createTask(input: $input) { \
                    task { id } userErrors { code message path } } }";
    let input = json!({ "service": "anything", "body": {}, "expiresAt": soon.to_rfc3339() });
    let data = ann.ask(mutation, json!({ "input": input })).await?;
    let job = data["createTask"]["task"]["id"].as_str().context("a task")?;
    ann.until(job, "EXPIRED").await?;
    world.end().await
}

#[tokio::test]
async fn a_running_job_is_cancelled_when_its_worker_lets_go() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let worker = Token::new(&world).await?.register(&["anything"]).await?;
    let job = ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;

    let mutation = "mutation($input: CancelJobInput!) { cancelJob(input: $input) { \
                    job { state cancelRequested } userErrors { code } } }";
    let input = json!({ "input": { "id": job, "reason": "a mistake" } });
    let asked = ann.ask(mutation, input).await?;
    ensure!(asked["cancelJob"]["job"]["cancelRequested"] == true, "{asked}");
    let beat = worker.beat(&lease, json!({})).await?;
    ensure!(beat["status"] == "cancel" && beat["reason"] == "a mistake", "{beat}");
    let (status, settled) = worker.settle(&lease, json!({ "outcome": "cancelled" })).await?;
    ensure!(status == 200 && settled["job_state"] == "CANCELLED", "{status} {settled}");
    ann.until(&job, "CANCELLED").await?;
    world.end().await
}

#[tokio::test]
async fn a_paused_job_is_given_back_and_goes_on_where_it_was_when_it_is_resumed()
-> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let worker = Token::new(&world).await?.register(&["anything"]).await?;
    let job = ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;

    let pause = "mutation($id: ID!) { pauseJob(input: { id: $id, reason: \"a slow site\" }) { \
                 job { state pausedAt } userErrors { code } } }";
    let asked = ann.ask(pause, json!({ "id": job })).await?;
    ensure!(asked["pauseJob"]["job"]["state"] == "RUNNING", "{asked}");
    ensure!(asked["pauseJob"]["job"]["pausedAt"].is_string(), "{asked}");
    let beat = worker.beat(&lease, json!({})).await?;
    ensure!(beat["status"] == "pause" && beat["reason"] == "a slow site", "{beat}");
    ensure!(beat["lease_expires_in_ms"].is_u64(), "the lease holds until then: {beat}");
    let released = json!({ "outcome": "released", "checkpoint": { "page": 3 } });
    let (status, settled) = worker.settle(&lease, released).await?;
    ensure!(status == 200 && settled["job_state"] == "QUEUED", "{status} {settled}");

    // Younger, and still the one that is handed out.
    let other = ann.create_task("anything", json!({})).await?;
    let next = worker.take().await?;
    ensure!(next["job_id"] == other.as_str(), "{next}");
    let resume = "mutation($id: ID!) { resumeJob(input: { id: $id }) { \
                  job { state pausedAt } userErrors { code } } }";
    let asked = ann.ask(resume, json!({ "id": job })).await?;
    ensure!(asked["resumeJob"]["job"]["pausedAt"].is_null(), "{asked}");
    let again = worker.take().await?;
    ensure!(again["job_id"] == job.as_str(), "{again}");
    ensure!(again["checkpoint"] == json!({ "page": 3 }), "{again}");
    ensure!(again["attempt"] == 1 && again["delivery"] == 1, "{again}");
    let beat = worker.beat(&again, json!({})).await?;
    ensure!(beat["status"] == "ok", "{beat}");
    let done = json!({ "outcome": "succeeded", "result": null });
    let (status, settled) = worker.settle(&again, done).await?;
    ensure!(status == 200, "{status} {settled}");
    ann.until(&job, "SUCCEEDED").await?;
    world.end().await
}
