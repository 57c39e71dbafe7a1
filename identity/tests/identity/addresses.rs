//! What comes from one address is counted together, and apart from all others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use identity::{ClientSecret, Identity, Quotas, Refusal, Role};
use uuid::Uuid;

use crate::world::{MINUTE, PASSWORD, World, refusal, t};

const ADA: &str = "ada@example.org";

fn at(world: &World, address: impl Into<IpAddr>) -> Identity {
    world.identity.from_address(Some(address.into()))
}

fn office(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, host)
}

/// Guesses until it is told to stop; how often it was let guess.
async fn guess(identity: &Identity, email: &str, seconds: i64) -> u32 {
    for guesses in 0.. {
        let refused = refusal(identity.sign_in(email, "a wrong guess", t(seconds)).await);
        if let Refusal::Throttled { .. } = refused {
            return guesses;
        }
        assert_eq!(refused, Refusal::InvalidCredentials);
    }
    unreachable!("one is told to stop")
}

#[tokio::test]
async fn a_stranger_elsewhere_keeps_nobody_out() {
    let world = World::open().await;
    world.user(ADA, Role::Member).await;
    assert_eq!(guess(&at(&world, office(1)), ADA, 0).await, 10);
    let refused = refusal(at(&world, office(1)).sign_in(ADA, PASSWORD, t(1)).await);
    assert_eq!(refused, Refusal::Throttled { until: t(15 * MINUTE) });
    let ada = at(&world, office(2)).sign_in(ADA, PASSWORD, t(1)).await.unwrap().user;
    // What is right elsewhere forgives nothing here.
    let refused = refusal(at(&world, office(1)).sign_in(ADA, PASSWORD, t(2)).await);
    assert_eq!(refused.code(), "THROTTLED");
    // Nor does it matter to who has signed in, and proves it again.
    let session = Uuid::nil();
    let here = at(&world, office(2));
    let changed = here.change_password((ada.id, session), PASSWORD, "another password", t(3));
    changed.await.unwrap();
    let there = at(&world, office(1));
    let late = there.change_password((ada.id, session), PASSWORD, "another password", t(3)).await;
    assert_eq!(refusal(late).code(), "THROTTLED");
}

#[tokio::test]
async fn all_addresses_of_one_network_are_one() {
    let world = World::open().await;
    world.user(ADA, Role::Member).await;
    let network =
        |network: u16, host| Ipv6Addr::from([0x2001, 0xdb8, 0, network, host, host, host, host]);
    for host in 0..10 {
        let wrong = at(&world, network(1, host)).sign_in(ADA, "a wrong guess", t(0)).await;
        assert_eq!(refusal(wrong), Refusal::InvalidCredentials);
    }
    let closed = at(&world, network(1, 99)).sign_in(ADA, PASSWORD, t(0)).await;
    assert_eq!(refusal(closed).code(), "THROTTLED");
    at(&world, network(2, 99)).sign_in(ADA, PASSWORD, t(0)).await.unwrap();
    // The same in both of its spellings.
    assert_eq!(guess(&at(&world, office(1)), ADA, 0).await, 10);
    assert_eq!(guess(&at(&world, office(1).to_ipv6_mapped()), ADA, 0).await, 0);
}

#[tokio::test]
async fn guesses_from_many_addresses_close_an_account_but_not_for_long() {
    let world = World::open().await;
    world.user(ADA, Role::Member).await;
    for round in 0..2 {
        let now = round * 15 * MINUTE;
        for host in 0..10 {
            assert_eq!(
                guess(&at(&world, office(100 * u8::try_from(round).unwrap() + host)), ADA, now)
                    .await,
                10
            );
        }
        let until = t(now + 15 * MINUTE);
        let refused = refusal(at(&world, office(99)).sign_in(ADA, PASSWORD, t(now)).await);
        assert_eq!(refused, Refusal::Throttled { until });
    }
    at(&world, office(99)).sign_in(ADA, PASSWORD, t(30 * MINUTE)).await.unwrap();
}

#[tokio::test]
async fn an_office_may_sign_in_as_often_as_it_likes() {
    let world = World::open().await;
    world.user(ADA, Role::Member).await;
    for _ in 0..105 {
        at(&world, office(1)).sign_in(ADA, PASSWORD, t(0)).await.unwrap();
    }
}

