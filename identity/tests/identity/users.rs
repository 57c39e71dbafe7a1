use identity::{Refusal, Role};
use uuid::Uuid;

use crate::world::{PASSWORD, World, refusal, t};

#[tokio::test]
async fn an_email_belongs_to_one_user_however_it_is_spelt() {
    let world = World::open().await;
    let ada = world.user("Ada@Example.org", Role::Member).await;
    assert_eq!(ada.email.as_str(), "ada@example.org");
    let again = world.identity.create_user("ADA@example.ORG", PASSWORD, Role::Viewer, t(1)).await;
    assert_eq!(refusal(again), Refusal::EmailTaken);
    assert_eq!(world.identity.user(ada.id).await.unwrap().as_ref(), Some(&ada));
    assert_eq!(world.identity.list_users().await.unwrap(), [ada]);
    assert_eq!(world.identity.user(Uuid::nil()).await.unwrap(), None);
}

#[tokio::test]
async fn a_user_that_breaks_a_rule_is_not_made() {
    let world = World::open().await;
    let make = async |email: &str, password: &str| {
        refusal(world.identity.create_user(email, password, Role::Member, t(0)).await)
    };
    let told = |it: Refusal| (it.code(), it.field().map(str::to_owned));
    assert_eq!(told(make("ada", PASSWORD).await), ("EMAIL_INVALID", Some("email".to_owned())));
    assert_eq!(
        told(make("a@b.org", "short").await),
        ("PASSWORD_TOO_SHORT", Some("password".to_owned()))
    );
    let long = "a".repeat(1025);
    assert_eq!(
        told(make("a@b.org", &long).await),
        ("PASSWORD_TOO_LONG", Some("password".to_owned()))
    );
    assert_eq!(world.count("select count(*) from app_user").await, 0);
    assert_eq!(world.count("select count(*) from password").await, 0);
}

#[tokio::test]
async fn of_many_who_take_one_email_at_once_one_gets_it() {
    let world = World::open().await;
    let take = || world.identity.create_user("ada@example.org", PASSWORD, Role::Member, t(0));
    let taken = tokio::join!(take(), take(), take(), take());
    let taken = [taken.0, taken.1, taken.2, taken.3];
    assert_eq!(taken.iter().filter(|it| it.is_ok()).count(), 1);
    for refused in taken.into_iter().filter(Result::is_err) {
        assert_eq!(refusal(refused), Refusal::EmailTaken);
    }
}

#[tokio::test]
async fn the_last_admin_can_neither_be_disabled_nor_lose_the_role() {
    let world = World::open().await;
    let ada = world.user("ada@example.org", Role::Admin).await;
    let bob = world.user("bob@example.org", Role::Admin).await;
    let identity = &world.identity;
    identity.disable_user(bob.id, t(1)).await.unwrap();
    assert_eq!(refusal(identity.disable_user(ada.id, t(2)).await), Refusal::LastAdmin);
    assert_eq!(refusal(identity.set_role(ada.id, Role::Operator, t(1)).await), Refusal::LastAdmin);
    assert_eq!(identity.set_role(ada.id, Role::Admin, t(1)).await.unwrap().role, Role::Admin);
    identity.enable_user(bob.id, t(3)).await.unwrap();
    assert_eq!(identity.set_role(ada.id, Role::Operator, t(1)).await.unwrap().role, Role::Operator);
}

#[tokio::test]
async fn two_admins_who_remove_each_other_at_once_do_not_both_succeed() {
    let world = World::open().await;
    for round in 0..5 {
        let ada = world.user(&format!("ada{round}@example.org"), Role::Admin).await;
        let bob = world.user(&format!("bob{round}@example.org"), Role::Admin).await;
        let (one, other) = tokio::join!(
            world.identity.disable_user(ada.id, t(1)),
            world.identity.set_role(bob.id, Role::Viewer, t(1)),
        );
        let refused: Vec<_> = [one, other].into_iter().filter(Result::is_err).collect();
        assert_eq!(refused.len(), 1);
        for it in refused {
            assert_eq!(refusal(it), Refusal::LastAdmin);
        }
        // For the next round, which starts with two of its own.
        sqlx::query("update app_user set role = 'viewer'").execute(&world.db).await.unwrap();
    }
}

#[tokio::test]
async fn nobody_is_not_a_user() {
    let world = World::open().await;
    let (identity, nobody) = (&world.identity, Uuid::nil());
    let refused = Refusal::UserNotFound;
    assert_eq!(refusal(identity.set_role(nobody, Role::Viewer, t(1)).await), refused);
    assert_eq!(refusal(identity.disable_user(nobody, t(0)).await), refused);
    assert_eq!(refusal(identity.enable_user(nobody, t(0)).await), refused);
    assert_eq!(refusal(identity.set_password(nobody, PASSWORD, t(0)).await), refused);
}
