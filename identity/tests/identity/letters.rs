use identity::{Language, LetterToken, Purpose, Refusal, Role};

use crate::world::{DAY, MINUTE, PASSWORD, World, refusal, t};

const NEW: &str = "another password";

/// The only letter that is to be sent at `at`.
async fn letter(world: &World, at: i64) -> identity::Letter {
    world.identity.answer_wishes(t(at)).await.unwrap();
    let mut letters = world.identity.take_letters(t(at)).await.unwrap();
    assert_eq!(letters.len(), 1);
    letters.remove(0)
}

#[tokio::test]
async fn who_has_forgotten_the_password_chooses_another_by_a_letter_once() {
    let world = World::open().await;
    let tokens = world.ada().await;
    let identity = &world.identity;
    identity.request_password_reset(" Ada@example.org", Language::French, t(1)).await.unwrap();
    let letter = letter(&world, 1).await;
    assert_eq!(letter.to.as_str(), "ada@example.org");
    assert_eq!((letter.purpose, letter.language), (Purpose::Reset, Language::French));
    identity.letter_sent(letter.id, t(1)).await.unwrap();
    assert!(identity.take_letters(t(DAY)).await.unwrap().is_empty(), "it is sent once");
    let weak = identity.reset_password(&letter.token, "short", t(2)).await;
    assert_eq!(refusal(weak), Refusal::PasswordTooShort);
    identity.reset_password(&letter.token, NEW, t(2)).await.unwrap();
    identity.sign_in("ada@example.org", NEW, t(3)).await.unwrap();
    let ended = identity.verify_access(&tokens.access, t(3)).await;
    assert_eq!(refusal(ended), Refusal::SessionEnded);
    let again = identity.reset_password(&letter.token, PASSWORD, t(3)).await;
    assert_eq!(refusal(again), Refusal::TokenInvalid);
}

#[tokio::test]
async fn nobody_learns_who_has_an_account_by_asking_for_letters() {
    let world = World::open().await;
    world.user("ada@example.org", Role::Member).await;
    let bob = world.user("bob@example.org", Role::Member).await;
    world.identity.disable_user(bob.id, t(0)).await.unwrap();
    for email in ["carol@example.org", "bob@example.org", "no e-mail"] {
        world.identity.request_password_reset(email, Language::English, t(1)).await.unwrap();
    }
    world.identity.answer_wishes(t(1)).await.unwrap();
    assert!(world.identity.take_letters(t(1)).await.unwrap().is_empty());
    assert_eq!(world.count("select count(*) from reset_wish").await, 0);
    for _ in 0..9 {
        let ask = world.identity.request_password_reset("ada@example.org", Language::English, t(2));
        ask.await.unwrap();
    }
    assert_eq!(world.count("select count(*) from reset_wish").await, 3, "and no more");
}

/// Must never: a stranger who asks for letters keeps somebody from theirs.
#[tokio::test]
async fn who_asks_for_many_letters_closes_the_door_for_a_quarter_of_an_hour_each_time() {
    let world = World::open().await;
    world.user("ada@example.org", Role::Member).await;
    for quarter in 0..4 {
        let at = t(quarter * 15 * MINUTE);
        for _ in 0..9 {
            let ask =
                world.identity.request_password_reset("ada@example.org", Language::English, at);
            ask.await.unwrap();
        }
        let asked = world.count("select count(*) from reset_wish").await;
        assert_eq!(asked, 3 * (quarter + 1), "quarter {quarter}");
    }
}

#[tokio::test]
async fn a_letter_that_was_not_sent_is_sent_again_with_another_token_and_given_up_at_last() {
    let world = World::open().await;
    world.user("ada@example.org", Role::Member).await;
    let identity = &world.identity;
    let ask = identity.request_password_reset("ada@example.org", Language::English, t(1));
    ask.await.unwrap();
    let first = letter(&world, 1).await;
    assert!(identity.take_letters(t(10)).await.unwrap().is_empty(), "not so soon");
    let second = letter(&world, 11).await;
    assert_eq!(first.id, second.id);
    let old = identity.reset_password(&first.token, NEW, t(12)).await;
    assert_eq!(refusal(old), Refusal::TokenInvalid);
    let late = identity.reset_password(&second.token, NEW, t(1 + 60 * MINUTE)).await;
    assert_eq!(refusal(late), Refusal::TokenExpired);
    assert!(identity.take_letters(t(61 * MINUTE)).await.unwrap().is_empty());
    assert_eq!(world.count("select count(*) from letter where given_up_at is null").await, 0);
}

#[tokio::test]
async fn who_was_invited_joins_with_the_role_of_the_last_invitation() {
    let world = World::open().await;
    let identity = &world.identity;
    let bob = identity.invite("bob@example.org", Role::Member, Language::English, t(0)).await;
    let bob = bob.unwrap();
    let first = letter(&world, 0).await;
    identity.letter_sent(first.id, t(0)).await.unwrap();
    let again = identity.invite("bob@example.org", Role::Operator, Language::English, t(1)).await;
    assert_eq!(again.unwrap().id, bob.id);
    let second = letter(&world, 1).await;
    let none = identity.sign_in("bob@example.org", NEW, t(2)).await;
    assert_eq!(refusal(none), Refusal::InvalidCredentials);
    let joined = identity.accept_invitation(&second.token, NEW, t(2)).await.unwrap();
    assert_eq!((joined.id, joined.role), (bob.id, Role::Operator));
    identity.sign_in("bob@example.org", NEW, t(3)).await.unwrap();
    let twice = identity.accept_invitation(&second.token, PASSWORD, t(3)).await;
    assert_eq!(refusal(twice), Refusal::TokenInvalid);
    let taken = identity.invite("bob@example.org", Role::Admin, Language::English, t(4)).await;
    assert_eq!(refusal(taken), Refusal::EmailTaken);
}

#[tokio::test]
async fn a_letter_of_one_kind_is_none_of_the_other() {
    let world = World::open().await;
    let identity = &world.identity;
    identity.invite("bob@example.org", Role::Member, Language::English, t(0)).await.unwrap();
    let invitation = letter(&world, 0).await;
    let refused = identity.reset_password(&invitation.token, NEW, t(1)).await;
    assert_eq!(refusal(refused), Refusal::TokenInvalid);
    let nonsense = identity.accept_invitation(&LetterToken::new("x"), NEW, t(1)).await;
    assert_eq!(refusal(nonsense), Refusal::TokenInvalid);
}

#[tokio::test]
async fn who_may_join_unasked_is_a_setting() {
    let world = World::open().await;
    let closed = world.identity.sign_up("bob@example.org", NEW, t(0)).await;
    assert_eq!(refusal(closed), Refusal::RegistrationClosed);
    let world = World::open_to_all().await;
    let bob = world.identity.sign_up("bob@example.org", NEW, t(0)).await.unwrap();
    assert_eq!(bob.role, Role::Member);
    world.identity.sign_in("bob@example.org", NEW, t(1)).await.unwrap();
    let taken = world.identity.sign_up("BOB@example.org", NEW, t(1)).await;
    assert_eq!(refusal(taken), Refusal::EmailTaken);
}
