use identity::{RefreshToken, Refusal};

use crate::world::{DAY, PASSWORD, World, refusal, t};

#[tokio::test]
async fn a_session_is_carried_on_by_a_new_pair_each_time() {
    let world = World::open().await;
    let first = world.ada().await;
    let second = world.identity.refresh(&first.refresh, t(100)).await.unwrap();
    let third = world.identity.refresh(&second.refresh, t(200)).await.unwrap();
    assert_eq!(third.user, first.user);
    assert_ne!(second.refresh, first.refresh);
    assert_ne!(third.refresh, second.refresh);
    let before = world.identity.verify_access(&first.access, t(201)).await.unwrap();
    let after = world.identity.verify_access(&third.access, t(201)).await.unwrap();
    assert_eq!(before.session, after.session);
    assert!(before.expires_at < after.expires_at);
}

#[tokio::test]
async fn a_token_used_twice_ends_the_session_for_whoever_holds_it() {
    let world = World::open().await;
    let elsewhere = world.another_process().await;
    let stolen = world.ada().await;
    let other_device = world.identity.sign_in("ada@example.org", PASSWORD, t(0)).await.unwrap();
    let owner = world.identity.refresh(&stolen.refresh, t(100)).await.unwrap();

    let thief = elsewhere.refresh(&stolen.refresh, t(111)).await;
    assert_eq!(refusal(thief), Refusal::TokenReused);
    for access in [&stolen.access, &owner.access] {
        let refused = elsewhere.verify_access(access, t(111)).await;
        assert_eq!(refusal(refused), Refusal::SessionEnded);
    }
    let refused = world.identity.refresh(&owner.refresh, t(112)).await;
    assert_eq!(refusal(refused), Refusal::SessionEnded);
    let reason: String = sqlx::query_scalar("select end_reason from session where ended_at = $1")
        .bind(t(111))
        .fetch_one(&world.db)
        .await
        .unwrap();
    assert_eq!(reason, "token_reused");
    assert!(world.identity.refresh(&other_device.refresh, t(112)).await.is_ok());
}

#[tokio::test]
async fn a_client_that_asks_again_at_once_because_the_answer_was_lost_goes_on() {
    let world = World::open().await;
    let first = world.ada().await;
    let (lost, again) = tokio::join!(
        world.identity.refresh(&first.refresh, t(100)),
        world.identity.refresh(&first.refresh, t(100)),
    );
    let (lost, again) = (lost.unwrap(), again.unwrap());
    assert_ne!(lost.refresh, again.refresh);
    let late = world.identity.refresh(&first.refresh, t(110)).await.unwrap();
    assert!(world.identity.refresh(&late.refresh, t(120)).await.is_ok());
    // The second use was within the grace, and did not prolong it.
    let later = world.identity.refresh(&first.refresh, t(115)).await;
    assert_eq!(refusal(later), Refusal::TokenReused);
}

#[tokio::test]
async fn an_idle_session_is_lost_after_seven_days() {
    let world = World::open().await;
    let first = world.ada().await;
    let second = world.identity.refresh(&first.refresh, t(7 * DAY - 1)).await.unwrap();
    let idle = world.identity.refresh(&second.refresh, t(14 * DAY - 1)).await;
    assert_eq!(refusal(idle), Refusal::TokenExpired);
}

#[tokio::test]
async fn a_session_in_use_ends_after_thirty_days() {
    let world = World::open().await;
    let mut tokens = world.ada().await;
    for day in 1..30 {
        tokens = world.identity.refresh(&tokens.refresh, t(day * DAY)).await.unwrap();
    }
    let last = world.identity.refresh(&tokens.refresh, t(30 * DAY - 60)).await.unwrap();
    assert_eq!(last.access_expires_at, t(30 * DAY), "no access beyond the session");
    let over = world.identity.refresh(&last.refresh, t(30 * DAY)).await;
    assert_eq!(refusal(over), Refusal::TokenExpired);
}

#[tokio::test]
async fn tokens_that_time_made_useless_do_not_pile_up() {
    let world = World::open().await;
    let mut tokens = world.ada().await;
    for day in 1..30 {
        tokens = world.identity.refresh(&tokens.refresh, t(day * DAY)).await.unwrap();
    }
    assert!(world.count("select count(*) from refresh_token").await <= 8);
    let wrong = world.identity.sign_in("ada@example.org", "a wrong password", t(29 * DAY)).await;
    assert_eq!(refusal(wrong), Refusal::InvalidCredentials);

    world.identity.sweep(t(30 * DAY - 1)).await.unwrap();
    assert_eq!(world.count("select count(*) from session").await, 1);
    world.identity.sweep(t(30 * DAY)).await.unwrap();
    for table in [
        "select count(*) from session",
        "select count(*) from refresh_token",
        "select count(*) from sign_in_failure",
    ] {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_token_that_was_never_given_out_is_refused() {
    let world = World::open().await;
    let tokens = world.ada().await;
    let mut text = tokens.refresh.expose().to_owned();
    let other = if text.as_bytes()[10] == b'A' { "B" } else { "A" };
    text.replace_range(10..11, other);
    let refused = world.identity.refresh(&RefreshToken::new(text), t(1)).await;
    assert_eq!(refusal(refused), Refusal::TokenInvalid);
}