/// How often it is let try a wrong secret.
async fn try_secrets(identity: &Identity, client: Uuid, wrong: &ClientSecret) -> u32 {
    for tries in 0.. {
        let refused = refusal(identity.enter_client(client, wrong, t(0)).await);
        if refused != Refusal::ClientInvalid {
            assert_eq!(refused, Refusal::Throttled { until: t(15 * MINUTE) });
            return tries;
        }
    }
    unreachable!("one is told to stop")
}

/// Must never: all who share an address are kept out because one back end has an old secret.
#[tokio::test]
async fn a_client_that_does_not_know_its_secret_keeps_nobody_else_out() {
    let world = World::open().await;
    world.user(ADA, Role::Member).await;
    let services = ["ocr".to_owned()];
    let make = async |name| {
        let made = world.identity.create_client(name, &services, Quotas::default(), t(0));
        made.await.unwrap()
    };
    let ((shop, right), (desk, other)) = (make("shop").await, make("desk").await);
    let here = at(&world, office(1));
    for _ in 0..150 {
        here.enter_client(shop.id, &right, t(0)).await.unwrap();
    }
    // One of the right ones is remembered.
    assert_eq!(try_secrets(&here, shop.id, &other).await, 99);
    let closed = refusal(here.enter_client(shop.id, &right, t(0)).await);
    assert_eq!(closed.code(), "THROTTLED");
    at(&world, office(2)).enter_client(shop.id, &right, t(0)).await.unwrap();
    here.enter_client(desk.id, &other, t(0)).await.unwrap();
    here.sign_in(ADA, PASSWORD, t(0)).await.unwrap();
    here.enter_client(shop.id, &right, t(15 * MINUTE)).await.unwrap();
}

/// What is no secret at all is a guess too, and so is another id each time.
#[tokio::test]
async fn nobody_tries_one_client_after_the_other() {
    let world = World::open().await;
    let (here, made_up) = (at(&world, office(1)), ClientSecret::new("made up"));
    for number in 0..100 {
        let refused = here.enter_client(Uuid::from_u128(number), &made_up, t(0)).await;
        assert_eq!(refusal(refused), Refusal::ClientInvalid);
    }
    let closed = here.enter_client(Uuid::from_u128(100), &made_up, t(0)).await;
    assert_eq!(refusal(closed).code(), "THROTTLED");
}

/// Must never: a whole office waits for a day.
#[tokio::test]
async fn an_address_is_closed_for_a_quarter_of_an_hour_however_often() {
    let world = World::open().await;
    let here = at(&world, office(1));
    let ask = async |seconds| {
        here.request_password_reset("no e-mail", identity::Language::English, t(seconds)).await
    };
    for round in 0..3 {
        let now = round * 15 * MINUTE;
        for _ in 0..100 {
            ask(now).await.unwrap();
        }
        assert_eq!(refusal(ask(now).await), Refusal::Throttled { until: t(now + 15 * MINUTE) });
    }
}

/// Must never: a telephone with an old password keeps a whole office out.
#[tokio::test]
async fn who_does_not_stop_at_a_closed_door_closes_no_other() {
    let world = World::open().await;
    world.user(ADA, Role::Member).await;
    world.user("bob@example.org", Role::Member).await;
    let here = at(&world, office(1));
    assert_eq!(guess(&here, ADA, 0).await, 10);
    for _ in 0..150 {
        assert_eq!(guess(&here, ADA, 1).await, 0);
    }
    here.sign_in("bob@example.org", PASSWORD, t(2)).await.unwrap();
}

#[tokio::test]
async fn letters_and_accounts_are_asked_for_so_often_from_one_address() {
    let world = World::open_to_all().await;
    let here = at(&world, office(1));
    for number in 0..50 {
        let email = format!("user{number}@example.org");
        here.sign_up(&email, PASSWORD, t(0)).await.unwrap();
        here.request_password_reset(&email, identity::Language::English, t(0)).await.unwrap();
    }
    assert_eq!(refusal(here.sign_up(ADA, PASSWORD, t(0)).await).code(), "THROTTLED");
    let letter = here.request_password_reset(ADA, identity::Language::English, t(0)).await;
    assert_eq!(refusal(letter).code(), "THROTTLED");
    at(&world, office(2)).sign_up(ADA, PASSWORD, t(0)).await.unwrap();
}
