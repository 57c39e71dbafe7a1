//! Taking jobs, waiting for them, and giving them back.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context, ensure};
use identity::WorkerServices;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;

use crate::worker::{Answer, Auditor, Token, Worker, refused};
use crate::world::{Caller, World, eventually};

#[tokio::test]
async fn a_lost_answer_is_repeated_while_its_leases_hold() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    for _ in 0..3 {
        ann.create_task("anything", json!({})).await?;
    }
    let (worker, request) = (Worker::new(&world).await?, Uuid::new_v4());
    let (status, first) = worker.ask_as(request, 2, 0).await?;
    ensure!(status == 200 && first["leases"].as_array().context("leases")?.len() == 2, "{first}");
    let ids = |it: &serde_json::Value| {
        let leases = it["leases"].as_array().cloned().unwrap_or_default();
        leases.iter().map(|it| it["lease_id"].to_string()).collect::<HashSet<_>>()
    };
    let (_, again) = worker.ask_as(request, 2, 0).await?;
    ensure!(ids(&first) == ids(&again), "{first} {again}");

    let done = json!({ "outcome": "succeeded", "result": null });
    for lease in first["leases"].as_array().context("leases")? {
        ensure!(worker.settle(lease, done.clone()).await?.0 == 200);
    }
    let (_, third) = worker.ask_as(request, 2, 0).await?;
    ensure!(ids(&third).len() == 1 && ids(&third).is_disjoint(&ids(&first)), "{third}");
    world.end().await
}

/// What is broken is for an operator, and not for those who wait behind it, however much it is.
#[tokio::test]
async fn jobs_that_cannot_be_read_do_not_keep_the_next_one_waiting() -> anyhow::Result<()> {
    const BROKEN: usize = 6;
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let mut broken = Vec::new();
    for _ in 0..BROKEN {
        broken.push(ann.create_task("anything", json!({})).await?);
    }
    let sound = ann.create_task("anything", json!({})).await?;
    eventually("all are listed".to_owned(), async || {
        let query = "query($id: ID!) { job(id: $id) { id } }";
        Ok(ann.ask(query, json!({ "id": sound })).await?["job"]["id"] == sound.as_str())
    })
    .await?;
    let mut db = PgConnection::connect(world.database_url()).await?;
    sqlx::query("set greffe.events_may_change = 'on'").execute(&mut db).await?;
    for job in &broken {
        let breaks = "update event set payload = '[]' where stream like '%' || $1";
        let done = sqlx::query(breaks).bind(job).execute(&mut db).await?;
        ensure!(done.rows_affected() == 1, "{done:?}");
    }
    db.close().await?;
    // Or else they are still known by heart.
    let world = world.restart().await?;
    let worker = Worker::new(&world).await?;
    let lease = worker.take().await?;
    ensure!(lease["job_id"] == sound.as_str(), "{lease}");
    // And whoever asks when only those are left waits, and is not turned away.
    ensure!(worker.ask(200).await?.0 == 204);
    world.end().await
}

#[tokio::test]
async fn of_many_who_ask_at_once_no_two_are_given_the_same_job() -> anyhow::Result<()> {
    const JOBS: usize = 50;
    let world = World::new().await?;
    let (ann, auditor) = (world.member("ann").await?, Auditor::new(&world).await?);
    let mut jobs = HashSet::new();
    for _ in 0..JOBS {
        jobs.insert(ann.create_task("anything", json!({})).await?);
    }
    let token = Token::new(&world).await?;
    let mut asking = JoinSet::new();
    for _ in 0..10 {
        let worker = token.register(&["anything"]).await?;
        for _ in 0..10 {
            let worker = worker.clone();
            asking.spawn(async move { worker.ask(2_000).await });
        }
    }
    let mut given = Vec::new();
    while let Some(answer) = asking.join_next().await {
        let (status, answer) = answer??;
        ensure!(status == 200 || status == 204, "{status} {answer}");
        let leases = answer["leases"].as_array().cloned().unwrap_or_default();
        given.extend(leases.into_iter().map(|it| it["job_id"].clone()));
    }
    ensure!(given.len() == JOBS, "{} were given", given.len());
    for job in &jobs {
        let grants = auditor.events("job", &json!(job), "LeaseGranted").await?;
        ensure!(grants.len() == 1 && given.contains(&json!(job)), "{job}: {grants:?}");
    }
    world.end().await
}

