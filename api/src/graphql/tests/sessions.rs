//! Signing in, staying in, signing out.

use serde_json::{Value, json};

use super::world::{Person, World, codes};

const SIGN_IN: &str = "mutation($email: String!, $password: String!) {
    signIn(input: { email: $email, password: $password }) {
        accessToken accessTokenExpiresAt refreshToken viewer { id } userErrors { code path }
    }
}";

const REFRESH: &str =
    "mutation($token: String!) { refreshSession(input: { refreshToken: $token }) {
    accessToken refreshToken userErrors { code path }
} }";

const VIEWER: &str = "{ viewer { id email role } }";

async fn public(world: &World, text: &str, variables: Value) -> Value {
    let mut answer = world.ask(None, text, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].take()
}

fn bearing(person: &Person, token: &Value) -> Person {
    Person { token: token.as_str().unwrap().to_owned(), ..person.clone() }
}

#[tokio::test]
async fn who_signs_in_is_let_in_until_they_sign_out() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let variables = json!({ "email": "ADA@example.org", "password": "password of ada" });
    let session = public(&world, SIGN_IN, variables).await["signIn"].take();
    assert_eq!(session["userErrors"], json!([]));
    assert_eq!(session["viewer"]["id"], ada.id.to_string());
    let ada = bearing(&ada, &session["accessToken"]);
    let viewer = world.data(&ada, VIEWER, json!({})).await["viewer"].take();
    assert_eq!(viewer, json!({ "id": ada.id, "email": ada.email, "role": "MEMBER" }));

    let renewed = public(&world, REFRESH, json!({ "token": session["refreshToken"] })).await;
    assert_eq!(renewed["refreshSession"]["userErrors"], json!([]));
    let again = bearing(&ada, &renewed["refreshSession"]["accessToken"]);
    world.data(&again, VIEWER, json!({})).await;

    let out = world.data(&again, "mutation { signOut { signedOut } }", json!({})).await;
    assert_eq!(out["signOut"]["signedOut"], true);
    for person in [&ada, &again] {
        let answer = world.ask(person, VIEWER, json!({})).await;
        assert_eq!(codes(&answer), ["UNAUTHENTICATED"]);
        assert_eq!(answer["errors"][0]["extensions"]["reason"], "TOKEN_REVOKED");
    }
    let token = &renewed["refreshSession"]["refreshToken"];
    let late = public(&world, REFRESH, json!({ "token": token })).await;
    assert_eq!(late["refreshSession"]["userErrors"][0]["code"], "SESSION_ENDED");
}

#[tokio::test]
async fn who_is_not_let_in_learns_no_more_than_that() {
    let world = World::new().await;
    world.person("ada", identity::Role::Member).await;
    let attempts = [
        json!({ "email": "ada@example.org", "password": "password of bob" }),
        json!({ "email": "nobody@example.org", "password": "password of ada" }),
        json!({ "email": "not an e-mail", "password": "password of ada" }),
    ];
    for variables in attempts {
        let session = public(&world, SIGN_IN, variables).await["signIn"].take();
        let errors = json!([{ "code": "INVALID_CREDENTIALS", "path": null }]);
        assert_eq!(session["userErrors"], errors);
        assert_eq!(session["accessToken"], Value::Null);
        assert_eq!(session["viewer"], Value::Null);
    }
    let refused = public(&world, REFRESH, json!({ "token": "nonsense" })).await;
    let errors = json!([{ "code": "TOKEN_INVALID", "path": ["input", "refreshToken"] }]);
    assert_eq!(refused["refreshSession"]["userErrors"], errors);
}

#[tokio::test]
async fn nobody_in_particular_is_nobody() {
    let world = World::new().await;
    assert_eq!(public(&world, VIEWER, json!({})).await["viewer"], Value::Null);
    let forged =
        Person { token: "forged".to_owned(), ..world.person("ada", identity::Role::Admin).await };
    let answer = world.ask(&forged, VIEWER, json!({})).await;
    assert_eq!(codes(&answer), ["UNAUTHENTICATED"]);
    assert_eq!(answer["errors"][0]["extensions"]["reason"], "TOKEN_MALFORMED");
}

#[tokio::test]
async fn an_account_is_shown_to_its_owner_and_to_operators_only() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let olga = world.person("olga", identity::Role::Operator).await;
    let text = "query($id: ID!) { node(id: $id) { ... on User { email role } } }";
    let shown =
        async |who: &Person| world.data(who, text, json!({ "id": ada.id })).await["node"].take();
    let account = json!({ "email": ada.email, "role": "MEMBER" });
    assert_eq!(shown(&ada).await, account);
    assert_eq!(shown(&olga).await, account);
    assert_eq!(shown(&bob).await, Value::Null);
}
