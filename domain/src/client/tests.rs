//! What may happen to a client.

use super::*;
use crate::{Actor, actor::Component, testing::given};

fn context() -> Context {
    Context { actor: Actor::System(Component::Console), now: chrono::DateTime::UNIX_EPOCH }
}

fn registered() -> ClientEvent {
    ClientRegistered { kind: ClientKind::Application, services: Some(ocr()) }.into()
}

fn ocr() -> BTreeSet<ServiceName> {
    ["ocr".parse().unwrap()].into()
}

#[test]
fn a_client_is_for_some_services_or_says_that_it_is_for_all() {
    let register = |services| ClientCommand::RegisterClient { kind: ClientKind::Workers, services };
    let all = ClientRegistered { kind: ClientKind::Workers, services: None };
    given::<Client>([]).when(register(None), &context()).then([all.into()]);
    let refusal = Refusal::invalid("services", "at least one");
    given::<Client>([]).when(register(Some([].into())), &context()).refused(&refusal);
    let change = ClientCommand::ChangeClient { services: [].into() };
    given::<Client>([registered()]).when(change, &context()).refused(&refusal);
    given::<Client>([registered()])
        .when(register(None), &context())
        .refused(&Refusal::AlreadyExists);
}

#[test]
fn a_disabled_client_stays_as_it_is() {
    let history = [registered(), ClientDisabled {}.into()];
    given::<Client>(history.clone()).when(ClientCommand::DisableClient, &context()).then([]);
    let refusal = Refusal::Forbidden { rule: "the client is disabled" };
    for command in [
        ClientCommand::ChangeClient { services: ocr() },
        ClientCommand::RotateSecret { secret: Uuid::nil() },
    ] {
        given::<Client>(history.clone()).when(command, &context()).refused(&refusal);
    }
}

#[test]
fn there_is_nothing_to_change_about_a_client_that_nobody_has_heard_of() {
    let rotate = ClientCommand::RotateSecret { secret: Uuid::nil() };
    given::<Client>([]).when(rotate, &context()).refused(&Refusal::NotFound { what: "client" });
}
