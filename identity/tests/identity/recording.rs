//! Nothing takes effect that was not recorded, and everything that was does.

use identity::{Happening, IdentityError, Refusal, Registration, Role, SessionEnd, Subject};

use crate::memory::Trouble;
use crate::world::{DAY, MINUTE, PASSWORD, World, refusal, t};

/// What another process does for one that has died.
async fn kept(world: &World) {
    let ids: Vec<uuid::Uuid> =
        sqlx::query_scalar("select id from app_user").fetch_all(&world.db).await.unwrap();
    for id in ids {
        world.another_process().await.follow(Subject::Account(id)).await.unwrap();
    }
}

async fn dies<T: std::fmt::Debug>(done: impl Future<Output = Result<T, IdentityError>>) {
    assert!(matches!(done.await, Err(IdentityError::Broken(_))));
}

#[tokio::test]
async fn what_was_recorded_takes_effect_though_its_process_died() {
    let world = World::open().await;
    let identity = &world.identity;
    world.ledger.brew(Trouble::DiesAfter);
    dies(identity.create_user("ada@example.org", PASSWORD, Role::Member, t(0))).await;
    let before = identity.sign_in("ada@example.org", PASSWORD, t(1)).await;
    assert_eq!(refusal(before), Refusal::InvalidCredentials);
    kept(&world).await;
    let tokens = identity.sign_in("ada@example.org", PASSWORD, t(1)).await.unwrap();
    let ada = tokens.user.id;
    world.ledger.brew(Trouble::DiesAfter);
    dies(identity.set_password(ada, "another password", t(2))).await;
    kept(&world).await;
    identity.sign_in("ada@example.org", "another password", t(3)).await.unwrap();
    world.ledger.brew(Trouble::DiesAfter);
    dies(identity.disable_user(ada, t(4))).await;
    kept(&world).await;
    let late = identity.sign_in("ada@example.org", "another password", t(5)).await;
    assert_eq!(refusal(late), Refusal::UserDisabled);
}

#[tokio::test]
async fn what_was_not_recorded_has_not_happened_and_is_swept() {
    let world = World::open().await;
    let identity = &world.identity;
    world.ledger.brew(Trouble::DiesBefore);
    dies(identity.create_user("ada@example.org", PASSWORD, Role::Member, t(0))).await;
    kept(&world).await;
    let nobody = identity.sign_in("ada@example.org", PASSWORD, t(1)).await;
    assert_eq!(refusal(nobody), Refusal::InvalidCredentials);
    identity.sweep(t(DAY)).await.unwrap();
    assert_eq!(world.count("select count(*) from app_user").await, 0);
    let ada = world.user("ada@example.org", Role::Member).await;
    world.ledger.brew(Trouble::DiesBefore);
    dies(identity.set_password(ada.id, "another password", t(2))).await;
    world.ledger.brew(Trouble::DiesBefore);
    dies(identity.sign_in("ada@example.org", PASSWORD, t(2))).await;
    identity.sweep(t(DAY)).await.unwrap();
    for table in ["staged_password", "session"] {
        let count = format!("select count(*) from {table}");
        let count: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&world.db).await.unwrap();
        assert_eq!(count, 0, "{table}");
    }
    identity.sign_in("ada@example.org", PASSWORD, t(DAY)).await.unwrap();
}

#[tokio::test]
async fn events_take_effect_in_their_order_and_once_whoever_applies_them() {
    let world = World::open().await;
    let ada = world.user("ada@example.org", Role::Member).await;
    for role in [Role::Operator, Role::Admin] {
        world.ledger.brew(Trouble::DiesAfter);
        dies(world.identity.set_role(ada.id, role, t(1))).await;
    }
    let other = world.another_process().await;
    let subject = Subject::Account(ada.id);
    assert!(!other.has_taken_in(subject, 3).await.unwrap());
    let (one, another) = tokio::join!(world.identity.follow(subject), other.follow(subject));
    one.and(another).unwrap();
    assert!(other.has_taken_in(subject, 3).await.unwrap());
    assert_eq!(other.user(ada.id).await.unwrap().unwrap().role, Role::Admin);
}

#[tokio::test]
async fn an_admin_whom_the_rules_keep_is_not_about_to_leave() {
    let world = World::open().await;
    let ada = world.user("ada@example.org", Role::Admin).await;
    let bob = world.user("bob@example.org", Role::Admin).await;
    world.ledger.brew(Trouble::Refuses);
    let refused = world.identity.disable_user(bob.id, t(1)).await;
    assert_eq!(refusal(refused).code(), "FORBIDDEN");
    world.identity.disable_user(ada.id, t(2)).await.unwrap();
    let last = world.identity.disable_user(bob.id, t(3)).await;
    assert_eq!(refusal(last), Refusal::LastAdmin);
}

/// Whoever did not leave in the end holds nobody up for long, and whoever did is not counted on.
#[tokio::test]
async fn an_admin_who_was_about_to_leave_a_minute_ago_stays_or_has_left() {
    for (trouble, stays) in [(Trouble::DiesBefore, true), (Trouble::DiesAfter, false)] {
        let world = World::open().await;
        let ada = world.user("ada@example.org", Role::Admin).await;
        let bob = world.user("bob@example.org", Role::Admin).await;
        world.ledger.brew(trouble);
        dies(world.identity.disable_user(bob.id, t(1))).await;
        let soon = world.identity.disable_user(ada.id, t(2)).await;
        assert_eq!(refusal(soon), Refusal::LastAdmin);
        let later = world.identity.disable_user(ada.id, t(1 + MINUTE)).await;
        assert_eq!(later.is_ok(), stays, "{trouble:?}: {later:?}");
    }
}

