use identity::{Refusal, Role, WorkerServices, WorkerToken, WorkerTokenId};
use uuid::Uuid;

use crate::world::{World, refusal, t};

fn named(names: &[&str]) -> WorkerServices {
    WorkerServices::Named(names.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn a_worker_is_let_in_for_the_services_of_its_token() {
    let world = World::open().await;
    let ada = world.user("ada@example.org", Role::Admin).await;
    let identity = &world.identity;
    let services = named(&["ocr", "checksum", "ocr"]);
    let (id, token) =
        identity.create_worker_token(" lab ", &services, Some(ada.id), t(0)).await.unwrap();
    assert!(token.expose().starts_with("grfw_"));
    let grant = identity.verify_worker(&token, t(1)).await.unwrap();
    assert_eq!((grant.token_id, grant.name.as_str()), (id, "lab"));
    assert_eq!(grant.services, named(&["checksum", "ocr"]));

    let (_, token) =
        identity.create_worker_token("any", &WorkerServices::All, None, t(1)).await.unwrap();
    let grant = world.another_process().await.verify_worker(&token, t(1)).await.unwrap();
    assert_eq!(grant.services, WorkerServices::All);

    let tokens = identity.list_worker_tokens().await.unwrap();
    let seen: Vec<_> = tokens.iter().map(|it| (it.name.as_str(), it.created_by)).collect();
    assert_eq!(seen, [("lab", Some(ada.id)), ("any", None)]);
}

#[tokio::test]
async fn a_worker_token_that_breaks_a_rule_is_not_made() {
    let world = World::open().await;
    let make = async |name: &str, services: WorkerServices, by: Option<Uuid>| {
        refusal(world.identity.create_worker_token(name, &services, by, t(0)).await)
    };
    assert_eq!(make("  ", WorkerServices::All, None).await, Refusal::NameInvalid);
    assert_eq!(make("a\0b", WorkerServices::All, None).await, Refusal::NameInvalid);
    assert_eq!(make(&"a".repeat(101), WorkerServices::All, None).await, Refusal::NameInvalid);
    assert_eq!(make("lab", named(&[]), None).await, Refusal::ServicesMissing);
    let star = Refusal::ServiceNameInvalid { name: "*".to_owned() };
    assert_eq!(make("lab", named(&["*"]), None).await, star);
    let nobody = Some(Uuid::nil());
    assert_eq!(make("lab", WorkerServices::All, nobody).await, Refusal::UserNotFound);
    assert_eq!(world.count("select count(*) from worker_token").await, 0);
}

#[tokio::test]
async fn a_revoked_token_lets_no_worker_in_anywhere() {
    let world = World::open().await;
    let elsewhere = world.another_process().await;
    let identity = &world.identity;
    let (id, token) =
        identity.create_worker_token("lab", &WorkerServices::All, None, t(0)).await.unwrap();
    identity.verify_worker(&token, t(1)).await.unwrap();
    elsewhere.verify_worker(&token, t(1)).await.unwrap();
    identity.revoke_worker_token(id, t(1)).await.unwrap();
    identity.revoke_worker_token(id, t(9)).await.unwrap();
    assert_eq!(refusal(identity.verify_worker(&token, t(1)).await), Refusal::TokenRevoked);
    assert_eq!(refusal(elsewhere.verify_worker(&token, t(3)).await), Refusal::TokenRevoked);
    let listed = identity.list_worker_tokens().await.unwrap();
    assert_eq!(listed[0].revoked_at, Some(t(1)));

    let unknown = identity.revoke_worker_token(WorkerTokenId(Uuid::nil()), t(1)).await;
    assert_eq!(refusal(unknown), Refusal::WorkerTokenNotFound);
}

#[tokio::test]
async fn a_token_that_was_never_given_out_lets_no_worker_in() {
    let world = World::open().await;
    let tokens = world.ada().await;
    let unknown = format!("grfw_{}", "A".repeat(43));
    for text in ["", "grfw_", unknown.as_str(), tokens.refresh.expose()] {
        let refused = world.identity.verify_worker(&WorkerToken::new(text), t(1)).await;
        assert_eq!(refusal(refused), Refusal::TokenInvalid, "{text}");
    }
}

#[tokio::test]
async fn one_can_tell_to_the_minute_when_a_token_was_last_used() {
    let world = World::open().await;
    let identity = &world.identity;
    let (_, token) =
        identity.create_worker_token("lab", &WorkerServices::All, None, t(0)).await.unwrap();
    let last_used = async || identity.list_worker_tokens().await.unwrap()[0].last_used_at;
    assert_eq!(last_used().await, None);
    for (used, written) in [(5, 5), (10, 5), (64, 5), (66, 66), (100, 66)] {
        identity.verify_worker(&token, t(used)).await.unwrap();
        assert_eq!(last_used().await, Some(t(written)), "used at {used}");
    }
}
