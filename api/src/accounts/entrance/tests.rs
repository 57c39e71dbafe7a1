//! What RFC 6749 says of the answers, and of the ways to ask.

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use identity::Quotas;
use serde_json::{Value, json};

use crate::graphql::tests::world::{World, now};

const GRANT: &str = "grant_type=client_credentials";

async fn client(world: &World) -> (String, String) {
    let services = ["scan".to_owned()];
    let made = world.sides.identity.create_client("shop", &services, Quotas::default(), now());
    let (client, secret) = made.await.unwrap();
    (client.id.to_string(), secret.expose().to_owned())
}

async fn ask(
    world: &World,
    authorization: Option<&str>,
    form: impl Into<String>,
) -> (StatusCode, HeaderMap, Value) {
    let mut request = Request::post("/api/oauth/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    let answer = world.send(request.body(Body::from(form.into())).unwrap()).await;
    (answer.status, answer.headers, answer.body)
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[tokio::test]
async fn a_secret_is_shown_by_basic_or_in_the_form() {
    let world = World::new().await;
    let (id, secret) = client(&world).await;
    // Whatever may be encoded, may be encoded: RFC 6749, section 2.3.1.
    let encoded = id.replace('-', "%2D");
    for (authorization, form) in [
        (Some(basic(&id, &secret)), GRANT.to_owned()),
        (Some(basic(&encoded, &secret).replace("Basic", "bAsIc")), GRANT.to_owned()),
        (Some(basic(&id, &secret)), format!("{GRANT}&client_id={id}&client_secret=")),
        (None, format!("{GRANT}&client_id={id}&client_secret={secret}&scope=&unknown=1")),
    ] {
        let (status, headers, body) = ask(&world, authorization.as_deref(), form).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::PRAGMA], "no-cache");
        assert_eq!(body["token_type"], "Bearer");
        // A quarter of an hour, less what is left of a second.
        assert!((899..=900).contains(&body["expires_in"].as_i64().unwrap()), "{body}");
        assert!(body["access_token"].is_string());
    }
}

#[tokio::test]
async fn who_is_no_client_is_asked_to_show_that_they_are_one() {
    let world = World::new().await;
    let (id, secret) = client(&world).await;
    for (authorization, form) in [
        (None, GRANT.to_owned()),
        (None, format!("{GRANT}&client_id={id}")),
        (None, format!("{GRANT}&client_id={id}&client_secret=nonsense")),
        (None, format!("{GRANT}&client_id=shop&client_secret={secret}")),
        (Some(basic(&id, "nonsense")), GRANT.to_owned()),
        (Some(basic("shop", &secret)), GRANT.to_owned()),
        (Some(basic(&id, "%zz")), GRANT.to_owned()),
        (Some(format!("Basic {id}")), GRANT.to_owned()),
        (Some(format!("Bearer {secret}")), GRANT.to_owned()),
    ] {
        let (status, headers, body) = ask(&world, authorization.as_deref(), form.clone()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{authorization:?} {form}");
        assert_eq!(body, json!({ "error": "invalid_client" }));
        assert_eq!(headers[header::WWW_AUTHENTICATE], "Basic realm=\"greffe\", charset=\"UTF-8\"");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn a_request_that_is_not_understood_says_what_is_wrong_with_it() {
    let world = World::new().await;
    let (id, secret) = client(&world).await;
    let shown = basic(&id, &secret);
    for (form, error) in [
        ("grant_type=password&username=a&password=b".to_owned(), "unsupported_grant_type"),
        ("grant_type=authorization_code&code=a".to_owned(), "unsupported_grant_type"),
        (String::new(), "invalid_request"),
        ("grant_type=".to_owned(), "invalid_request"),
        (format!("{GRANT}&{GRANT}"), "invalid_request"),
        // Two ways at once, and two clients at once.
        (format!("{GRANT}&client_id={id}&client_secret={secret}"), "invalid_request"),
        (format!("{GRANT}&client_id={}", uuid::Uuid::nil()), "invalid_request"),
    ] {
        let (status, headers, body) = ask(&world, Some(&shown), form.clone()).await;
        assert_eq!((status, body), (StatusCode::BAD_REQUEST, json!({ "error": error })), "{form}");
        assert!(!headers.contains_key(header::WWW_AUTHENTICATE));
    }
    let request = Request::post("/api/oauth/token")
        .header(header::AUTHORIZATION, &shown)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"grant_type":"client_credentials"}"#))
        .unwrap();
    let answer = world.send(request).await;
    assert_eq!(answer.body, json!({ "error": "invalid_request" }));
    let request = Request::get(format!("/api/oauth/token?{GRANT}"))
        .header(header::AUTHORIZATION, &shown)
        .body(Body::empty())
        .unwrap();
    assert_eq!(world.send(request).await.status, StatusCode::METHOD_NOT_ALLOWED);
}
