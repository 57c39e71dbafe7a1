//! Files over HTTP: sent, read in part and whole, taken back, and kept from
//! others.

use axum::{
    body::Body,
    http::{HeaderName, Method, Request, StatusCode, header},
};
use bytes::Bytes;
use expect_test::expect;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::{
    Settings,
    graphql::tests::world::{Answer, PATIENCE, Person, World},
};

/// What is in the file of these tests.
const TEXT: &str = "twenty bytes of text";

/// A request of somebody's.
fn request(who: &Person, method: Method, path: &str) -> axum::http::request::Builder {
    let bearer = format!("Bearer {}", who.token);
    Request::builder().method(method).uri(path).header(header::AUTHORIZATION, bearer)
}

/// Sends a file as it is.
async fn send(world: &World, who: &Person, query: &str, body: Body) -> Answer {
    let path = format!("/api/files{query}");
    let request = request(who, Method::POST, &path).header(header::CONTENT_TYPE, "text/plain");
    world.send(request.body(body).unwrap()).await
}

/// Sends a form with these parts.
async fn form(world: &World, who: &Person, parts: &[(&str, &str)]) -> Answer {
    let mut body = String::new();
    for (disposition, content) in parts {
        body.push_str("--edge\r\nContent-Disposition: form-data; ");
        body.push_str(disposition);
        body.push_str("\r\nContent-Type: text/csv; charset=utf-8\r\n\r\n");
        body.push_str(content);
        body.push_str("\r\n");
    }
    body.push_str("--edge--\r\n");
    let request = request(who, Method::POST, "/api/files")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge");
    world.send(request.body(Body::from(body)).unwrap()).await
}

