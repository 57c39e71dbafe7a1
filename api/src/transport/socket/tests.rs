use std::{net::SocketAddr, time::Duration};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::transport::{
    Settings, SocketSettings,
    testing::{World, eventually},
};

/// A client that speaks the protocol by hand.
struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn open(address: SocketAddr) -> Self {
        Self::open_with(address, &[("sec-websocket-protocol", "graphql-transport-ws")])
            .await
            .unwrap()
    }

    async fn open_with(
        address: SocketAddr,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        Ok(Self(connect_async(request).await?.0))
    }

    /// Opens a socket and has it acknowledged.
    async fn enter(address: SocketAddr, payload: Value) -> Self {
        let mut client = Self::open(address).await;
        client.say(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
        client
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({"id": id, "type": "subscribe", "payload": {"query": query}})).await;
    }

    async fn message(&mut self) -> Message {
        let next = timeout(Duration::from_secs(10), self.0.next()).await;
        next.expect("the server says something").expect("the socket is open").unwrap()
    }

    /// The next message, pings aside.
    async fn hear(&mut self) -> Value {
        loop {
            let message = self.message().await;
            let Message::Text(text) = &message else { panic!("not a message: {message:?}") };
            let message: Value = serde_json::from_str(text).unwrap();
            if message != json!({"type": "ping"}) {
                return message;
            }
        }
    }

    /// The code and reason with which the server hangs up; what it says before is passed over.
    async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.message().await {
                let frame = frame.expect("a close has a code");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}

fn next(id: &str, data: &Value) -> Value {
    json!({"id": id, "type": "next", "payload": {"data": data}})
}

fn complete(id: &str) -> Value {
    json!({"id": id, "type": "complete"})
}

async fn world(change: impl FnOnce(&mut SocketSettings)) -> (World, SocketAddr) {
    let mut settings = Settings::default();
    change(&mut settings.socket);
    let mut world = World::new(settings);
    let address = world.listen().await;
    (world, address)
}

#[tokio::test]
async fn a_subscription_has_answers_and_an_end() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({})).await;
    client.subscribe("1", "subscription { count(to: 2) }").await;
    assert_eq!(client.hear().await, next("1", &json!({"count": 1})));
    assert_eq!(client.hear().await, next("1", &json!({"count": 2})));
    assert_eq!(client.hear().await, complete("1"));
}

#[tokio::test]
async fn queries_and_mutations_work_over_a_socket_too() {
    let (world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({})).await;
    client.subscribe("q", "{ hello }").await;
    assert_eq!(client.hear().await, next("q", &json!({"hello": "hello world"})));
    assert_eq!(client.hear().await, complete("q"));
    client.subscribe("m", r#"mutation { add(input: {name: "a"}) { total } }"#).await;
    assert_eq!(client.hear().await, next("m", &json!({"add": {"total": 1}})));
    assert_eq!(client.hear().await, complete("m"));
    assert_eq!(world.counter.read(), 1);
}

#[tokio::test]
async fn operations_run_side_by_side() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({})).await;
    client.subscribe("waits", "subscription { onceAndWait }").await;
    assert_eq!(client.hear().await, next("waits", &json!({"onceAndWait": "nobody"})));
    client.subscribe("counts", "subscription { count(to: 1) }").await;
    assert_eq!(client.hear().await, next("counts", &json!({"count": 1})));
    assert_eq!(client.hear().await, complete("counts"));
}

#[tokio::test]
async fn a_request_that_does_not_run_is_an_error_and_frees_its_id() {
    let (world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({})).await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($a: String!) { hello(name: $a) }", "BAD_USER_INPUT"),
        ("{ __schema { queryType { name } } }", "UNAUTHENTICATED"),
        ("subscription { refuses }", "PLANNED"),
        ("{ dear }", "QUERY_TOO_EXPENSIVE"),
    ] {
        client.subscribe("1", query).await;
        let answer = client.hear().await;
        assert_eq!(answer["type"], "error", "{answer}");
        assert_eq!(answer["payload"][0]["extensions"]["code"], code, "{answer}");
    }
    assert_eq!(world.counter.read(), 0);
}

#[tokio::test]
async fn a_field_that_fails_is_a_next_with_its_nulls() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({})).await;
    client.subscribe("1", "subscription { nodes { ok maybe } }").await;
    let answer = client.hear().await;
    assert_eq!(answer["payload"]["data"], json!({"nodes": {"ok": "ok", "maybe": null}}));
    assert_eq!(answer["payload"]["errors"][0]["path"], json!(["nodes", "maybe"]));
    assert_eq!(client.hear().await, complete("1"));

    client.subscribe("1", "subscription { nodes { fail } }").await;
    let answer = client.hear().await;
    assert_eq!((&answer["type"], &answer["payload"]["data"]), (&json!("next"), &Value::Null));
    assert_eq!(client.hear().await, complete("1"));
}

