use identity::{AccessToken, Happening, Refusal, Role, Subject, Through, TokenScope};
use uuid::Uuid;

use crate::world::{World, refusal, t};

fn shown(token: &identity::PersonalToken) -> AccessToken {
    AccessToken::new(token.expose())
}

#[tokio::test]
async fn a_program_comes_in_the_name_of_its_user_until_its_token_ends() {
    let world = World::open().await;
    let ada = world.user("ada@example.org", Role::Operator).await;
    let identity = &world.identity;
    let good = (TokenScope::Read, Some(t(100)));
    let made = identity.create_own_token(ada.id, " laptop ", good, t(0)).await;
    let (listed, token) = made.unwrap();
    assert!(token.expose().starts_with("greffe_pat_"));
    assert_eq!(listed.name, "laptop");
    let principal = identity.verify_access(&shown(&token), t(1)).await.unwrap();
    assert_eq!((principal.user, principal.role), (ada.id, Role::Operator));
    assert_eq!(principal.through, Through::Token(TokenScope::Read));
    assert_eq!(principal.expires_at, Some(t(100)));
    assert_eq!(identity.own_tokens(ada.id).await.unwrap()[0].last_used_at, Some(t(1)));
    let late = identity.verify_access(&shown(&token), t(100)).await;
    assert_eq!(refusal(late), Refusal::TokenExpired);
    let granted = Happening::TokenGranted {
        token: listed.id,
        scope: TokenScope::Read,
        expires_at: Some(t(100)),
    };
    assert_eq!(world.ledger.of(Subject::Account(ada.id)).last(), Some(&granted));
}

#[tokio::test]
async fn a_revoked_token_and_that_of_a_disabled_user_let_nobody_in() {
    let world = World::open().await;
    let ada = world.user("ada@example.org", Role::Member).await;
    let bob = world.user("bob@example.org", Role::Member).await;
    let identity = &world.identity;
    let scope = (TokenScope::Write, None);
    let owner = ada.id;
    let (first, revoked) = identity.create_own_token(owner, "a", scope, t(0)).await.unwrap();
    let (_, other) = identity.create_own_token(owner, "b", scope, t(0)).await.unwrap();
    identity.verify_access(&shown(&revoked), t(1)).await.unwrap();
    let of_another = identity.revoke_own_token(bob.id, first.id, t(1)).await;
    assert_eq!(refusal(of_another), Refusal::TokenNotFound);
    identity.revoke_own_token(ada.id, first.id, t(1)).await.unwrap();
    assert_eq!(
        refusal(identity.verify_access(&shown(&revoked), t(1)).await),
        Refusal::TokenRevoked
    );
    assert_eq!(identity.own_tokens(ada.id).await.unwrap().len(), 1);
    identity.disable_user(ada.id, t(2)).await.unwrap();
    assert_eq!(refusal(identity.verify_access(&shown(&other), t(2)).await), Refusal::UserDisabled);
    let unknown = identity.revoke_own_token(ada.id, Uuid::nil(), t(1)).await;
    assert_eq!(refusal(unknown), Refusal::TokenNotFound);
}
