//! Files of jobs, sent by many at once.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use bytes::Bytes;
use futures::stream;
use identity::WorkerServices;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::timeout};
use tower::ServiceExt;
use uuid::Uuid;

use crate::graphql::tests::world::{Answer, PATIENCE, World, now};

/// A worker with a token of its own and a job in hand.
struct Holder {
    token: String,
    lease: String,
}

impl Holder {
    async fn new(world: &World) -> Self {
        let identity = &world.sides.identity;
        let token = identity.create_worker_token("t", &WorkerServices::All, None, now()).await;
        let mut holder = Self { token: token.unwrap().1.expose().to_owned(), lease: String::new() };
        let about = json!({ "instance_key": "k", "name": "n", "services": ["anything"] });
        let worker = holder.asks(world, "workers", &about).await.body["worker_id"].take();
        let ask = json!({ "worker_id": worker, "request_id": Uuid::new_v4(), "wait_ms": 20_000 });
        let given = holder.asks(world, "leases", &ask).await;
        given.body["leases"][0]["lease_id"].as_str().unwrap().clone_into(&mut holder.lease);
        holder
    }

    async fn asks(&self, world: &World, what: &str, body: &Value) -> Answer {
        let request = self.request(what).header(header::CONTENT_TYPE, "application/json");
        world.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    fn request(&self, what: &str) -> axum::http::request::Builder {
        let bearer = format!("Bearer {}", self.token);
        Request::post(format!("/worker/v1/{what}")).header(header::AUTHORIZATION, bearer)
    }

    /// A file that is about to be sent.
    fn sends(&self, file: Body) -> Request<Body> {
        let what = format!("leases/{}/artifacts?name=a", self.lease);
        self.request(&what).body(file).unwrap()
    }
}

#[tokio::test]
async fn who_sends_many_files_at_once_leaves_room_for_other_workers() {
    let world = World::new().await;
    let ann = world.person("ann", identity::Role::Member).await;
    world.task(&ann).await;
    world.task(&ann).await;
    let (greedy, other) = (Holder::new(&world).await, Holder::new(&world).await);
    let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let mut sending = JoinSet::new();
    for _ in 0..20 {
        let begun = begun.clone();
        let file = stream::once(async move {
            begun.send(()).unwrap();
            std::future::pending::<Result<Bytes, std::io::Error>>().await
        });
        sending.spawn(world.router.clone().oneshot(greedy.sends(Body::from_stream(file))));
    }
    for _ in 0..4 {
        begins.recv().await.unwrap();
    }
    let more = timeout(Duration::from_millis(300), begins.recv()).await;
    assert!(more.is_err(), "four come in at once under one token, and no more");
    let sent = timeout(PATIENCE, world.send(other.sends(Body::from("a")))).await;
    assert_eq!(sent.expect("there is room").status, StatusCode::CREATED);

    // Who waits for a turn does not wait for ever.
    let turned_away = timeout(PATIENCE, sending.join_next()).await.expect("an answer");
    let answer = turned_away.unwrap().unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "5");
}
