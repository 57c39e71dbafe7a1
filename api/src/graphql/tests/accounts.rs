//! One's own account, other people's, and programs.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::Actor;
use serde_json::{Value, json};

use super::world::{PATIENCE, Person, World, codes};
use crate::viewer::SignedIn;

const CREATE: &str = "mutation($service: String!) {
    createTask(input: { service: $service, body: {} }) { task { id } userErrors { code } } }";

/// The same person, who comes with another token.
fn bearing(person: &Person, token: &Value) -> Person {
    Person { token: token.as_str().unwrap().to_owned(), ..person.clone() }
}

async fn token(world: &World, owner: &Person, scope: &str) -> (Person, Value) {
    let text = format!(
        "mutation {{ createApiToken(input: {{ name: \"laptop\", scope: {scope} }}) {{
            token apiToken {{ id name scope lastUsedAt }} userErrors {{ code }} }} }}"
    );
    let mut made = world.data(owner, &text, json!({})).await["createApiToken"].take();
    assert_eq!(made["userErrors"], json!([]));
    assert_eq!(made["apiToken"]["name"], "laptop");
    (bearing(owner, &made["token"]), made["apiToken"]["id"].take())
}

#[tokio::test]
async fn a_token_to_look_looks_and_one_to_write_writes_and_neither_touches_the_account() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let (reader, _) = token(&world, &ada, "READ").await;
    let (writer, id) = token(&world, &ada, "WRITE").await;
    let service = json!({ "service": "anything" });
    let refused = world.data(&reader, CREATE, service.clone()).await;
    assert_eq!(refused["createTask"]["userErrors"], json!([{ "code": "FORBIDDEN" }]));
    let made = world.data(&writer, CREATE, service.clone()).await;
    assert_eq!(made["createTask"]["userErrors"], json!([]));
    world.settled().await;
    let seen = world.data(&reader, "{ jobs { totalCount } }", json!({})).await;
    assert_eq!(seen["jobs"]["totalCount"], 1);
    for text in [
        "mutation { signOutEverywhere { userErrors { code } } }",
        "mutation { createApiToken(input: { name: \"b\", scope: WRITE }) { token } }",
        "mutation { signOut { signedOut } }",
    ] {
        assert_eq!(codes(&world.ask(&writer, text, json!({})).await), ["FORBIDDEN"], "{text}");
    }
    let listed = world.data(&ada, "{ viewer { apiTokens { name } } }", json!({})).await;
    assert_eq!(listed["viewer"]["apiTokens"].as_array().unwrap().len(), 2);
    let hidden = world.data(&writer, "{ viewer { apiTokens { name } } }", json!({})).await;
    assert_eq!(hidden["viewer"]["apiTokens"], Value::Null);
    let revoke =
        "mutation($id: ID!) { revokeApiToken(input: { id: $id }) { userErrors { code } } }";
    world.data(&ada, revoke, json!({ "id": id })).await;
    let late = world.ask(&writer, CREATE, service).await;
    assert_eq!(codes(&late), ["UNAUTHENTICATED"]);
    assert_eq!(late["errors"][0]["extensions"]["reason"], "TOKEN_REVOKED");
}

#[tokio::test]
async fn one_lists_ones_sessions_and_ends_them() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let now = super::world::now();
    let other =
        world.sides.identity.sign_in(&ada.email, "password of ada", now).await.unwrap().access;
    let other = bearing(&ada, &json!(other.expose()));
    let text = "{ viewer { sessions { id current } } }";
    let mut data = world.data(&ada, text, json!({})).await;
    let sessions = data["viewer"]["sessions"].take();
    assert_eq!((&sessions[0]["current"], &sessions[1]["current"]), (&json!(false), &json!(true)));
    let end = "mutation($id: ID!) { revokeSession(input: { id: $id }) {
        user { id } userErrors { code path } } }";
    let bob = world.person("bob", identity::Role::Member).await;
    let not_his = world.data(&bob, end, json!({ "id": sessions[0]["id"] })).await;
    let unknown = json!([{ "code": "NOT_FOUND", "path": ["input", "id"] }]);
    assert_eq!(not_his["revokeSession"]["userErrors"], unknown);
    let ended = world.data(&ada, end, json!({ "id": sessions[0]["id"] })).await;
    assert_eq!(ended["revokeSession"]["userErrors"], json!([]));
    assert_eq!(codes(&world.ask(&other, text, json!({})).await), ["UNAUTHENTICATED"]);
    world.data(&ada, "mutation { signOutEverywhere { user { id } } }", json!({})).await;
    assert_eq!(codes(&world.ask(&ada, text, json!({})).await), ["UNAUTHENTICATED"]);
}

