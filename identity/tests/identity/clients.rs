use identity::{ClientSecret, Quotas, Refusal, Through};
use uuid::Uuid;

use crate::world::{World, refusal, t};

const FREE: Quotas = Quotas { active_jobs_max: None, jobs_per_hour: None, jobs_per_day: None };

fn services(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_client_comes_in_by_its_secret_for_its_services() {
    let world = World::open().await;
    let identity = &world.identity;
    let made = identity.create_client(" shop ", &services(&["ocr", "checksum"]), FREE, t(0)).await;
    let (client, secret) = made.unwrap();
    assert_eq!((client.name.as_str(), &client.services), ("shop", &services(&["checksum", "ocr"])));
    let grant = identity.enter_client(client.id, &secret, t(1)).await.unwrap();
    assert_eq!(grant.expires_at, t(1 + 15 * 60));
    let principal = identity.verify_access(&grant.access, t(2)).await.unwrap();
    assert_eq!(principal.user, client.id);
    assert_eq!(principal.through, Through::Client(services(&["checksum", "ocr"]).into()));
    let changed = identity.change_client(client.id, &services(&["ocr"]), t(2)).await.unwrap();
    assert_eq!(changed.services, services(&["ocr"]));
    let principal = identity.verify_access(&grant.access, t(2)).await.unwrap();
    assert_eq!(principal.through, Through::Client(services(&["ocr"]).into()));
}

#[tokio::test]
async fn an_old_secret_and_a_disabled_client_are_not_let_in() {
    let world = World::open().await;
    let identity = &world.identity;
    let (client, old) =
        identity.create_client("shop", &services(&["ocr"]), FREE, t(0)).await.unwrap();
    let grant = identity.enter_client(client.id, &old, t(1)).await.unwrap();
    let (_, new) = identity.rotate_client_secret(client.id, t(2)).await.unwrap();
    assert_eq!(refusal(identity.enter_client(client.id, &old, t(3)).await), Refusal::ClientInvalid);
    identity.enter_client(client.id, &new, t(3)).await.unwrap();
    let another = identity.create_client("other", &services(&["ocr"]), FREE, t(0)).await.unwrap().0;
    assert_eq!(
        refusal(identity.enter_client(another.id, &new, t(3)).await),
        Refusal::ClientInvalid
    );
    let nonsense = ClientSecret::new("nonsense");
    assert_eq!(
        refusal(identity.enter_client(client.id, &nonsense, t(3)).await),
        Refusal::ClientInvalid
    );
    identity.disable_client(client.id, t(4)).await.unwrap();
    assert_eq!(refusal(identity.enter_client(client.id, &new, t(5)).await), Refusal::ClientInvalid);
    assert_eq!(refusal(identity.verify_access(&grant.access, t(5)).await), Refusal::TokenRevoked);
    let clients = identity.clients().await.unwrap();
    let disabled = clients.iter().find(|it| it.id == client.id).unwrap();
    assert_eq!(disabled.disabled_at, Some(t(4)));
}

#[tokio::test]
async fn a_client_that_breaks_a_rule_is_not_made() {
    let world = World::open().await;
    let identity = &world.identity;
    let make = async |name: &str, names: &[&str]| {
        refusal(identity.create_client(name, &services(names), FREE, t(0)).await)
    };
    assert_eq!(make(" ", &["ocr"]).await, Refusal::NameInvalid);
    assert_eq!(make("shop", &[]).await, Refusal::ServicesMissing);
    let star = Refusal::ServiceNameInvalid { name: "*".to_owned() };
    assert_eq!(make("shop", &["*"]).await, star);
    assert_eq!(world.count("select count(*) from api_client").await, 0);
    let nobody = identity.disable_client(Uuid::nil(), t(0)).await;
    assert_eq!(refusal(nobody), Refusal::ClientNotFound);
}
