use identity::{Refusal, Role};

use crate::world::{PASSWORD, World, refusal, t};

#[tokio::test]
async fn the_first_start_makes_an_admin_with_a_password_told_once() {
    let world = World::open().await;
    let made = world.identity.ensure_first_admin(None, None, t(0)).await.unwrap().unwrap();
    assert_eq!(made.email.as_str(), "admin@localhost");
    let signed_in = world.identity.sign_in("admin@localhost", &made.password, t(1)).await.unwrap();
    assert_eq!(signed_in.user.role, Role::Admin);

    assert_eq!(world.identity.ensure_first_admin(None, None, t(2)).await.unwrap(), None);
    let given = Some("other@example.org");
    assert_eq!(world.identity.ensure_first_admin(given, None, t(2)).await.unwrap(), None);
    assert_eq!(world.count("select count(*) from app_user").await, 1);
}

#[tokio::test]
async fn an_admin_with_a_given_password_is_made_without_telling_it() {
    let world = World::open().await;
    let identity = &world.identity;
    let made = identity.ensure_first_admin(Some("ada@example.org"), Some(PASSWORD), t(0)).await;
    assert_eq!(made.unwrap(), None);
    let signed_in = identity.sign_in("ada@example.org", PASSWORD, t(1)).await.unwrap();
    assert_eq!(signed_in.user.role, Role::Admin);
}

#[tokio::test]
async fn settings_that_break_a_rule_make_no_admin() {
    let world = World::open().await;
    let identity = &world.identity;
    let short = identity.ensure_first_admin(Some("ada@example.org"), Some("short"), t(0)).await;
    assert_eq!(refusal(short), Refusal::PasswordTooShort);
    let odd = identity.ensure_first_admin(Some("ada"), None, t(0)).await;
    assert_eq!(refusal(odd), Refusal::EmailInvalid);
    world.user("ada@example.org", Role::Member).await;
    let taken = identity.ensure_first_admin(Some("ada@example.org"), None, t(0)).await;
    assert_eq!(refusal(taken), Refusal::EmailTaken);
    assert_eq!(world.count("select count(*) from app_user where role = 'admin'").await, 0);
}

#[tokio::test]
async fn of_two_first_starts_at_once_one_makes_the_admin() {
    let world = World::open().await;
    let other = world.another_process().await;
    let (one, another) = tokio::join!(
        world.identity.ensure_first_admin(None, None, t(0)),
        other.ensure_first_admin(None, None, t(0)),
    );
    let made = [one.unwrap(), another.unwrap()].into_iter().flatten().count();
    assert_eq!(made, 1);
    assert_eq!(world.count("select count(*) from app_user").await, 1);
}
