//! What is served beside GraphQL, and what is said with every answer.

mod addresses;
mod stopping;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::*;
use crate::graphql::tests::world::{Answer, World};

async fn get(world: &World, path: &str) -> Answer {
    world.send(Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_process_that_answers_is_alive_whatever_else_is_wrong() {
    let world = World::new().await;
    world.break_database().await;
    let answer = get(&world, "/health").await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({ "status": "alive" })));
}

#[tokio::test]
async fn a_system_is_ready_when_every_part_is() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    world.task(&ada).await;
    world.caught_up().await;
    let answer = get(&world, "/ready").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let parts = &answer.body["components"];
    let head = world.head().await.to_string();
    assert_eq!(parts["journal"], json!({ "ok": true, "head": head, "known": head, "lag": 0 }));
    for tables in projections::schema::ALL {
        let (name, version) = (tables.name, tables.version);
        let well = json!({
            "ok": true, "version": version, "checkpoint": head, "lag": 0, "error": null,
        });
        assert_eq!(parts[name], well, "{name}");
    }
}

#[tokio::test]
async fn a_system_whose_projections_are_far_behind_is_not_ready() {
    let world = World::with(Settings { lag_max: 2, ..Settings::default() }).await;
    let ada = world.person("ada", identity::Role::Member).await;
    let job = world.task(&ada).await;
    world.caught_up().await;
    world.stand_still().await;
    let fence = world.lease(job).await;
    world.progress(job, fence, 1).await;
    world.heard().await;
    assert_eq!(get(&world, "/ready").await.status, StatusCode::OK, "two behind are near enough");
    world.progress(job, fence, 2).await;
    world.heard().await;
    let answer = get(&world, "/ready").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["components"]["job_list"]["ok"], false);
    assert_eq!(answer.body["components"]["job_list"]["lag"], 3);
    assert_eq!(answer.body["components"]["journal"]["ok"], true);
}

#[tokio::test]
async fn a_system_without_its_database_is_not_ready_and_one_that_stops_neither() {
    let world = World::new().await;
    world.stop.cancel();
    let answer = get(&world, "/ready").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["components"]["process"]["ok"], false);
    world.break_database().await;
    let answer = get(&world, "/ready").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let error = json!({ "ok": false, "error": "the read models are out of reach" });
    assert_eq!(answer.body["components"]["database"], error);
}

#[tokio::test]
async fn metrics_tell_what_there_is_to_do_for_each_service() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    world.task(&ada).await;
    world.caught_up().await;
    let answer = get(&world, "/metrics").await;
    let Value::String(text) = &answer.body else { panic!("{}", answer.body) };
    let head = format!("greffe_journal_head {}", world.head().await);
    for line in [
        "greffe_database_up 1",
        &head,
        "greffe_projection_lag{projection=\"job_list\"} 0",
        "greffe_jobs{service=\"anything\",state=\"queued\"} 1",
        "greffe_jobs{service=\"scan\",state=\"queued\"} 0",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
    }
    world.break_database().await;
    let answer = get(&world, "/metrics").await;
    assert_eq!(answer.status, StatusCode::OK, "what was counted is still told");
    assert!(answer.body.as_str().unwrap().contains("greffe_database_up 0"));
}

#[tokio::test]
async fn metrics_can_be_kept_for_those_who_have_a_token() {
    let metrics_token = Some("secret".to_owned());
    let world = World::with(Settings { metrics_token, ..Settings::default() }).await;
    let answer = get(&world, "/metrics").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
    let request = Request::get("/metrics").header(header::AUTHORIZATION, "Bearer secret");
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_is_named_and_may_not_be_taken_for_a_page() {
    let world = World::new().await;
    for path in ["/", "/health", "/graphql", "/nowhere"] {
        let answer = get(&world, path).await;
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert!(answer.headers.contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
        assert!(answer.headers.contains_key(request::REQUEST_ID), "{path}");
        assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
    }
    let request = Request::get("/health").header(request::REQUEST_ID, "mine-1");
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers[request::REQUEST_ID], "mine-1");
}

#[tokio::test]
async fn where_there_is_nothing_one_is_told_so() {
    let world = World::new().await;
    let answer = get(&world, "/nowhere").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(answer.body["code"], "not_found");
}

/// Must never: an address that we give out and that leads nowhere.
#[tokio::test]
async fn every_address_on_the_first_page_is_there() {
    for (front, count) in [(true, 6), (false, 3)] {
        let world = World::with(Settings { front, ..Settings::default() }).await;
        let contents = get(&world, "/").await.body;
        let addresses = contents.as_object().unwrap().values().filter_map(Value::as_str);
        let addresses: Vec<&str> = addresses.filter(|it| it.starts_with('/')).collect();
        assert_eq!(addresses.len(), count, "{contents}");
        for address in addresses {
            let answer = get(&world, address).await;
            assert_ne!(answer.status, StatusCode::NOT_FOUND, "{address}");
        }
    }
}

#[tokio::test]
async fn pages_of_other_origins_read_answers_only_if_they_are_named() {
    let cors_origins = vec!["https://console.example.org".parse().unwrap()];
    let world = World::with(Settings { cors_origins, ..Settings::default() }).await;
    let from = async |origin: &str| {
        let request = Request::get("/health").header(header::ORIGIN, origin);
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).cloned()
    };
    assert_eq!(from("https://console.example.org").await.unwrap(), "https://console.example.org");
    assert_eq!(from("https://elsewhere.example.org").await, None);
}

#[tokio::test]
async fn what_serves_stops_when_it_is_told_to() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(listener, world.api(), stop.clone()));
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET /health HTTP/1.1\r\nhost: greffe\r\n\r\n").await.unwrap();
    let mut bytes = [0; 15];
    connection.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"HTTP/1.1 200 OK");
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