#[tokio::test]
async fn an_admin_decides_who_comes_in_and_as_what_and_one_admin_remains() {
    let world = World::new().await;
    let abe = world.person("abe", identity::Role::Admin).await;
    let ada = world.person("ada", identity::Role::Member).await;
    let role = "mutation($id: ID!, $role: Role!) { changeRole(input: { id: $id, role: $role }) {
        user { role } userErrors { code path } } }";
    let changed = world.data(&abe, role, json!({ "id": ada.id, "role": "OPERATOR" })).await;
    assert_eq!(changed["changeRole"]["user"]["role"], "OPERATOR");
    let last = world.data(&abe, role, json!({ "id": abe.id, "role": "MEMBER" })).await;
    let error = json!([{ "code": "LAST_ADMIN", "path": ["input", "id"] }]);
    assert_eq!(last["changeRole"]["userErrors"], error);
    let disable = "mutation($id: ID!) { disableUser(input: { id: $id }) {
        user { disabledAt } userErrors { code } } }";
    let disabled = world.data(&abe, disable, json!({ "id": ada.id })).await;
    assert!(disabled["disableUser"]["user"]["disabledAt"].is_string());
    assert_eq!(codes(&world.ask(&ada, "{ viewer { id } }", json!({})).await), ["UNAUTHENTICATED"]);
    let enable = "mutation($id: ID!) { enableUser(input: { id: $id }) {
        user { disabledAt } userErrors { code } } }";
    let enabled = world.data(&abe, enable, json!({ "id": ada.id })).await;
    assert_eq!(enabled["enableUser"]["user"]["disabledAt"], Value::Null);
    let unknown = world.data(&abe, enable, json!({ "id": uuid::Uuid::nil() })).await;
    assert_eq!(unknown["enableUser"]["userErrors"], json!([{ "code": "NOT_FOUND" }]));
    let page = "query($after: String) { users(first: 1, after: $after) {
        totalCount nodes { email } pageInfo { hasNextPage endCursor } } }";
    let first = world.data(&abe, page, json!({})).await["users"].take();
    assert_eq!(first["nodes"], json!([{ "email": abe.email }]));
    assert_eq!(
        (&first["totalCount"], &first["pageInfo"]["hasNextPage"]),
        (&json!(2), &json!(true))
    );
    let cursor = json!({ "after": first["pageInfo"]["endCursor"] });
    let second = world.data(&abe, page, cursor).await["users"].take();
    assert_eq!(second["nodes"], json!([{ "email": ada.email }]));
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
}