async fn sent(world: &World, who: &Person) -> Value {
    let answer = send(world, who, "?name=notes.txt", Body::from(TEXT)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body
}

/// Reads a file, with these headers.
async fn read(world: &World, who: &Person, file: &Value, headers: &[(HeaderName, &str)]) -> Answer {
    let path = format!("/api/artifacts/{}", file["sha256"].as_str().unwrap());
    let mut request = request(who, Method::GET, &path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.body["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_file_that_was_sent_is_read_by_its_hash() {
    let world = World::new().await;
    let ann = world.person("ann", identity::Role::Member).await;
    let sent = send(&world, &ann, "?name=/home/ann/notes%20%C3%A9.txt", Body::from(TEXT)).await;
    assert_eq!(sent.status, StatusCode::CREATED);
    let location = sent.headers[header::LOCATION].to_str().unwrap().to_owned();
    let mut file = sent.body;
    assert_eq!(location, format!("/api/artifacts/{}", file["sha256"].as_str().unwrap()));
    assert_eq!(file["sha256"], hex::encode(Sha256::digest(TEXT)));
    assert!(file["id"].take().is_string());
    file["sha256"] = Value::Null;
    let expected = json!({
        "id": null, "sha256": null, "name": "notes é.txt", "bytes": 20, "media_type": "text/plain",
    });
    assert_eq!(file, expected);

    let answer =
        world.send(request(&ann, Method::GET, &location).body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!(TEXT)));
    let headers = [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::CONTENT_DISPOSITION,
        header::ACCEPT_RANGES,
        header::CACHE_CONTROL,
        header::X_CONTENT_TYPE_OPTIONS,
        header::CONTENT_SECURITY_POLICY,
    ];
    let told: Vec<String> = headers
        .iter()
        .map(|it| format!("{it}: {}", answer.headers[it].to_str().unwrap()))
        .collect();
    expect![[r"
        content-type: text/plain
        content-length: 20
        content-disposition: attachment; filename*=UTF-8''notes%20%C3%A9.txt
        accept-ranges: bytes
        cache-control: private, max-age=31536000, immutable
        x-content-type-options: nosniff
        content-security-policy: default-src 'none'; sandbox; frame-ancestors 'none'"]]
    .assert_eq(&told.join("\n"));
}

#[tokio::test]
async fn a_form_brings_one_file() {
    let world = World::new().await;
    let ann = world.person("ann", identity::Role::Member).await;
    let file = r#"name="file"; filename="..\..\table.csv""#;
    let answer = form(&world, &ann, &[(file, "a,b\n")]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.body["name"], "table.csv");
    assert_eq!(answer.body["media_type"], "text/csv");
    assert_eq!(answer.body["bytes"], 4);

    let other = r#"name="title""#;
    for parts in
        [&[][..], &[(other, "a")], &[(file, "a"), (other, "b")], &[(other, "b"), (file, "a")]]
    {
        let answer = form(&world, &ann, parts).await;
        assert_eq!(code(&answer), (400, "malformed"), "{parts:?}");
    }
    let nameless = form(&world, &ann, &[(r#"name="file""#, "a")]).await;
    assert_eq!(code(&nameless), (422, "invalid"));
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let world = World::new().await;
    let ann = world.person("ann", identity::Role::Member).await;
    for query in ["", "?name=", "?name=..", "?name=a%2F", "?name=a%00b", "?name=a%0D%0Ab"] {
        let answer = send(&world, &ann, query, Body::from("a")).await;
        assert_eq!(code(&answer), (422, "invalid"), "{query}");
        assert_eq!(answer.body["field"], "name", "{query}");
    }
    let twice = send(&world, &ann, "?name=a&name=b", Body::from("a")).await;
    assert_eq!(code(&twice), (400, "malformed"));
}

#[tokio::test]
async fn a_file_that_is_too_large_names_the_limit_and_is_not_read_to_its_end() {
    let world = World::with(Settings { upload_bytes_max: 1_000_000, ..Settings::default() }).await;
    let ann = world.person("ann", identity::Role::Member).await;
    let refused = |answer: &Answer| {
        assert_eq!(code(answer), (413, "payload_too_large"));
        assert_eq!(answer.body["limit"], 1_000_000);
    };
    // It has no end: were it read to it, there would be no answer.
    let chunk = Bytes::from(vec![0; 65_536]);
    let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
    refused(&send(&world, &ann, "?name=a", Body::from_stream(endless.boxed())).await);
    let announced = request(&ann, Method::POST, "/api/files?name=a")
        .header(header::CONTENT_LENGTH, "1000001")
        .body(Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()));
    refused(&world.send(announced.unwrap()).await);
    let long = "a".repeat(1_000_001);
    refused(&form(&world, &ann, &[(r#"name="file"; filename="a""#, &long)]).await);
    let answer = send(&world, &ann, "?name=a", Body::from(vec![0; 1_000_000])).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_file() {
    let world = World::new().await;
    let ann = world.person("ann", identity::Role::Member).await;
    let broken = stream::iter([Ok(Bytes::from_static(b"a")), Err(std::io::Error::other("reset"))]);
    let answer = send(&world, &ann, "?name=a", Body::from_stream(broken)).await;
    assert_eq!(code(&answer), (400, "malformed"));
}

#[tokio::test]
async fn a_part_is_a_slice_of_the_whole() {
    let world = World::new().await;
    let ann = world.person("ann", identity::Role::Member).await;
    let file = sent(&world, &ann).await;
    for (range, from, to) in [("bytes=0-5", 0, 6), ("bytes=7-", 7, 20), ("bytes=-4", 16, 20)] {
        let answer = read(&world, &ann, &file, &[(header::RANGE, range)]).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(answer.body, json!(TEXT[from..to]), "{range}");
        let told = format!("bytes {from}-{}/20", to - 1);
        assert_eq!(answer.headers[header::CONTENT_RANGE], told.as_str());
        assert_eq!(answer.headers[header::CONTENT_LENGTH], (to - from).to_string().as_str());
    }
    let answer = read(&world, &ann, &file, &[(header::RANGE, "bytes=20-")]).await;
    assert_eq!(code(&answer), (416, "range_not_satisfiable"));
    assert_eq!(answer.headers[header::CONTENT_RANGE], "bytes */20");
    let answer = read(&world, &ann, &file, &[(header::RANGE, "bytes=0-1,3-4")]).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!(TEXT)));
}

#[tokio::test]
async fn who_has_the_file_is_not_sent_it_again() {
    let world = World::new().await;
    let ann = world.person("ann", identity::Role::Member).await;
    let file = sent(&world, &ann).await;
    let etag = read(&world, &ann, &file, &[]).await.headers[header::ETAG].clone();
    let etag = etag.to_str().unwrap();
    for tags in [etag, "*", &format!("\"a\", W/{etag}")] {
        let answer = read(&world, &ann, &file, &[(header::IF_NONE_MATCH, tags)]).await;
        assert_eq!((answer.status, answer.body), (StatusCode::NOT_MODIFIED, json!("")), "{tags}");
        assert_eq!(answer.headers[header::ETAG], etag);
    }
    let answer = read(&world, &ann, &file, &[(header::IF_NONE_MATCH, "\"a\"")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let range = (header::RANGE, "bytes=0-1");
    for (tag, status) in [(etag, StatusCode::PARTIAL_CONTENT), ("\"a\"", StatusCode::OK)] {
        let answer = read(&world, &ann, &file, &[range.clone(), (header::IF_RANGE, tag)]).await;
        assert_eq!(answer.status, status, "{tag}");
    }
}

#[tokio::test]
async fn a_file_is_for_its_owner_and_for_those_who_see_all() {
    let world = World::new().await;
    let [ann, bob] = ["ann", "bob"].map(|it| world.person(it, identity::Role::Member));
    let (ann, bob) = (ann.await, bob.await);
    let operator = world.person("operator", identity::Role::Operator).await;
    let file = sent(&world, &ann).await;
    assert_eq!(read(&world, &operator, &file, &[]).await.status, StatusCode::OK);
    let missing = json!({ "sha256": "0".repeat(64) });
    let (others, nothing) =
        (read(&world, &bob, &file, &[]).await, read(&world, &bob, &missing, &[]).await);
    assert_eq!(code(&others), (404, "not_found"));
    assert_eq!(others.body, nothing.body, "one is not told which it is");
    for name in ["..", "0", "zz", &"g".repeat(64)] {
        let answer = read(&world, &ann, &json!({ "sha256": name }), &[]).await;
        assert_eq!(code(&answer), (404, "not_found"), "{name}");
    }

    // The same content, sent by both, is one file and two references.
    sent(&world, &bob).await;
    assert_eq!(read(&world, &bob, &file, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_upload_is_taken_back_by_whoever_sent_it() {
    let world = World::new().await;
    let ann = world.person("ann", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let file = sent(&world, &ann).await;
    let take_back = async |who: &Person, id: &str| {
        let request = request(who, Method::DELETE, &format!("/api/files/{id}"));
        world.send(request.body(Body::empty()).unwrap()).await
    };
    let id = file["id"].as_str().unwrap();
    assert_eq!(code(&take_back(&bob, id).await), (404, "not_found"));
    assert_eq!(code(&take_back(&ann, "1").await), (404, "not_found"));
    assert_eq!(read(&world, &ann, &file, &[]).await.status, StatusCode::OK);
    assert_eq!(take_back(&ann, id).await.status, StatusCode::NO_CONTENT);
    assert_eq!(code(&take_back(&ann, id).await), (404, "not_found"));
    assert_eq!(code(&read(&world, &ann, &file, &[]).await), (404, "not_found"));
}

#[tokio::test]
async fn who_may_only_look_sends_nothing_and_who_is_nobody_reads_nothing() {
    let world = World::new().await;
    let viewer = world.person("viewer", identity::Role::Viewer).await;
    let answer = send(&world, &viewer, "?name=a", Body::from("a")).await;
    assert_eq!(code(&answer), (403, "forbidden"));
    for (method, path) in [
        (Method::POST, "/api/files?name=a".to_owned()),
        (Method::DELETE, format!("/api/files/{}", uuid::Uuid::nil())),
        (Method::GET, format!("/api/artifacts/{}", "0".repeat(64))),
    ] {
        for token in [None, Some("Bearer nonsense"), Some("Basic YTpi")] {
            let mut request = Request::builder().method(method.clone()).uri(&path);
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, token);
            }
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(code(&answer), (401, "unauthenticated"), "{method} {token:?}");
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
        }
    }
    let answer = world.send(Request::put("/api/files").body(Body::empty()).unwrap()).await;
    assert_eq!(code(&answer), (405, "method_not_allowed"));
}

/// An admin's token to look is no admin's to drop what others sent.
#[tokio::test]
async fn with_a_token_to_look_one_sends_nothing_and_drops_nothing() {
    let world = World::new().await;
    let ann = world.person("ann", identity::Role::Member).await;
    let root = world.person("root", identity::Role::Admin).await;
    let file = sent(&world, &ann).await;
    let path = format!("/api/files/{}", file["id"].as_str().unwrap());
    for owner in [&ann, &root] {
        let looks = with_token(&world, owner, "READ").await;
        let answer = send(&world, &looks, "?name=a", Body::from("a")).await;
        assert_eq!(code(&answer), (403, "forbidden"));
        let dropped = request(&looks, Method::DELETE, &path).body(Body::empty()).unwrap();
        assert_eq!(code(&world.send(dropped).await), (403, "forbidden"));
        assert_eq!(read(&world, &looks, &file, &[]).await.status, StatusCode::OK);
    }
    let writes = with_token(&world, &ann, "WRITE").await;
    let answer = send(&world, &writes, "?name=a", Body::from("a")).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
}

/// The same person, who comes with a token of theirs.
async fn with_token(world: &World, owner: &Person, scope: &str) -> Person {
    let create = format!(
        "mutation {{ createApiToken(input: {{ name: \"laptop\", scope: {scope} }}) {{ token }} }}"
    );
    let made = world.data(owner, &create, json!({})).await;
    let token = made["createApiToken"]["token"].as_str().unwrap().to_owned();
    Person { token, ..owner.clone() }
}

#[tokio::test]
async fn who_sends_much_at_once_leaves_room_for_others() {
    let world = World::new().await;
    let ann = world.person("ann", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let begun = begun.clone();
        let body = stream::once(async move {
            begun.send(()).unwrap();
            std::future::pending::<Result<Bytes, std::io::Error>>().await
        });
        let sent = request(&ann, Method::POST, "/api/files?name=a");
        let sent = sent.body(Body::from_stream(body)).unwrap();
        sending.spawn(world.router.clone().oneshot(sent));
    }
    for _ in 0..4 {
        begins.recv().await.unwrap();
    }
    let more = timeout(Duration::from_millis(300), begins.recv()).await;
    assert!(more.is_err(), "four of hers come in at once, and no more");
    let answer = timeout(PATIENCE, send(&world, &bob, "?name=a", Body::from("a"))).await;
    assert_eq!(answer.expect("there is room").status, StatusCode::CREATED);
}

#[tokio::test]
async fn who_asks_for_the_head_gets_no_more() {
    let world = World::new().await;
    let ann = world.person("ann", identity::Role::Member).await;
    let file = sent(&world, &ann).await;
    let path = format!("/api/artifacts/{}", file["sha256"].as_str().unwrap());
    let answer = world.send(request(&ann, Method::HEAD, &path).body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!("")));
    assert_eq!(answer.headers[header::CONTENT_LENGTH], "20");
}