/// A worker that is not woken looks by itself, but only after seconds.
#[tokio::test]
async fn who_waits_for_work_is_woken_when_there_is_some() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, root) = (world.member("ann").await?, world.person("r", identity::Role::Admin).await?);
    let worker = Worker::new(&world).await?;
    let seen = async || root.ask("{ workers { lastSeenAt } }", json!({})).await;
    for _ in 0..3 {
        let before = seen().await?;
        let asking = worker.clone();
        let mut waiting = JoinSet::new();
        waiting.spawn(async move { asking.take().await });
        eventually("the worker to ask".to_owned(), async || Ok(seen().await? != before)).await?;
        let created = Instant::now();
        let job = ann.create_task("anything", json!({})).await?;
        let lease = waiting.join_next().await.context("an answer")???;
        ensure!(lease["job_id"] == job.as_str(), "{lease}");
        ensure!(created.elapsed() < Duration::from_secs(3), "{:?}", created.elapsed());
    }
    world.end().await
}

#[tokio::test]
async fn who_asks_again_takes_the_place_of_the_first_asking() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let (worker, request) = (Worker::new(&world).await?, Uuid::new_v4());
    let ask = |wait_ms| {
        let worker = worker.clone();
        async move { worker.ask_as(request, 1, wait_ms).await }
    };
    let mut asking = JoinSet::new();
    asking.spawn(ask(20_000));
    asking.spawn(ask(20_001));
    // Whichever came first is answered when the other comes.
    let (status, _) = asking.join_next().await.context("an answer")???;
    ensure!(status == 204, "{status}");
    let job = ann.create_task("anything", json!({})).await?;
    let (status, answer) = asking.join_next().await.context("an answer")???;
    ensure!(status == 200 && answer["leases"][0]["job_id"] == job.as_str(), "{status} {answer}");
    world.end().await
}

#[tokio::test]
async fn a_worker_that_drains_is_given_nothing_that_it_still_waits_for() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let (worker, heir) = (Worker::new(&world).await?, Worker::new(&world).await?);
    let mut waiting = JoinSet::new();
    let asking = worker.clone();
    waiting.spawn(async move { asking.ask(20_000).await });
    let draining = json!({ "worker_id": worker.id, "draining": true });
    eventually("the answer to who drains".to_owned(), async || {
        ensure!(worker.token.post("/heartbeats", &draining).await?.0 == 200);
        let Some(answer) = waiting.try_join_next() else { return Ok(false) };
        ensure!(answer??.0 == 204);
        Ok(true)
    })
    .await?;
    let job = ann.create_task("anything", json!({})).await?;
    ensure!(heir.take().await?["job_id"] == job.as_str());
    world.end().await
}

/// Must never: whoever has a token that was revoked gets a job by a request that they made before.
#[tokio::test]
async fn a_token_that_is_revoked_while_its_worker_waits_gets_nothing_more() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (ann, root) = (world.member("ann").await?, world.person("r", identity::Role::Admin).await?);
    let heir = Worker::new(&world).await?;
    // It has just been looked at, and is revoked before its worker waits: that happens, seldom.
    for _ in 0..5 {
        let (job, (status, answer)) = revoked_while_waiting(&world, &ann, &root).await?;
        if status == 401 {
            let lease = heir.take().await?;
            ensure!(lease["job_id"] == job.as_str() && lease["delivery"] == 1, "{lease}");
            return world.end().await;
        }
        ensure!(status == 200, "{status} {answer}");
    }
    anyhow::bail!("it was given a job again and again")
}

/// A job that is created when the token of the one who waits for it has been
/// revoked, and what the worker is answered.
async fn revoked_while_waiting(
    world: &World,
    ann: &Caller,
    root: &Caller,
) -> anyhow::Result<(String, Answer)> {
    let (identity, now) = (&world.system.identity, app::system::now);
    let made = identity.create_worker_token("test", &WorkerServices::All, None, now()).await?;
    let worker = Token::given(&world.base, made.1.expose()).register(&["anything"]).await?;
    let seen = async || root.ask("{ workers { lastSeenAt } }", json!({})).await;
    let before = seen().await?;
    let mut waiting = JoinSet::new();
    waiting.spawn(async move { worker.ask(20_000).await });
    eventually("the worker to ask".to_owned(), async || Ok(seen().await? != before)).await?;
    identity.revoke_worker_token(made.0, now()).await?;
    let job = ann.create_task("anything", json!({})).await?;
    let answer = waiting.join_next().await.context("an answer")???;
    Ok((job, answer))
}

