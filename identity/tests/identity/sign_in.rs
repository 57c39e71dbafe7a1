use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use identity::{IdentityError, Refusal, Role};

use crate::world::{MINUTE, PASSWORD, WAITING_FOR_A_LOCK, World, refusal, t};

#[tokio::test]
async fn who_signs_in_gets_tokens_that_let_them_in() {
    let world = World::open().await;
    let ada = world.user("ada@example.org", Role::Operator).await;
    let tokens = world.identity.sign_in(" ADA@example.org", PASSWORD, t(0)).await.unwrap();
    assert_eq!(tokens.user, ada);
    assert_eq!(tokens.access_expires_at, t(15 * MINUTE));
    let principal = world.identity.verify_access(&tokens.access, t(1)).await.unwrap();
    assert_eq!((principal.user, principal.role), (ada.id, Role::Operator));
    assert_eq!(principal.expires_at, Some(tokens.access_expires_at));
}

#[tokio::test]
async fn a_refused_sign_in_does_not_tell_what_was_wrong() {
    let world = World::open().await;
    world.user("ada@example.org", Role::Member).await;
    let long = "a".repeat(100_000);
    for (email, password) in [
        ("ada@example.org", "correct horse batter"),
        ("ada@example.org", ""),
        ("ada@example.org", long.as_str()),
        ("bob@example.org", PASSWORD),
        ("not an e-mail", PASSWORD),
    ] {
        let refused = refusal(world.identity.sign_in(email, password, t(0)).await);
        assert_eq!(refused, Refusal::InvalidCredentials, "{email}");
    }
    assert_eq!(world.count("select count(*) from session").await, 0);
}

#[tokio::test]
async fn ten_wrong_passwords_close_the_door_for_the_quarter_of_an_hour() {
    let world = World::open().await;
    world.user("ada@example.org", Role::Member).await;
    world.user("bob@example.org", Role::Member).await;
    let sign_in = async |email: &'static str, password: &'static str, at: i64| {
        world.identity.sign_in(email, password, t(at)).await
    };
    for second in 0..10 {
        let refused = refusal(sign_in("ada@example.org", "a wrong password", second).await);
        assert_eq!(refused, Refusal::InvalidCredentials);
    }
    let closed = Refusal::Throttled { until: t(15 * MINUTE) };
    assert_eq!(refusal(sign_in("ada@example.org", PASSWORD, 11).await), closed);
    assert_eq!(refusal(sign_in("Ada@example.org", PASSWORD, 15 * MINUTE - 1).await), closed);
    sign_in("bob@example.org", PASSWORD, 11).await.unwrap();
    sign_in("ada@example.org", PASSWORD, 15 * MINUTE).await.unwrap();
}

#[tokio::test]
async fn guesses_made_all_at_once_are_counted_one_by_one() {
    let world = World::open().await;
    world.user("ada@example.org", Role::Member).await;
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..25 {
        let identity = world.identity.clone();
        guesses
            .spawn(async move { identity.sign_in("ada@example.org", "a wrong guess", t(0)).await });
    }
    let refusals: Vec<_> = guesses.join_all().await.into_iter().map(refusal).collect();
    let looked_at = refusals.iter().filter(|it| **it == Refusal::InvalidCredentials).count();
    assert_eq!(looked_at, 10);
    assert_eq!(refusals.iter().filter(|it| it.code() == "THROTTLED").count(), 15);
}

#[tokio::test]
async fn a_right_password_forgives_the_wrong_ones_before_it() {
    let world = World::open().await;
    world.user("ada@example.org", Role::Member).await;
    for _ in 0..3 {
        for _ in 0..9 {
            let wrong = world.identity.sign_in("ada@example.org", "a wrong password", t(0)).await;
            assert_eq!(refusal(wrong), Refusal::InvalidCredentials);
        }
        world.identity.sign_in("ada@example.org", PASSWORD, t(0)).await.unwrap();
    }
}

#[tokio::test]
async fn a_disabled_user_is_told_so_only_with_the_right_password() {
    let world = World::open().await;
    let ada = world.user("ada@example.org", Role::Member).await;
    world.identity.disable_user(ada.id, t(0)).await.unwrap();
    let sign_in =
        async |password| refusal(world.identity.sign_in("ada@example.org", password, t(1)).await);
    assert_eq!(sign_in("a wrong password").await, Refusal::InvalidCredentials);
    assert_eq!(sign_in(PASSWORD).await, Refusal::UserDisabled);
    world.identity.enable_user(ada.id, t(1)).await.unwrap();
    world.identity.sign_in("ada@example.org", PASSWORD, t(2)).await.unwrap();
}

