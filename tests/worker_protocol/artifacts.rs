//! Files that jobs make: sent under a lease, cited by the report.

use anyhow::ensure;
use reqwest::Method;
use serde_json::{Value, json};

use crate::worker::{Answer, Auditor, Token, Worker, of_lease, refused, sent};
use crate::world::{Caller, World, eventually};

const CSV: &str = "url,words\n";

async fn upload(worker: &Worker, lease: &Value, name: &str) -> anyhow::Result<Answer> {
    let path = format!("{}?name={name}", of_lease(lease, "artifacts")?);
    let request = worker.token.request(Method::POST, &path).header("Content-Type", "text/csv");
    sent(request.body(CSV)).await
}

/// Status and text of a file.
async fn read(who: &Caller, file: &Value) -> anyhow::Result<(u16, String)> {
    let hash = file["sha256"].as_str().unwrap_or_default();
    let answer = who.send(Method::GET, &format!("/api/artifacts/{hash}")).await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

#[tokio::test]
async fn a_file_that_a_job_has_made_is_its_owner_s() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, bob) = (world.member("ann").await?, world.member("bob").await?);
    let worker = Worker::new(&world).await?;
    let job = ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    let (status, file) = upload(&worker, &lease, "deep%2Fpages.csv").await?;
    ensure!(status == 201 && file["name"] == "pages.csv" && file["bytes"] == 10, "{file}");
    ensure!(upload(&worker, &lease, "pages.csv").await? == (201, file.clone()), "once more");
    ensure!(read(&ann, &file).await? == (200, CSV.to_owned()), "the owner reads it at once");
    ensure!(read(&bob, &file).await?.0 == 404, "nobody else does");

    let done = json!({ "outcome": "succeeded", "artifacts": [file] });
    let (status, settled) = worker.settle(&lease, done).await?;
    ensure!(status == 200, "{settled}");
    let query = "query($id: ID!, $at: Position) { job(id: $id, atLeast: $at) { \
                 ... on Task { artifacts { sha256 name bytes url } } } }";
    let variables = json!({ "id": job, "at": settled["position"].to_string() });
    let told = ann.ask(query, variables).await?;
    let url = format!("/api/artifacts/{}", file["sha256"].as_str().unwrap_or_default());
    let expected = json!([{
        "sha256": file["sha256"], "name": "pages.csv", "bytes": 10, "url": url,
    }]);
    ensure!(told["job"]["artifacts"] == expected, "{told}");
    ensure!(world.end_with_its_files().await? == 1);
    Ok(())
}

#[tokio::test]
async fn a_report_cites_only_what_was_sent_and_as_it_was_sent() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, bob) = (world.member("ann").await?, world.member("bob").await?);
    let worker = Worker::new(&world).await?;
    ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    let (_, file) = upload(&worker, &lease, "pages.csv").await?;
    bob.create_task("anything", json!({})).await?;
    let other = worker.take().await?;

    let with = |name: &str, value: Value| {
        let mut wrong = file.clone();
        wrong[name] = value;
        json!({ "outcome": "succeeded", "artifacts": [file, wrong] })
    };
    for (said, field) in [
        (with("sha256", json!("0".repeat(64))), "artifacts/1/sha256"),
        (with("bytes", json!(11)), "artifacts/1/bytes"),
        (with("name", json!("../pages.csv")), "artifacts/1/name"),
        (with("name", json!("")), "artifacts/1/name"),
    ] {
        let answer = worker.settle(&lease, said).await?;
        refused(&answer, 422, "invalid")?;
        ensure!(answer.1["field"] == field, "{}", answer.1);
    }
    // Ann's file is not for Bob's job to cite: he would read it.
    let stolen = json!({ "outcome": "succeeded", "artifacts": [file] });
    let answer = worker.settle(&other, stolen).await?;
    refused(&answer, 422, "invalid")?;
    ensure!(answer.1["field"] == "artifacts/0/sha256", "{}", answer.1);
    ensure!(read(&bob, &file).await?.0 == 404);
    let done = json!({ "outcome": "succeeded", "artifacts": [file] });
    ensure!(worker.settle(&lease, done).await?.0 == 200, "the lease holds still");
    world.end().await
}

#[tokio::test]
async fn a_zombie_sends_no_files_and_goes_on_record() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, auditor) = (world.member("ann").await?, Auditor::new(&world).await?);
    let (zombie, heir) = (Worker::new(&world).await?, Worker::new(&world).await?);
    ann.create_task("checksum", json!({ "folder": "/" })).await?;
    let lost = zombie.take().await?;
    heir.take().await?;
    refused(&upload(&zombie, &lost, "pages.csv").await?, 409, "stale_fence")?;
    let cited = json!([{ "sha256": "0".repeat(64), "name": "a", "bytes": 1 }]);
    let done = json!({ "outcome": "succeeded", "artifacts": cited });
    refused(&zombie.settle(&lost, done).await?, 409, "stale_fence")?;
    let record = auditor.events("worker", &json!(zombie.id), "StaleReportRefused").await?;
    ensure!(record.len() == 1 && record[0]["report"] == "artifact", "{record:?}");
    world.end().await
}

#[tokio::test]
async fn what_is_no_upload_is_refused() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let worker = Worker::new(&world).await?;
    ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    for name in ["", "..", "a%00", "a&name=b"] {
        refused(&upload(&worker, &lease, name).await?, 422, "invalid")?;
    }
    let path = of_lease(&lease, "artifacts")?;
    let nameless = sent(worker.token.request(Method::POST, &path).body("a")).await?;
    refused(&nameless, 422, "invalid")?;
    let stranger = Token::new(&world).await?.register(&["anything"]).await?;
    refused(&upload(&stranger, &lease, "a").await?, 404, "lease_unknown")?;
    let unknown = json!({ "lease_id": "nonsense" });
    refused(&upload(&worker, &unknown, "a").await?, 404, "lease_unknown")?;
    world.end().await
}

/// The keeper makes it true from the journal alone: an index that was lost is made anew.
#[tokio::test]
async fn files_that_events_name_are_kept_also_when_only_the_journal_was_restored()
-> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let worker = Worker::new(&world).await?;
    ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    let (_, file) = upload(&worker, &lease, "pages.csv").await?;
    let done = json!({ "outcome": "succeeded", "artifacts": [file] });
    ensure!(worker.settle(&lease, done).await?.0 == 200);
    let world = world.without_its_index().await?;
    eventually("the file to be kept".to_owned(), async || {
        Ok(read(&world.again(&ann), &file).await? == (200, CSV.to_owned()))
    })
    .await?;
    ensure!(world.end_with_its_files().await? == 1);
    Ok(())
}
