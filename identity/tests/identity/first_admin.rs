use identity::{Refusal, Role};

use crate::world::{PASSWORD, WAITING_FOR_A_LOCK, World, refusal, t};

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
    // The other process is about to commit its own.
    let mut other = world.db.begin().await.unwrap();
    let insert = "insert into app_user (id, email, role, created_at)
                  values (gen_random_uuid(), 'other@example.org', 'admin', now())";
    sqlx::query(insert).execute(&mut *other).await.unwrap();
    let commit = async {
        world.eventually(WAITING_FOR_A_LOCK, 1).await;
        other.commit().await.unwrap();
    };
    let (made, ()) = tokio::join!(world.identity.ensure_first_admin(None, None, t(0)), commit);
    assert_eq!(made.unwrap(), None);
    assert_eq!(world.count("select count(*) from app_user").await, 1);
}
