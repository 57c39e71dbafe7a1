use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::transport::{Settings, testing::World};

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

/// What came back.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn code(&self) -> Value {
        self.json()["errors"][0]["extensions"]["code"].clone()
    }
}

async fn send(world: &World, request: Request<Body>) -> Reply {
    let response = world.routes().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Reply { status: parts.status, headers: parts.headers, text }
}

fn post(accept: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/graphql")
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, JSON)
        .body(body.into())
        .unwrap()
}

async fn ask(query: &str) -> Reply {
    send(&World::new(Settings::default()), post(GRAPHQL, json!({"query": query}).to_string())).await
}

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::get(path).header(header::ACCEPT, GRAPHQL);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(world, request.body(Body::empty()).unwrap()).await
}

async fn as_caller(world: &World, authorization: &str, query: &str) -> Reply {
    let mut request = post(GRAPHQL, json!({"query": query}).to_string());
    request.headers_mut().insert(header::AUTHORIZATION, authorization.parse().unwrap());
    send(world, request).await
}

fn check(reply: &Reply, status: u16, text: &Expect) {
    text.assert_eq(&reply.text);
    assert_eq!(reply.status.as_u16(), status);
}

#[tokio::test]
async fn a_query_is_answered() {
    let reply = ask("{ hello }").await;
    check(&reply, 200, &expect![[r#"{"data":{"hello":"hello world"}}"#]]);
    assert_eq!(
        reply.headers[header::CONTENT_TYPE],
        "application/graphql-response+json; charset=utf-8"
    );
}

#[tokio::test]
async fn the_answer_is_labelled_as_was_asked() {
    let world = World::new(Settings::default());
    for (accept, label) in [
        ("*/*", JSON),
        (JSON, JSON),
        ("application/*", JSON),
        (GRAPHQL, GRAPHQL),
        ("application/json;q=0.5, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/graphql-response+json;q=0, */*", JSON),
        ("text/html, */*;q=0.1", JSON),
    ] {
        let reply = send(&world, post(accept, r#"{"query":"{ hello }"}"#)).await;
        let sent = reply.headers[header::CONTENT_TYPE].to_str().unwrap();
        assert!(sent.starts_with(label), "{accept}: {sent}");
    }
}

#[tokio::test]
async fn an_invalid_request_is_400_or_for_old_clients_200() {
    let world = World::new(Settings::default());
    for query in ["{", "{ nothing }", "query($a: String!) { hello(name: $a) }"] {
        let body = json!({ "query": query }).to_string();
        let reply = send(&world, post(GRAPHQL, body.clone())).await;
        assert_eq!(reply.status, 400, "{query}");
        assert!(reply.json().get("data").is_none());
        assert_eq!(send(&world, post(JSON, body)).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_400_and_names_the_parameter() {
    let world = World::new(Settings::default());
    for (body, words) in [
        ("", "not JSON"),
        ("[]", "batches"),
        ("1", "one JSON object"),
        ("{}", "`query`"),
        (r#"{"query": 1}"#, "`query`"),
        (r#"{"query": "{ hello }", "variables": []}"#, "`variables`"),
        (r#"{"query": "{ hello }", "operationName": 1}"#, "`operationName`"),
        (r#"{"query": "{ hello }", "extensions": "x"}"#, "`extensions`"),
    ] {
        let reply = send(&world, post(JSON, body)).await;
        assert_eq!(reply.status, 400, "{body}");
        assert_eq!(reply.code(), "BAD_REQUEST");
        assert!(reply.text.contains(words), "{body}: {}", reply.text);
    }
    let persisted = r#"{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}"#;
    assert_eq!(
        send(&world, post(GRAPHQL, persisted)).await.code(),
        "PERSISTED_QUERY_NOT_SUPPORTED"
    );
}

/// The reason for the gate: the first field would be committed before the second is found wanting.
#[tokio::test]
async fn a_mutation_with_missing_variables_executes_nothing() {
    let world = World::new(Settings::default());
    let query = r#"mutation M($name: String!) {
        a: add(input: {name: "a"}) { total } b: add(input: {name: $name}) { total } }"#;
    let reply = send(&world, post(GRAPHQL, json!({ "query": query }).to_string())).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (400, json!("BAD_USER_INPUT")));
    assert_eq!(world.counter.read(), 0);

    let body = json!({"query": query, "variables": {"name": "b"}}).to_string();
    let reply = send(&world, post(GRAPHQL, body)).await;
    check(&reply, 200, &expect![[r#"{"data":{"a":{"total":1},"b":{"total":2}}}"#]]);
    assert_eq!(world.counter.read(), 2);
}

#[tokio::test]
async fn a_mutation_is_never_executed_over_get() {
    let world = World::new(Settings::default());
    let path = "/graphql?query=mutation%7Badd(input:%7Bname:%22a%22%7D)%7Btotal%7D%7D";
    let reply = get(&world, path, &[]).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (405, json!("METHOD_NOT_ALLOWED")));
    assert_eq!(reply.headers[header::ALLOW], "GET, POST");
    assert_eq!(world.counter.read(), 0);
}

#[tokio::test]
async fn a_query_over_get_takes_its_variables_as_json() {
    let world = World::new(Settings::default());
    let path = "/graphql?query=query%20a($n:String)%7Bhello(name:$n)%7D&operationName=a&variables=%7B%22n%22:%22you%22%7D";
    check(&get(&world, path, &[]).await, 200, &expect![[r#"{"data":{"hello":"hello you"}}"#]]);
    let reply = get(&world, "/graphql?query=%7Bhello%7D&variables=%7B", &[]).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (400, json!("BAD_REQUEST")));
}

#[tokio::test]
async fn a_get_with_cookies_must_come_from_a_page_that_asked() {
    let world = World::new(Settings::default());
    let path = "/graphql?query=%7Bhello%7D";
    let cookie = ("cookie", "session=1");
    assert_eq!(get(&world, path, &[cookie]).await.status, 400);
    assert_eq!(get(&world, path, &[cookie, ("graphql-require-preflight", "1")]).await.status, 200);
    assert_eq!(get(&world, path, &[]).await.status, 200);
}

#[tokio::test]
async fn what_is_not_json_is_not_read() {
    let world = World::new(Settings::default());
    for kind in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
        "",
    ] {
        let mut request = post(GRAPHQL, r#"{"query":"{ hello }"}"#);
        request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
        let reply = send(&world, request).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code()),
            (415, json!("UNSUPPORTED_MEDIA_TYPE")),
            "{kind}"
        );
    }
    let mut request = post(GRAPHQL, r#"{"query":"{ hello }"}"#);
    request
        .headers_mut()
        .insert(header::CONTENT_TYPE, "application/json; charset=\"UTF-8\"".parse().unwrap());
    assert_eq!(send(&world, request).await.status, 200);
}

#[tokio::test]
async fn what_nobody_can_send_is_not_acceptable() {
    let world = World::new(Settings::default());
    for accept in ["text/event-stream", "multipart/mixed", "application/json;q=0"] {
        let reply = send(&world, post(accept, r#"{"query":"{ hello }"}"#)).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code()),
            (406, json!("NOT_ACCEPTABLE")),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn an_offer_to_upgrade_to_something_else_is_passed_over() {
    let world = World::new(Settings::default());
    let headers = [("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c")];
    assert_eq!(get(&world, "/graphql?query=%7Bhello%7D", &headers).await.status, 200);
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let world = World::new(Settings::default());
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let request =
            Request::builder().method(method).uri("/graphql").body(Body::empty()).unwrap();
        let reply = send(&world, request).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (405, json!("METHOD_NOT_ALLOWED")));
        assert_eq!(reply.headers[header::ALLOW], "GET, POST");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_with_its_limit() {
    let world = World::new(Settings { body_max_bytes: 100, ..Settings::default() });
    let body = format!(r#"{{"query":"{{ hello }}","padding":"{}"}}"#, "x".repeat(100));
    let reply = send(&world, post(GRAPHQL, body)).await;
    check(
        &reply,
        413,
        &expect![[
            r#"{"errors":[{"message":"the body is longer than 100 bytes","extensions":{"code":"PAYLOAD_TOO_LARGE","limit":100}}]}"#
        ]],
    );
    assert_eq!(send(&world, post(GRAPHQL, r#"{"query":"{ hello }"}"#)).await.status, 200);
}

#[tokio::test]
async fn a_subscription_is_told_where_to_go() {
    let reply = ask("subscription { count(to: 1) }").await;
    assert_eq!((reply.status.as_u16(), reply.code()), (400, json!("BAD_REQUEST")));
    assert!(reply.text.contains("graphql-transport-ws"));
}

#[tokio::test]
async fn callers_are_who_their_token_says() {
    let world = World::new(Settings::default());
    let reply = ask("{ viewer }").await;
    check(&reply, 200, &expect![[r#"{"data":{"viewer":"nobody"}}"#]]);
    let reply = as_caller(&world, "Bearer alice", "{ viewer }").await;
    check(&reply, 200, &expect![[r#"{"data":{"viewer":"alice"}}"#]]);
}

#[tokio::test]
async fn a_token_that_does_not_let_in_says_why() {
    let world = World::new(Settings::default());
    for (authorization, reason) in [
        ("Bearer expired", "TOKEN_EXPIRED"),
        ("Bearer revoked", "TOKEN_REVOKED"),
        ("Bearer nonsense", "TOKEN_MALFORMED"),
        ("Bearer", "TOKEN_MALFORMED"),
        ("Basic YTpi", "TOKEN_MALFORMED"),
    ] {
        let reply = as_caller(&world, authorization, "{ hello }").await;
        assert_eq!((reply.status.as_u16(), reply.code()), (401, json!("UNAUTHENTICATED")));
        assert_eq!(reply.json()["errors"][0]["extensions"]["reason"], reason);
        assert_eq!(reply.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
    let reply = as_caller(&world, "Bearer broken", "{ hello }").await;
    check(
        &reply,
        500,
        &expect![[
            r#"{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#
        ]],
    );
}

#[tokio::test]
async fn the_schema_is_shown_to_callers_we_know_and_in_development() {
    let schema = "{ __schema { queryType { name } } }";
    let world = World::new(Settings::default());
    let reply = send(&world, post(GRAPHQL, json!({ "query": schema }).to_string())).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (401, json!("UNAUTHENTICATED")));
    assert_eq!(as_caller(&world, "Bearer alice", schema).await.status, 200);
    let world = World::new(Settings { development: true, ..Settings::default() });
    let reply = send(&world, post(GRAPHQL, json!({ "query": schema }).to_string())).await;
    check(&reply, 200, &expect![[r#"{"data":{"__schema":{"queryType":{"name":"Query"}}}}"#]]);
}

#[tokio::test]
async fn errors_that_were_planned_keep_their_code_and_others_keep_their_secret() {
    check(
        &ask("{ must { maybe } }").await,
        200,
        &expect![[
            r#"{"data":{"must":{"maybe":null}},"errors":[{"message":"planned","path":["must","maybe"],"extensions":{"code":"PLANNED"}}]}"#
        ]],
    );
    check(
        &ask("{ unplanned }").await,
        200,
        &expect![[
            r#"{"data":null,"errors":[{"message":"internal error","path":["unplanned"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#
        ]],
    );
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_no_broken_connection() {
    check(
        &ask("{ panics }").await,
        500,
        &expect![[
            r#"{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#
        ]],
    );
}

#[tokio::test]
async fn refusals_of_the_executor_have_codes_too() {
    let reply = ask("{ dear }").await;
    assert_eq!((reply.status.as_u16(), reply.code()), (400, json!("QUERY_TOO_EXPENSIVE")));
    let long = format!(r#"mutation {{ add(input: {{name: "{}"}}) {{ total }} }}"#, "x".repeat(21));
    let reply = ask(&long).await;
    assert_eq!(reply.code(), "BAD_USER_INPUT", "{}", reply.text);
}

#[tokio::test]
async fn graphiql_is_there_in_development_only() {
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let world = World::new(Settings::default());
    let reply = get(&world, "/graphiql", &browser).await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (404, ""));

    let world = World::new(Settings { development: true, ..Settings::default() });
    for path in ["/graphiql", "/graphql"] {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.headers_mut().insert(header::ACCEPT, browser[0].1.parse().unwrap());
        let reply = send(&world, request).await;
        if reply.status == 200 {
            let policy = reply.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains("script-src 'self';"), "{policy}");
            assert!(!reply.text.contains("://"), "the page loads something from elsewhere");
        } else {
            assert!(reply.text.contains("npm ci"), "{}", reply.text);
        }
    }
}