/// What `POST /api/oauth/token` answers.
async fn grant(world: &World, id: &str, secret: &str) -> (StatusCode, Value) {
    let credentials = STANDARD.encode(format!("{id}:{secret}"));
    let request = Request::post("/api/oauth/token")
        .header(header::AUTHORIZATION, format!("Basic {credentials}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("grant_type=client_credentials"))
        .unwrap();
    let answer = world.send(request).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn the_back_end_of_another_application_has_tasks_done_by_its_services_only() {
    let world = World::new().await;
    let abe = world.person("abe", identity::Role::Admin).await;
    let text = "mutation { createApiClient(input: { name: \"shop\", services: [\"anything\"] }) {
        apiClient { id } secret userErrors { code } } }";
    let made = world.data(&abe, text, json!({})).await["createApiClient"].take();
    let (id, secret) =
        (made["apiClient"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let (status, mut granted) = grant(&world, id, secret).await;
    assert_eq!((status, &granted["token_type"]), (StatusCode::OK, &json!("Bearer")));
    let shop = bearing(&abe, &granted["access_token"].take());
    let mine = world.data(&shop, CREATE, json!({ "service": "anything" })).await;
    let job = mine["createTask"]["task"]["id"].as_str().unwrap().to_owned();
    let scan = "mutation { createTask(input: { service: \"scan\", body: { pages: [] } }) {
        userErrors { code } } }";
    let refused = world.data(&shop, scan, json!({})).await;
    assert_eq!(refused["createTask"]["userErrors"], json!([{ "code": "FORBIDDEN" }]));
    world.task(&abe).await;
    world.settled().await;
    let seen = world.data(&shop, "{ jobs { totalCount nodes { id } } }", json!({})).await;
    assert_eq!(seen["jobs"], json!({ "totalCount": 1, "nodes": [{ "id": job }] }));
    assert_eq!(
        codes(&world.ask(&shop, "{ users { totalCount } }", json!({})).await),
        ["FORBIDDEN"]
    );

    let rotate = "mutation($id: ID!) { rotateApiClientSecret(input: { id: $id }) { secret } }";
    let rotated = world.data(&abe, rotate, json!({ "id": id })).await;
    let denied = (StatusCode::UNAUTHORIZED, json!({ "error": "invalid_client" }));
    assert_eq!(grant(&world, id, secret).await, denied);
    let secret = rotated["rotateApiClientSecret"]["secret"].as_str().unwrap();
    assert_eq!(grant(&world, id, secret).await.0, StatusCode::OK);
    let disable = "mutation($id: ID!) { disableApiClient(input: { id: $id }) {
        apiClient { disabledAt } } }";
    world.data(&abe, disable, json!({ "id": id })).await;
    assert_eq!(grant(&world, id, secret).await, denied);
    assert_eq!(grant(&world, "no id", secret).await, denied);
    assert_eq!(codes(&world.ask(&shop, "{ viewer { id } }", json!({})).await), ["UNAUTHENTICATED"]);
}

#[tokio::test]
async fn a_client_is_told_which_quota_it_exceeds_and_an_admin_sees_how_much_it_has() {
    let world = World::new().await;
    let abe = world.person("abe", identity::Role::Admin).await;
    let text = "mutation { createApiClient(input: {
            name: \"shop\", services: [\"anything\"], quotas: { activeJobsMax: 1 } }) {
        apiClient { id quotas { activeJobs { max used } jobsPerHour { max } } } secret } }";
    let made = world.data(&abe, text, json!({})).await["createApiClient"].take();
    let quotas = json!({ "activeJobs": { "max": 1, "used": 0 }, "jobsPerHour": { "max": null } });
    assert_eq!(made["apiClient"]["quotas"], quotas);
    let (id, secret) =
        (made["apiClient"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let shop = bearing(&abe, &grant(&world, id, secret).await.1["access_token"]);
    let create = "mutation($key: String!) {
        createTask(input: { service: \"anything\", body: {}, idempotencyKey: $key }) {
            task { id } userErrors { code message path retryAt } } }";
    let first = world.data(&shop, create, json!({ "key": "a" })).await;
    assert_eq!(first["createTask"]["userErrors"], json!([]));
    let message = "the client may have 1 jobs that have not ended; \
                   try again when one of them has ended";
    let full = json!([
        { "code": "QUOTA_EXCEEDED", "message": message, "path": null, "retryAt": null }
    ]);
    let second = world.data(&shop, create, json!({ "key": "b" })).await;
    assert_eq!(second["createTask"]["userErrors"], full);
    let again = world.data(&shop, create, json!({ "key": "a" })).await;
    assert_eq!(again["createTask"]["task"], first["createTask"]["task"]);
    // Who is no client has no quota.
    world.task(&abe).await;

    let change = "mutation($id: ID!, $quotas: ApiClientQuotasInput!) {
        changeApiClientQuotas(input: { id: $id, quotas: $quotas }) {
            apiClient { id } userErrors { code path } } }";
    let hourly = json!({ "id": id, "quotas": { "jobsPerHour": 1 } });
    let changed = world.data(&abe, change, hourly).await;
    assert_eq!(changed["changeApiClientQuotas"]["userErrors"], json!([]));
    let listed = "{ apiClients { quotas {
        activeJobs { max used resetsAt } jobsPerHour { max used resetsAt } } } }";
    let mut listed = world.data(&abe, listed, json!({})).await;
    let mut quotas = listed["apiClients"][0]["quotas"].take();
    let resets_at = quotas["jobsPerHour"]["resetsAt"].take();
    let shown = json!({
        "activeJobs": { "max": null, "used": 1, "resetsAt": null },
        "jobsPerHour": { "max": 1, "used": 1, "resetsAt": null },
    });
    assert_eq!(quotas, shown);
    let mut third = world.data(&shop, create, json!({ "key": "c" })).await;
    let error = third["createTask"]["userErrors"][0].take();
    assert_eq!((&error["code"], &error["retryAt"]), (&json!("QUOTA_EXCEEDED"), &resets_at));

    let nothing = json!({ "id": id, "quotas": { "jobsPerDay": -1 } });
    let refused = world.data(&abe, change, nothing).await;
    let error = json!([{ "code": "INVALID", "path": ["input", "quotas", "jobsPerDay"] }]);
    assert_eq!(refused["changeApiClientQuotas"]["userErrors"], error);
    let own = world.ask(&shop, change, json!({ "id": id, "quotas": {} })).await;
    assert_eq!(codes(&own), ["FORBIDDEN"]);
}

