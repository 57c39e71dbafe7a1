use identity::{AccessToken, Identity, Refusal, Role, Settings, Tokens};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::world::{DAY, MINUTE, World, empty, refusal, t};

#[tokio::test]
async fn an_access_token_is_believed_until_its_time_and_not_a_second_longer() {
    let world = World::open().await;
    let tokens = world.ada().await;
    let verify = async |at| world.identity.verify_access(&tokens.access, t(at)).await;
    assert!(verify(15 * MINUTE - 1).await.is_ok());
    assert_eq!(refusal(verify(15 * MINUTE).await), Refusal::TokenExpired);
    assert_eq!(refusal(verify(DAY).await), Refusal::TokenExpired);
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token_and_the_other_way_round() {
    let world = World::open().await;
    let tokens = world.ada().await;
    let refresh = AccessToken::new(tokens.refresh.expose());
    assert_eq!(refusal(world.identity.verify_access(&refresh, t(1)).await), Refusal::TokenInvalid);
    let access = identity::RefreshToken::new(tokens.access.expose());
    assert_eq!(refusal(world.identity.refresh(&access, t(1)).await), Refusal::TokenInvalid);
    let access = identity::WorkerToken::new(tokens.access.expose());
    assert_eq!(refusal(world.identity.verify_worker(&access, t(1)).await), Refusal::TokenInvalid);
}

#[tokio::test]
async fn a_token_of_which_any_character_was_changed_is_refused() {
    let world = World::open().await;
    let tokens = world.ada().await;
    let good = tokens.access.expose();
    for at in 0..good.len() {
        let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &good[..at], &good[at + 1..]);
        let refused = world.identity.verify_access(&AccessToken::new(changed), t(1)).await;
        assert_eq!(refusal(refused), Refusal::TokenInvalid, "at {at}");
    }
    for text in ["", ".", "..", "a.b.c", &good[..good.len() - 1], &format!("{good}A")] {
        let refused = world.identity.verify_access(&AccessToken::new(text), t(1)).await;
        assert_eq!(refusal(refused), Refusal::TokenInvalid, "{text}");
    }
}

/// What one who knows the key could write, or one who wishes they did.
struct Forger {
    header: Header,
    claims: Value,
    secret: Vec<u8>,
}

impl Forger {
    async fn of(world: &World, tokens: &Tokens) -> Self {
        let secret =
            sqlx::query_scalar("select secret from signing_key").fetch_one(&world.db).await;
        let data = jsonwebtoken::dangerous::insecure_decode::<Value>(tokens.access.expose());
        let data = data.unwrap();
        Self { header: data.header, claims: data.claims, secret: secret.unwrap() }
    }

    fn signed(&self, header: &Header, claims: &Value) -> AccessToken {
        AccessToken::new(encode(header, claims, &EncodingKey::from_secret(&self.secret)).unwrap())
    }

    fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims.clone();
        claims[name] = value;
        claims
    }
}

#[tokio::test]
async fn a_well_signed_token_of_another_kind_or_for_others_is_refused() {
    let world = World::open().await;
    let tokens = world.ada().await;
    let forger = Forger::of(&world, &tokens).await;
    let verify = async |token: AccessToken| world.identity.verify_access(&token, t(1)).await;
    assert!(verify(forger.signed(&forger.header, &forger.claims)).await.is_ok());

    for typ in [None, Some("JWT"), Some("rt+jwt")] {
        let header = Header { typ: typ.map(str::to_owned), ..forger.header.clone() };
        let refused = verify(forger.signed(&header, &forger.claims)).await;
        assert_eq!(refusal(refused), Refusal::TokenInvalid, "{typ:?}");
    }
    for kid in [None, Some("00000000-0000-0000-0000-000000000000")] {
        let header = Header { kid: kid.map(str::to_owned), ..forger.header.clone() };
        let refused = verify(forger.signed(&header, &forger.claims)).await;
        assert_eq!(refusal(refused), Refusal::TokenInvalid, "{kid:?}");
    }
    for (claim, value) in [
        ("aud", json!("somebody-else")),
        ("aud", json!(null)),
        ("iss", json!("somebody-else")),
        ("exp", json!(null)),
        ("exp", json!("never")),
        ("role", json!("owner")),
        ("sub", json!("00000000-0000-0000-0000-000000000000")),
    ] {
        let claims = forger.claims_with(claim, value.clone());
        let refused = verify(forger.signed(&forger.header, &claims)).await;
        assert_eq!(refusal(refused), Refusal::TokenInvalid, "{claim} {value}");
    }
    let claims = forger.claims_with("sid", json!("00000000-0000-0000-0000-000000000000"));
    let refused = verify(forger.signed(&forger.header, &claims)).await;
    assert_eq!(refusal(refused), Refusal::SessionEnded);
}