#[tokio::test]
async fn a_panic_ends_its_operation_only() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({})).await;
    client.subscribe("1", "subscription { panics }").await;
    assert_eq!(client.hear().await, next("1", &json!({"panics": 1})));
    let answer = client.hear().await;
    assert_eq!(answer["payload"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    client.subscribe("1", "{ hello }").await;
    assert_eq!(client.hear().await, next("1", &json!({"hello": "hello world"})));
}

#[tokio::test]
async fn what_a_client_completes_ends_and_its_id_can_be_used_again() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({})).await;
    client.subscribe("1", "subscription { onceAndWait }").await;
    client.hear().await;
    client.say(complete("1")).await;
    client.say(complete("unknown")).await;
    client.subscribe("1", "{ hello }").await;
    assert_eq!(client.hear().await, next("1", &json!({"hello": "hello world"})));
    assert_eq!(client.hear().await, complete("1"));
}

#[tokio::test]
async fn an_operation_that_is_completed_stops_working() {
    let (world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({})).await;
    client.subscribe("1", "subscription { flood }").await;
    client.hear().await;
    client.say(complete("1")).await;
    client.subscribe("2", "{ hello }").await;
    while client.hear().await["id"] != "2" {}
    let stopped_at = world.counter.read();
    client.subscribe("3", "{ hello }").await;
    while client.hear().await["id"] != "3" {}
    assert_eq!(world.counter.read(), stopped_at);
}

#[tokio::test]
async fn pings_are_answered_with_what_they_carry() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::open(address).await;
    client.say(json!({"type": "ping"})).await;
    assert_eq!(client.hear().await, json!({"type": "pong"}));
    client.say(json!({"type": "ping", "payload": {"a": 1}})).await;
    assert_eq!(client.hear().await, json!({"type": "pong", "payload": {"a": 1}}));
}

#[tokio::test]
async fn what_is_no_message_closes_with_4400() {
    let (_world, address) = world(|_| ()).await;
    for text in [
        "",
        "nonsense",
        "[]",
        "{}",
        r#"{"type": 1}"#,
        r#"{"type": "start"}"#,
        r#"{"type": "ping", "payload": 1}"#,
        r#"{"type": "subscribe"}"#,
        r#"{"type": "subscribe", "id": "1"}"#,
        r#"{"type": "subscribe", "id": "1", "payload": {}}"#,
        r#"{"type": "subscribe", "id": "1", "payload": {"query": 1}}"#,
        r#"{"type": "subscribe", "id": "", "payload": {"query": "{ hello }"}}"#,
        r#"{"type": "subscribe", "id": 1, "payload": {"query": "{ hello }"}}"#,
        r#"{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "variables": []}}"#,
        r#"{"type": "complete"}"#,
    ] {
        let mut client = Client::enter(address, json!({})).await;
        client.0.send(Message::text(text)).await.unwrap();
        assert_eq!(client.closed().await.0, 4400, "{text}");
    }
    let mut client = Client::enter(address, json!({})).await;
    client.0.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(client.closed().await.0, 4400);
}

#[tokio::test]
async fn a_reason_fits_its_frame_whatever_it_is_about() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({})).await;
    client.say(json!({"type": "é".repeat(500)})).await;
    let (code, reason) = client.closed().await;
    assert_eq!(code, 4400);
    assert!((100..=123).contains(&reason.len()), "{reason}");
}

#[tokio::test]
async fn a_subscribe_before_the_acknowledgement_closes_with_4401() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::open(address).await;
    client.subscribe("1", "{ hello }").await;
    assert_eq!(client.closed().await, (4401, "Unauthorized".to_owned()));
}

#[tokio::test]
async fn callers_are_who_their_token_says() {
    let (_world, address) = world(|_| ()).await;
    for (payload, viewer) in [
        (json!({}), "nobody"),
        (json!({"authorization": null}), "nobody"),
        (json!({"authorization": "Bearer alice"}), "alice"),
        (json!({"Authorization": "bearer alice"}), "alice"),
    ] {
        let mut client = Client::enter(address, payload).await;
        client.subscribe("1", "{ viewer }").await;
        assert_eq!(client.hear().await, next("1", &json!({ "viewer": viewer })));
    }
}