#[tokio::test]
async fn no_event_holds_an_e_mail_a_name_or_a_secret() {
    let world = World::new().await;
    let abe = world.person("abe", identity::Role::Admin).await;
    let (reader, _) = token(&world, &abe, "READ").await;
    let client = "mutation { createApiClient(input: { name: \"shop\", services: [\"scan\"] }) {
        secret } }";
    let client = world.data(&abe, client, json!({})).await["createApiClient"].take();
    let invite = "mutation { inviteUser(input: { email: \"carol@example.org\", role: MEMBER }) {
        user { email } userErrors { code } } }";
    let invited = world.data(&abe, invite, json!({})).await["inviteUser"].take();
    assert_eq!(invited["user"]["email"], "carol@example.org");
    let now = super::world::now();
    let identity = &world.sides.identity;
    identity.set_password(abe.id.0, "a password to change", now).await.unwrap();
    world.heard().await;
    let facts = world.sides.feed.read(0, usize::MAX >> 1).await.unwrap();
    let names: Vec<&str> = facts.iter().map(|it| it.recorded.event_type.as_str()).collect();
    for name in [
        "UserRegistered",
        "SessionStarted",
        "TokenGranted",
        "ClientRegistered",
        "UserInvited",
        "PasswordChanged",
    ] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    let secrets = [
        "example.org",
        "password of abe",
        "a password to change",
        "argon2",
        "laptop",
        "shop",
        &reader.token,
        &abe.token,
        client["secret"].as_str().unwrap(),
    ];
    for fact in facts {
        for secret in secrets {
            assert!(!fact.recorded.payload.contains(secret), "{secret} in {fact:?}");
            assert!(!fact.recorded.metadata.contains(secret), "{secret} in {fact:?}");
        }
    }
}

#[tokio::test]
async fn who_was_let_in_hears_within_a_second_that_it_is_over() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let SignedIn { user, session, .. } = ada.signed_in.clone();
    let (socket, other) = (world.sides.endings.of(user, session), uuid::Uuid::nil());
    let elsewhere = world.sides.endings.of(user, other);
    let now = super::world::now();
    world.sides.identity.sign_out(session, now).await.unwrap();
    tokio::time::timeout(PATIENCE, socket.cancelled()).await.unwrap();
    assert!(!elsewhere.is_cancelled());
    world.sides.identity.disable_user(user.0, now).await.unwrap();
    tokio::time::timeout(PATIENCE, elsewhere.cancelled()).await.unwrap();
}

#[test]
fn a_client_acts_as_itself() {
    let services: std::sync::Arc<[String]> = ["ocr".to_owned()].into();
    let principal = identity::Principal {
        user: uuid::Uuid::from_u128(7),
        role: identity::Role::Member,
        session: uuid::Uuid::from_u128(7),
        through: identity::Through::Client(services),
        expires_at: None,
    };
    let actor = SignedIn::from(principal).actor();
    assert!(matches!(actor, Actor::Client { .. }), "{actor:?}");
}