#[tokio::test]
async fn accounts_from_before_there_were_events_get_theirs_once() {
    let world = World::open().await;
    let insert = "insert into app_user (id, email, role, created_at, disabled_at, activated_at)
        values (gen_random_uuid(), 'old@example.org', 'operator', now(), now(), now())";
    sqlx::query(insert).execute(&world.db).await.unwrap();
    world.identity.migrate(t(1)).await.unwrap();
    world.identity.migrate(t(2)).await.unwrap();
    let old = world.identity.user_by_email("old@example.org").await.unwrap().unwrap();
    let by = Registration::Migration;
    let told = [Happening::Registered { role: Role::Operator, by }, Happening::Disabled];
    assert_eq!(world.ledger.of(Subject::Account(old.id)), told);
    assert!(old.disabled_at.is_some());
}

#[tokio::test]
async fn one_sees_ones_sessions_and_ends_them_one_by_one_or_all() {
    let world = World::open().await;
    let first = world.ada().await;
    let identity = &world.identity;
    let ada = first.user.id;
    let second = identity.sign_in("ada@example.org", PASSWORD, t(1)).await.unwrap();
    let third = identity.sign_in("ada@example.org", PASSWORD, t(2)).await.unwrap();
    let sessions = identity.sessions(ada, t(3)).await.unwrap();
    let times: Vec<_> = sessions.iter().map(|it| it.created_at).collect();
    assert_eq!(times, [t(2), t(1), t(0)]);
    identity.revoke_session(ada, sessions[1].id, t(3)).await.unwrap();
    let ended = identity.verify_access(&second.access, t(3)).await;
    assert_eq!(refusal(ended), Refusal::SessionEnded);
    identity.verify_access(&third.access, t(3)).await.unwrap();
    let bob = world.user("bob@example.org", Role::Member).await;
    let not_his = identity.revoke_session(bob.id, sessions[0].id, t(3)).await;
    assert_eq!(refusal(not_his), Refusal::SessionNotFound);
    identity.sign_out_everywhere(ada, t(4)).await.unwrap();
    for tokens in [&first, &third] {
        let ended = identity.verify_access(&tokens.access, t(4)).await;
        assert_eq!(refusal(ended), Refusal::SessionEnded);
    }
    let told = Happening::SessionsEnded { why: SessionEnd::Revoked };
    assert_eq!(world.ledger.of(Subject::Account(ada)).last(), Some(&told));
}

/// Must never: a session is ended, and for a moment its tokens still let in
/// where that was said.
#[tokio::test]
async fn what_is_ended_is_over_at_once_though_another_process_was_faster() {
    let world = World::open().await;
    let here = world.ada().await;
    world.ledger.outrun(world.another_process().await);
    let (identity, ada) = (&world.identity, here.user.id);
    identity.verify_access(&here.access, t(1)).await.unwrap();
    identity.sign_out_everywhere(ada, t(1)).await.unwrap();
    let ended = identity.verify_access(&here.access, t(1)).await;
    assert_eq!(refusal(ended), Refusal::SessionEnded);
}

#[tokio::test]
async fn who_changes_the_password_stays_in_and_all_others_are_out() {
    let world = World::open().await;
    let here = world.ada().await;
    let identity = &world.identity;
    let elsewhere = identity.sign_in("ada@example.org", PASSWORD, t(1)).await.unwrap();
    let session = identity.verify_access(&here.access, t(2)).await.unwrap().session;
    let who = (here.user.id, session);
    let wrong = identity.change_password(who, "a wrong guess", "another password", t(2)).await;
    assert_eq!(refusal(wrong), Refusal::PasswordWrong);
    identity.change_password(who, PASSWORD, "another password", t(2)).await.unwrap();
    identity.verify_access(&here.access, t(3)).await.unwrap();
    let out = identity.verify_access(&elsewhere.access, t(3)).await;
    assert_eq!(refusal(out), Refusal::SessionEnded);
    identity.sign_in("ada@example.org", "another password", t(3)).await.unwrap();
}

#[tokio::test]
async fn guesses_at_many_accounts_from_one_address_are_counted_together() {
    let world = World::open().await;
    world.user("ada@example.org", Role::Member).await;
    let identity = world.identity.from_address(Some([192, 0, 2, 1].into()));
    for guess in 0..100 {
        let email = format!("guess{guess}@example.org");
        let refused = refusal(identity.sign_in(&email, "a", t(0)).await);
        assert_eq!(refused, Refusal::InvalidCredentials);
    }
    let closed = refusal(identity.sign_in("ada@example.org", PASSWORD, t(0)).await);
    assert_eq!(closed.code(), "THROTTLED");
    world.identity.sign_in("ada@example.org", PASSWORD, t(0)).await.unwrap();
}

#[tokio::test]
async fn a_door_that_is_closed_again_is_closed_for_longer() {
    let world = World::open().await;
    let mut at = 0;
    for minutes in [15, 30, 60] {
        for _ in 0..10 {
            let wrong = world.identity.sign_in("ada@example.org", "a wrong guess", t(at)).await;
            assert_eq!(refusal(wrong), Refusal::InvalidCredentials);
        }
        let closed = world.identity.sign_in("ada@example.org", "a wrong guess", t(at)).await;
        let until = t(at + minutes * 60);
        assert_eq!(refusal(closed), Refusal::Throttled { until });
        at += minutes * 60;
    }
}