#[tokio::test]
async fn a_token_may_come_in_a_header_and_the_payload_goes_before_it() {
    let (_world, address) = world(|_| ()).await;
    let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
    for (payload, viewer) in [(json!({}), "alice"), (json!({"authorization": "Bearer bob"}), "bob")]
    {
        let headers = [protocol, ("authorization", "Bearer alice")];
        let mut client = Client::open_with(address, &headers).await.unwrap();
        client.say(json!({"type": "connection_init", "payload": payload})).await;
        client.hear().await;
        client.subscribe("1", "{ viewer }").await;
        assert_eq!(client.hear().await, next("1", &json!({ "viewer": viewer })));
    }
}

#[tokio::test]
async fn a_token_that_does_not_let_in_closes_with_4403_and_says_why() {
    let (_world, address) = world(|_| ()).await;
    for (token, code, reason) in [
        (json!("Bearer expired"), 4403, "TOKEN_EXPIRED: "),
        (json!("Bearer revoked"), 4403, "TOKEN_REVOKED: "),
        (json!("alice"), 4403, "TOKEN_MALFORMED: "),
        (json!(1), 4403, "TOKEN_MALFORMED: "),
        (json!("Bearer broken"), 1013, "TOKEN_UNCHECKED: "),
    ] {
        let mut client = Client::open(address).await;
        client.say(json!({"type": "connection_init", "payload": {"authorization": token}})).await;
        let closed = client.closed().await;
        assert_eq!(closed.0, code);
        assert!(closed.1.starts_with(reason), "{closed:?}");
    }
}

#[tokio::test]
async fn a_socket_ends_with_its_session_whatever_runs_on_it() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({"authorization": "Bearer alice-short"})).await;
    client.subscribe("1", "subscription { onceAndWait }").await;
    assert_eq!(client.hear().await, next("1", &json!({"onceAndWait": "alice"})));
    let closed = client.closed().await;
    assert_eq!(closed, (4403, "TOKEN_EXPIRED: the token has expired".to_owned()));
}

#[tokio::test]
async fn a_session_is_renewed_without_a_pause() {
    let (_world, address) = world(|it| it.renewal_notice = Duration::from_millis(2_500)).await;
    let mut client = Client::enter(address, json!({"authorization": "Bearer alice-short"})).await;
    client.subscribe("1", "subscription { onceAndWait }").await;
    // Whichever comes first.
    let mut heard = [client.hear().await, client.hear().await];
    heard.sort_by_key(|it| it["type"] == "ping");
    let [first, notice] = heard;
    assert_eq!(first, next("1", &json!({"onceAndWait": "alice"})));
    assert_eq!((&notice["type"], &notice["payload"]["reauth"]), (&json!("ping"), &json!(true)));
    assert!(notice["payload"]["exp"].is_i64());

    client.say(json!({"type": "ping", "payload": {"authorization": "Bearer alice-hour"}})).await;
    let pong = client.hear().await;
    assert_eq!(pong["type"], "pong");
    let moved = pong["payload"]["exp"].as_i64() > notice["payload"]["exp"].as_i64();
    assert!(moved, "{pong}");

    let silence = timeout(Duration::from_secs(3), client.hear()).await;
    assert!(silence.is_err(), "the old session still ended the socket: {silence:?}");
    client.subscribe("2", "{ viewer }").await;
    assert_eq!(client.hear().await, next("2", &json!({"viewer": "alice"})));
}

#[tokio::test]
async fn a_session_is_renewed_by_its_own_subject_only() {
    let (_world, address) = world(|_| ()).await;
    for (token, reason) in [("Bearer bob", "TOKEN_OF_ANOTHER"), ("Bearer expired", "TOKEN_EXPIRED")]
    {
        let mut client =
            Client::enter(address, json!({"authorization": "Bearer alice-hour"})).await;
        client.say(json!({"type": "ping", "payload": {"authorization": token}})).await;
        let closed = client.closed().await;
        assert_eq!(closed.0, 4403);
        assert!(closed.1.starts_with(reason), "{closed:?}");
    }
}

#[tokio::test]
async fn another_protocol_closes_with_4406() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::open_with(address, &[]).await.unwrap();
    assert_eq!(client.closed().await, (4406, "Subprotocol not acceptable".to_owned()));
}

#[tokio::test]
async fn silence_instead_of_an_init_closes_with_4408() {
    let (_world, address) = world(|it| it.init_within = Duration::from_millis(50)).await;
    let mut client = Client::open(address).await;
    assert_eq!(client.closed().await, (4408, "Connection initialisation timeout".to_owned()));
}

