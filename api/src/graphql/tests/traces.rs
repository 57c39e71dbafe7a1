//! What a request leads to says which trace it belongs to.

use axum::{
    body::Body,
    http::{Request, header},
};
use identity::{Role, WorkerServices};
use serde_json::{Value, json};

use super::world::{World, now};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Sends a body, as part of the trace.
async fn send(world: &World, path: &str, token: &str, body: &Value) -> Value {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header("traceparent", TRACE)
        .body(Body::from(body.to_string()));
    let answer = world.send(request.unwrap()).await;
    assert!(answer.status.is_success(), "{answer:?}");
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_and_workers_ask_for_belongs_to_their_trace() {
    let world = World::new().await;
    let ada = world.person("ada", Role::Member).await;
    let (_, token) = world
        .sides
        .identity
        .create_worker_token("w", &WorkerServices::All, None, now())
        .await
        .unwrap();
    let query = r#"mutation { createTask(input: { service: "anything", body: {} }) { position } }"#;
    let created = send(&world, "/graphql", &ada.token, &json!({ "query": query })).await;
    assert!(created["data"]["createTask"]["position"].is_string(), "{created}");
    let register = json!({ "instance_key": "one", "name": "w", "services": ["anything"] });
    let registered = send(&world, "/worker/v1/workers", token.expose(), &register).await;
    let acquire = json!({ "worker_id": registered["worker_id"], "request_id": uuid::Uuid::nil() });
    send(&world, "/worker/v1/leases", token.expose(), &acquire).await;
    // And one that belongs to none.
    world.task(&ada).await;
    world.heard().await;
    let facts = world.sides.feed.read(0, 100).await.unwrap();
    let traced: Vec<(&str, Value)> = facts
        .iter()
        .map(|it| {
            let metadata: Value = serde_json::from_str(&it.recorded.metadata).unwrap();
            (it.recorded.event_type.as_str(), metadata["trace"].clone())
        })
        .collect();
    let jobs_and_workers: Vec<_> = traced
        .into_iter()
        .filter(|(name, _)| ["TaskCreated", "WorkerRegistered", "LeaseGranted"].contains(name))
        .collect();
    let expected = [
        ("TaskCreated", json!(TRACE)),
        ("WorkerRegistered", json!(TRACE)),
        ("LeaseGranted", json!(TRACE)),
        ("TaskCreated", Value::Null),
    ];
    assert_eq!(jobs_and_workers, expected);
}
