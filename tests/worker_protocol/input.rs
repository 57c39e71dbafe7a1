//! What is wrong with a request is named, with the field and the rule.

use anyhow::ensure;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::worker::{Answer, Token, Worker, sent};
use crate::world::World;

/// Fails unless the answer is this problem, about this field.
async fn is(request: RequestBuilder, expected: (u16, &str, &str)) -> anyhow::Result<Answer> {
    let answer = sent(request).await?;
    let (status, code, field) = expected;
    let problem = &answer.1;
    let same = answer.0 == status && problem["code"] == code && problem["status"] == status;
    ensure!(same, "{expected:?}: {} {problem}", answer.0);
    let named = problem["field"].as_str().unwrap_or_default();
    ensure!(named == field, "{expected:?}: {problem}");
    let says_why = field.is_empty() || problem["rule"].as_str().is_some_and(|it| !it.is_empty());
    ensure!(says_why, "{expected:?}: {problem}");
    Ok(answer)
}

#[tokio::test]
async fn who_shows_no_good_token_is_not_let_in() -> anyhow::Result<()> {
    let world = World::new().await?;
    let token = Token::new(&world).await?;
    let unauthenticated = (401, "unauthenticated", "");
    let person = world.member("ann").await?.token;
    for shown in ["", "grfw_", "grfw_nothing", &person] {
        let other = token.clone().showing(shown);
        is(other.request(Method::POST, "/heartbeats").json(&json!({})), unauthenticated).await?;
    }
    let plain = reqwest::Client::new().post(format!("{}/worker/v1/leases", world.base));
    is(plain.try_clone().expect("no stream"), unauthenticated).await?;
    is(plain.header("Authorization", format!("Basic {}", token.secret)), unauthenticated).await?;
    world.end().await
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_told_where_and_why() -> anyhow::Result<()> {
    let world = World::new().await?;
    let worker = Worker::new(&world).await?;
    let post = |path: &str| worker.token.request(Method::POST, path);
    let text = |path: &str, body: &str| {
        post(path).header("Content-Type", "application/json").body(body.to_owned())
    };

    is(post("/leases").body("{}"), (415, "unsupported_media_type", "Content-Type")).await?;
    is(text("/leases", "{\"max\": 1"), (400, "malformed", "body")).await?;
    is(text("/leases", ""), (400, "malformed", "body")).await?;
    is(text("/leases", "[]"), (422, "invalid", "body")).await?;
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
    let answer = is(text("/leases", &large), (413, "payload_too_large", "body")).await?;
    ensure!(answer.1["limit"] == 1024 * 1024, "{}", answer.1);
    let other = post("/leases").header("Greffe-Protocol", "2").json(&json!({}));
    is(other, (426, "protocol_unsupported", "Greffe-Protocol")).await?;
    is(worker.token.request(Method::GET, "/leases"), (405, "method_not_allowed", "")).await?;
    is(post("/nothing"), (404, "not_found", "")).await?;
    is(worker.token.request(Method::DELETE, "/workers/7"), (410, "worker_unknown", "worker_id"))
        .await?;
    world.end().await
}

#[tokio::test]
async fn a_field_that_breaks_a_rule_is_named_by_its_path() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.member("ann").await?.create_task("anything", json!({})).await?;
    let worker = Worker::new(&world).await?;
    let lease = worker.take().await?;
    let id = lease["lease_id"].as_str().unwrap_or_default();
    let settle = format!("/leases/{id}/settle");
    let about = json!({ "instance_key": "k", "name": "n", "services": ["anything"] });
    let ask = json!({ "worker_id": worker.id, "request_id": Uuid::new_v4() });
    let beat = json!({
        "worker_id": worker.id, "leases": [{ "lease_id": id, "fence": lease["fence"] }],
    });
    let done = json!({ "fence": lease["fence"], "op_id": Uuid::new_v4(), "outcome": "succeeded" });
    // Path, a good body, where it is changed to what, and the field that is then at fault.
    let cases: Vec<(&str, &Value, &str, Value, &str)> = vec![
        ("/workers", &about, "/name", Value::Null, "name"),
        ("/workers", &about, "/name", json!("a\0b"), "name"),
        ("/workers", &about, "/instance_key", json!("x".repeat(129)), "instance_key"),
        ("/workers", &about, "/services", json!([]), "services"),
        ("/workers", &about, "/services", json!(["anything", 7]), "services/1"),
        ("/workers", &about, "/slots", json!(0), "slots"),
        ("/workers", &about, "/sdk", json!({ "name": "s" }), "sdk/version"),
        ("/leases", &ask, "/worker_id", json!("w"), "worker_id"),
        ("/leases", &ask, "/request_id", json!("no"), "request_id"),
        ("/leases", &ask, "/max", json!(33), "max"),
        ("/leases", &ask, "/max", json!(-1), "max"),
        ("/leases", &ask, "/wait_ms", json!(30_001), "wait_ms"),
        ("/leases", &ask, "/services", json!([]), "services"),
        ("/heartbeats", &beat, "/leases/0/fence", json!("2"), "leases/0/fence"),
        ("/heartbeats", &beat, "/leases/0/fence", json!(999), "leases/0/fence"),
        ("/heartbeats", &beat, "/leases/0/lease_id", json!("x"), "leases/0/lease_id"),
        (&settle, &done, "/fence", json!(999), "fence"),
        (&settle, &done, "/op_id", json!(1), "op_id"),
        (&settle, &done, "/outcome", json!("fine"), "outcome"),
        (&settle, &done, "/outcome", json!("failed"), "error"),
        (&settle, &done, "/outcome", json!("snoozed"), "delay_ms"),
        (&settle, &done, "/errors", json!(-1), "errors"),
        (&settle, &done, "/artifacts", json!([{ "name": "a", "bytes": 1 }]), "artifacts/0/sha256"),
    ];
    for (path, good, place, bad, field) in cases {
        let mut body = good.clone();
        let (parent, name) = place.rsplit_once('/').unwrap_or_default();
        body.pointer_mut(parent).expect("a place in the body")[name] = bad;
        let request = worker.token.request(Method::POST, path).json(&body);
        is(request, (422, "invalid", field)).await?;
    }
    let unknown = json!({ "instance_key": "k", "name": "n", "services": ["anything", "ocr"] });
    let request = worker.token.request(Method::POST, "/workers").json(&unknown);
    is(request, (422, "unknown_service", "services/1")).await?;
    ensure!(worker.settle(&lease, json!({ "outcome": "succeeded" })).await?.0 == 200);
    world.end().await
}