#[tokio::test]
async fn an_id_that_is_taken_closes_with_4409() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({})).await;
    client.subscribe("1", "subscription { onceAndWait }").await;
    client.subscribe("1", "{ hello }").await;
    assert_eq!(client.closed().await, (4409, "Subscriber for 1 already exists".to_owned()));
}

#[tokio::test]
async fn a_second_init_closes_with_4429() {
    let (_world, address) = world(|_| ()).await;
    let mut client = Client::enter(address, json!({})).await;
    client.say(json!({"type": "connection_init"})).await;
    assert_eq!(client.closed().await, (4429, "Too many initialisation requests".to_owned()));
}

#[tokio::test]
async fn a_message_that_is_too_long_closes_with_1009() {
    let (_world, address) = world(|it| it.message_max_bytes = 1_000).await;
    let mut client = Client::enter(address, json!({})).await;
    client.say(json!({"type": "ping", "payload": {"a": "x".repeat(1_500)}})).await;
    assert_eq!(client.closed().await.0, 1009);
}

#[tokio::test]
async fn a_socket_runs_so_many_operations_and_no_more() {
    let (_world, address) = world(|it| it.operations_max = 2).await;
    let mut client = Client::enter(address, json!({})).await;
    for id in ["1", "2"] {
        client.subscribe(id, "subscription { onceAndWait }").await;
        assert_eq!(client.hear().await["id"], id);
    }
    client.subscribe("3", "{ hello }").await;
    let answer = client.hear().await;
    assert_eq!(answer["payload"][0]["extensions"]["code"], "TOO_MANY_OPERATIONS");
    client.say(complete("1")).await;
    client.subscribe("3", "{ hello }").await;
    assert_eq!(client.hear().await, next("3", &json!({"hello": "hello world"})));
}

#[tokio::test]
async fn the_server_pings_and_gives_up_who_says_nothing() {
    let (_world, address) = world(|it| {
        it.ping_every = Duration::from_millis(200);
        it.dead_after = Duration::from_secs(3);
    })
    .await;
    let mut client = Client::enter(address, json!({})).await;
    assert_eq!(client.message().await, Message::text(r#"{"type":"ping"}"#));
    for _ in 0..18 {
        client.message().await;
        client.say(json!({"type": "pong"})).await;
    }
    assert_eq!(client.closed().await.0, 1001);
}

/// The pipe is full, so the code itself may not get through; what counts is
/// that the socket ends, that the operation stopped producing while nobody
/// read, and that nobody else noticed.
#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let (world, address) = world(|it| it.write_within = Duration::from_millis(200)).await;
    let mut slow = Client::enter(address, json!({})).await;
    let mut quick = Client::enter(address, json!({})).await;
    slow.subscribe("1", "subscription { flood }").await;

    eventually("the flood begins", || world.counter.read() > 0).await;
    quick.subscribe("1", "{ hello }").await;
    assert_eq!(quick.hear().await, next("1", &json!({"hello": "hello world"})));

    drop(quick);
    let sockets = world.service.clone();
    timeout(Duration::from_secs(20), sockets.drained()).await.expect("the slow socket is cut off");
    let bytes = world.counter.read() * (100 << 10);
    assert!(bytes < 64 << 20, "{bytes} bytes were made for nobody");
    drop(slow);
}

#[tokio::test]
async fn draining_closes_every_socket_with_1012() {
    let (world, address) = world(|_| ()).await;
    let mut idle = Client::open(address).await;
    let mut busy = Client::enter(address, json!({})).await;
    busy.subscribe("1", "subscription { onceAndWait }").await;
    busy.hear().await;
    world.drain.cancel();
    assert_eq!(idle.closed().await.0, 1012);
    assert_eq!(busy.closed().await.0, 1012);
    drop((idle, busy));
    timeout(Duration::from_secs(5), world.service.drained()).await.expect("all sockets are closed");
}

#[tokio::test]
async fn a_page_of_another_site_opens_no_socket_with_the_cookies_of_its_visitor() {
    let mut settings = Settings::default();
    settings.origins.push("https://console.example.org".to_owned());
    let mut world = World::new(settings);
    let address = world.listen().await;
    let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
    let cookie = ("cookie", "session=1");
    let good = ("origin", "https://console.example.org");
    let evil = ("origin", "https://evil.example.org");

    assert!(Client::open_with(address, &[protocol, cookie, good]).await.is_ok());
    assert!(Client::open_with(address, &[protocol, evil]).await.is_ok());
    assert!(Client::open_with(address, &[protocol, cookie]).await.is_ok());
    match Client::open_with(address, &[protocol, cookie, evil]).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 403),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("let in"),
    }
}