#[tokio::test]
async fn a_token_signed_by_nothing_by_another_key_or_by_another_algorithm_is_refused() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let world = World::open().await;
    let tokens = world.ada().await;
    let forger = Forger::of(&world, &tokens).await;
    let verify = async |token: AccessToken| world.identity.verify_access(&token, t(1)).await;

    let kid = forger.header.kid.clone();
    let claims = URL_SAFE_NO_PAD.encode(forger.claims.to_string());
    for alg in ["none", "None", "NONE"] {
        let header = json!({ "alg": alg, "typ": "at+jwt", "kid": kid }).to_string();
        let unsigned = format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(header));
        let refused = verify(AccessToken::new(unsigned)).await;
        assert_eq!(refusal(refused), Refusal::TokenInvalid, "{alg}");
    }
    let stranger = Forger { secret: vec![0; 32], ..Forger::of(&world, &tokens).await };
    let refused = verify(stranger.signed(&forger.header, &forger.claims)).await;
    assert_eq!(refusal(refused), Refusal::TokenInvalid);
    let header = Header { alg: Algorithm::HS512, ..forger.header.clone() };
    let refused = verify(forger.signed(&header, &forger.claims)).await;
    assert_eq!(refusal(refused), Refusal::TokenInvalid);
}

#[tokio::test]
async fn the_role_is_that_of_now_and_not_that_in_the_token() {
    let world = World::open().await;
    let elsewhere = world.another_process().await;
    let tokens = world.ada().await;
    let role = async |identity: &Identity, at| {
        identity.verify_access(&tokens.access, t(at)).await.unwrap().role
    };
    assert_eq!(role(&world.identity, 1).await, Role::Member);
    assert_eq!(role(&elsewhere, 1).await, Role::Member);
    world.identity.set_role(tokens.user.id, Role::Viewer, t(1)).await.unwrap();
    assert_eq!(role(&world.identity, 1).await, Role::Viewer);
    assert_eq!(role(&elsewhere, 3).await, Role::Viewer, "other processes hear within two seconds");
}

#[tokio::test]
async fn the_tokens_of_a_disabled_user_or_an_ended_session_let_nobody_in() {
    let world = World::open().await;
    let elsewhere = world.another_process().await;
    let tokens = world.ada().await;
    let session = elsewhere.verify_access(&tokens.access, t(1)).await.unwrap().session;
    world.identity.verify_access(&tokens.access, t(1)).await.unwrap();

    world.identity.sign_out(session, t(1)).await.unwrap();
    for (identity, at) in [(&world.identity, 1), (&elsewhere, 3)] {
        let refused = identity.verify_access(&tokens.access, t(at)).await;
        assert_eq!(refusal(refused), Refusal::SessionEnded);
    }
    assert_eq!(refusal(elsewhere.refresh(&tokens.refresh, t(1)).await), Refusal::SessionEnded);

    let tokens = world.identity.sign_in("ada@example.org", crate::world::PASSWORD, t(4)).await;
    let tokens = tokens.unwrap();
    elsewhere.verify_access(&tokens.access, t(4)).await.unwrap();
    world.identity.disable_user(tokens.user.id, t(4)).await.unwrap();
    for (identity, at) in [(&world.identity, 4), (&elsewhere, 6)] {
        let refused = identity.verify_access(&tokens.access, t(at)).await;
        assert_eq!(refusal(refused), Refusal::UserDisabled);
    }
    assert_eq!(refusal(elsewhere.refresh(&tokens.refresh, t(5)).await), Refusal::UserDisabled);
    world.identity.enable_user(tokens.user.id, t(5)).await.unwrap();
    let refused = world.identity.verify_access(&tokens.access, t(7)).await;
    assert_eq!(refusal(refused), Refusal::SessionEnded, "being enabled revives no session");
}

#[tokio::test]
async fn processes_that_start_at_once_make_one_key_and_believe_each_other() {
    let (_database, db) = empty().await;
    let ledger = std::sync::Arc::new(crate::memory::Memory::default());
    let connect = || crate::world::connect(&db, Settings::default(), &ledger);
    let processes = tokio::join!(connect(), connect(), connect(), connect());
    let processes = [processes.0, processes.1, processes.2, processes.3];
    let keys: i64 =
        sqlx::query_scalar("select count(*) from signing_key").fetch_one(&db).await.unwrap();
    assert_eq!(keys, 1);

    let [first, others @ ..] = &processes;
    first.create_user("ada@example.org", crate::world::PASSWORD, Role::Member, t(0)).await.unwrap();
    let tokens = first.sign_in("ada@example.org", crate::world::PASSWORD, t(0)).await.unwrap();
    for other in others {
        assert!(other.verify_access(&tokens.access, t(1)).await.is_ok());
    }
    let restarted = connect().await;
    assert!(restarted.verify_access(&tokens.access, t(1)).await.is_ok());
}

#[tokio::test]
async fn a_retired_key_verifies_what_it_signed_while_another_signs() {
    let world = World::open().await;
    let tokens = world.ada().await;
    sqlx::query("update signing_key set retired_at = created_at").execute(&world.db).await.unwrap();
    let restarted = world.another_process().await;
    assert!(restarted.verify_access(&tokens.access, t(1)).await.is_ok());
    let next = restarted.refresh(&tokens.refresh, t(1)).await.unwrap();
    assert!(restarted.verify_access(&next.access, t(2)).await.is_ok());
    let kid = |tokens: &Tokens| jsonwebtoken::decode_header(tokens.access.expose()).unwrap().kid;
    assert_ne!(kid(&tokens), kid(&next));
}