#[tokio::test]
async fn an_outdated_hash_is_renewed_when_its_password_is_shown() {
    let world = World::open().await;
    let ada = world.user("ada@example.org", Role::Member).await;
    let salt = SaltString::encode_b64(&[7; 16]).unwrap();
    let params = Params::new(8, 1, 1, None).unwrap();
    let outdated = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(PASSWORD.as_bytes(), &salt)
        .unwrap()
        .to_string();
    sqlx::query("update password set hash = $2 where user_id = $1")
        .bind(ada.id)
        .bind(&outdated)
        .execute(&world.db)
        .await
        .unwrap();
    let stored = async || -> String {
        sqlx::query_scalar("select hash from password").fetch_one(&world.db).await.unwrap()
    };
    let wrong = world.identity.sign_in("ada@example.org", "a wrong password", t(0)).await;
    assert_eq!(refusal(wrong), Refusal::InvalidCredentials);
    assert_eq!(stored().await, outdated);
    world.identity.sign_in("ada@example.org", PASSWORD, t(0)).await.unwrap();
    let renewed = stored().await;
    assert!(renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{renewed}");
    world.identity.sign_in("ada@example.org", PASSWORD, t(0)).await.unwrap();
    assert_eq!(stored().await, renewed);
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_began() {
    let world = World::open().await;
    let tokens = world.ada().await;
    let identity = &world.identity;
    identity.set_password(tokens.user.id, "another password", t(1)).await.unwrap();
    assert_eq!(refusal(identity.verify_access(&tokens.access, t(1)).await), Refusal::SessionEnded);
    assert_eq!(refusal(identity.refresh(&tokens.refresh, t(1)).await), Refusal::SessionEnded);
    let old = identity.sign_in("ada@example.org", PASSWORD, t(1)).await;
    assert_eq!(refusal(old), Refusal::InvalidCredentials);
    identity.sign_in("ada@example.org", "another password", t(1)).await.unwrap();
}

#[tokio::test]
async fn a_password_that_changes_while_it_is_being_checked_starts_no_session() {
    let world = World::open().await;
    let ada = world.user("ada@example.org", Role::Member).await;
    // What `set_password` does, held open where the sign-in will meet it.
    let mut change = postgres::begin(&world.db).await.unwrap();
    sqlx::query("update password set changed_at = $2 where user_id = $1")
        .bind(ada.id)
        .bind(t(1))
        .execute(&mut *change)
        .await
        .unwrap();
    let sign_in = world.identity.sign_in("ada@example.org", PASSWORD, t(1));
    let commit = async {
        world.eventually(WAITING_FOR_A_LOCK, 1).await;
        change.commit().await.unwrap();
    };
    let (signed_in, ()) = tokio::join!(sign_in, commit);
    assert_eq!(refusal(signed_in), Refusal::InvalidCredentials);
    assert_eq!(world.count("select count(*) from session").await, 0);
}

#[tokio::test]
async fn an_unknown_email_takes_as_long_as_a_wrong_password() {
    let world = World::open().await;
    world.user("ada@example.org", Role::Member).await;
    let time = async |email| {
        let started = Instant::now();
        let refused = world.identity.sign_in(email, "a wrong password", t(0)).await;
        assert_eq!(refusal(refused), Refusal::InvalidCredentials);
        started.elapsed()
    };
    // In turns, and the fastest of each, so that a busy machine is fair to both.
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    // Without the hash it is a few milliseconds against tens, however often.
    for _ in 0..40 {
        known = known.min(time("ada@example.org").await);
        unknown = unknown.min(time("bob@example.org").await);
        if known < unknown * 2 && unknown < known * 2 {
            return;
        }
    }
    panic!("{known:?} against {unknown:?}");
}

#[tokio::test]
async fn a_database_out_of_reach_is_not_a_wrong_password() {
    let world = World::open().await;
    let tokens = world.ada().await;
    world.db.close().await;
    let unavailable = |error| matches!(error, IdentityError::Unavailable(_));
    let sign_in = world.identity.sign_in("ada@example.org", PASSWORD, t(1)).await;
    assert!(unavailable(sign_in.unwrap_err()));
    assert!(unavailable(world.identity.verify_access(&tokens.access, t(1)).await.unwrap_err()));
    assert!(unavailable(world.identity.refresh(&tokens.refresh, t(1)).await.unwrap_err()));
}

#[tokio::test]
async fn a_damaged_hash_is_not_a_wrong_password() {
    let world = World::open().await;
    world.user("ada@example.org", Role::Member).await;
    let damage = "update password set hash = '$argon2id$v=19$m=1,t=1'";
    sqlx::query(damage).execute(&world.db).await.unwrap();
    let broken = world.identity.sign_in("ada@example.org", PASSWORD, t(1)).await;
    assert!(matches!(broken, Err(IdentityError::Broken(_))), "{broken:?}");
}