/// A frozen process holds its connections: what it lost must not go back to it.
#[tokio::test]
async fn who_loses_a_lease_while_waiting_is_given_nothing_more() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let (frozen, heir) = (Worker::new(&world).await?, Worker::new(&world).await?);
    let job = ann.create_task("anything", json!({})).await?;
    let lost = frozen.take().await?;
    let waits = frozen.clone();
    let mut waiting = JoinSet::new();
    waiting.spawn(async move { waits.ask(20_000).await });
    world.run_out(&lost).await?;
    let (status, answer) = waiting.join_next().await.context("an answer")???;
    ensure!(status == 204, "{status} {answer}");
    let lease = heir.take().await?;
    ensure!(lease["job_id"] == job.as_str() && lease["delivery"] == 2, "{lease}");
    world.end().await
}

#[tokio::test]
async fn a_worker_gets_nothing_that_its_token_is_not_for() -> anyhow::Result<()> {
    let world = World::new().await?;
    let services = WorkerServices::Named(vec!["checksum".to_owned()]);
    let token = Token::scoped(&world, &services).await?;
    let about = json!({ "instance_key": "k", "name": "n", "services": ["checksum", "anything"] });
    let answer = token.post("/workers", &about).await?;
    refused(&answer, 403, "service_forbidden")?;
    ensure!(answer.1["field"] == "services/1", "{}", answer.1);

    let worker = token.register(&["checksum"]).await?;
    let ask = json!({
        "worker_id": worker.id, "request_id": Uuid::new_v4(), "services": ["anything"],
    });
    refused(&token.post("/leases", &ask).await?, 403, "service_forbidden")?;

    world.member("ann").await?.create_task("anything", json!({})).await?;
    ensure!(worker.ask(0).await?.0 == 204);
    world.end().await
}

#[tokio::test]
async fn a_worker_that_registers_twice_is_one_worker() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (token, auditor) = (Token::new(&world).await?, Auditor::new(&world).await?);
    let about = json!({
        "instance_key": "one", "name": "n", "services": ["anything"], "slots": 3, "host": "h",
        "pid": 7, "sdk": { "name": "s", "version": "1" }, "a field of tomorrow": true,
    });
    let (first, welcome) = token.post("/workers", &about).await?;
    let (second, again) = token.post("/workers", &about).await?;
    ensure!((first, second) == (201, 200) && welcome["worker_id"] == again["worker_id"]);
    let registered = auditor.events("worker", &welcome["worker_id"], "WorkerRegistered").await?;
    ensure!(registered == [json!({ "name": "n", "services": ["anything"] })], "{registered:?}");
    let other = Token::new(&world).await?.post("/workers", &about).await?;
    ensure!(other.0 == 201 && other.1["worker_id"] != welcome["worker_id"], "{}", other.1);
    world.end().await
}

#[tokio::test]
async fn a_worker_that_leaves_gives_back_what_it_holds_and_gets_nothing_more() -> anyhow::Result<()>
{
    let world = World::new().await?;
    let (ann, auditor) = (world.member("ann").await?, Auditor::new(&world).await?);
    let (worker, heir) = (Worker::new(&world).await?, Worker::new(&world).await?);
    ann.create_task("anything", json!({})).await?;
    let lease = worker.take().await?;
    worker.beat(&lease, json!({ "checkpoint": { "page": 1 } })).await?;
    worker.beat(&lease, json!({ "checkpoint": { "page": 2 } })).await?;

    let (status, left) = worker.leave().await?;
    ensure!(status == 200 && left["released"] == json!([lease["lease_id"]]), "{status} {left}");
    refused(&worker.ask(0).await?, 410, "worker_unknown")?;
    let beat = json!({ "worker_id": worker.id, "leases": [] });
    refused(&worker.token.post("/heartbeats", &beat).await?, 410, "worker_unknown")?;
    ensure!(worker.leave().await? == (200, json!({ "released": [] })));

    let next = heir.take().await?;
    ensure!(next["job_id"] == lease["job_id"] && next["attempt"] == 1, "{next}");
    ensure!(next["delivery"] == 1 && next["checkpoint"] == json!({ "page": 2 }), "{next}");
    let id = json!(worker.id);
    ensure!(auditor.events("worker", &id, "WorkerLeft").await?.len() == 1);
    world.end().await
}
