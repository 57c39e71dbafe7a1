//! The bytes of metadata: part of the format of events.

use domain::{
    Actor, UserId, WorkerId,
    actor::{Component, Role, ServiceScope},
};
use expect_test::expect;

use super::*;

const ONE: Uuid = Uuid::from_u128(1);

/// If this fails, whoever reads the events of older versions breaks.
#[test]
fn metadata_are_written_as_they_always_were() {
    let worker = Actor::Worker { id: WorkerId(ONE), scope: ServiceScope::All };
    let all = Asked {
        actor: Actor::User { id: UserId(ONE), role: Role::Member },
        correlation: Some(Uuid::from_u128(2)),
        causation: Some(3),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        idempotency: None,
    };
    let metadata = [
        all.once("a \"key\"", [0; 32]),
        Asked::by(worker),
        Asked::by(Actor::System(Component::Rescuer)),
        Asked::by(Actor::System(Component::Scheduler)),
    ]
    .map(|it| it.metadata().unwrap());
    expect![[r#"
        {"actor":"user:00000000-0000-0000-0000-000000000001","correlation_id":"00000000-0000-0000-0000-000000000002","causation_id":3,"idempotency_key":"a \"key\"","trace":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        {"actor":"worker:00000000-0000-0000-0000-000000000001"}
        {"actor":"system:rescuer"}
        {"actor":"system:scheduler"}"#]].assert_eq(&metadata.join("\n"));
}

#[test]
fn a_key_is_scoped_to_the_actor_and_the_command() {
    let by = |id| Asked::by(Actor::User { id: UserId(Uuid::from_u128(id)), role: Role::Member });
    let scope = |asked: Asked, command| asked.once("k", [7; 32]).idempotency(command).unwrap();
    let first = scope(by(1), "CreateTask");
    assert_eq!((first.key.as_str(), first.digest), ("k", [7; 32]));
    assert_ne!(first.scope, scope(by(2), "CreateTask").scope);
    assert_ne!(first.scope, scope(by(1), "CancelJob").scope);
    assert_eq!(by(1).idempotency("CreateTask"), None);
}
