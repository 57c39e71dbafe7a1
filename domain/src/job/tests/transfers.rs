//! Who may give a job away, and what that changes.

use super::fixture::{FENCE, OWNER, STRANGER, complete, created, rescuer, running, t, user};
use crate::{
    Actor, Context, Decider, Refusal,
    actor::{Component, Role, ServiceScope},
    job::{Job, JobCommand, JobEvent, JobState, JobTransferred},
    testing::{given, replay},
};

fn to_the_stranger() -> JobCommand {
    JobCommand::TransferJob { from: None, to: STRANGER }
}

fn transferred() -> JobEvent {
    JobTransferred { to: STRANGER }.into()
}

fn registrar() -> Context {
    Context { actor: Actor::System(Component::Registrar), now: t(0) }
}

#[test]
fn a_job_is_given_away_by_its_owner_or_an_admin() {
    let not_found = Refusal::NotFound { what: "job" };
    let forbidden = Refusal::Forbidden { rule: "one gives away one's own, or as an admin" };
    let ask = |by: &Context| given::<Job>([created()]).when(to_the_stranger(), by);
    ask(&user(OWNER, Role::Member, 0)).then([transferred()]);
    ask(&user(STRANGER, Role::Admin, 0)).then([transferred()]);
    ask(&registrar()).then([transferred()]);
    ask(&user(STRANGER, Role::Member, 0)).refused(&not_found);
    ask(&user(STRANGER, Role::Operator, 0)).refused(&forbidden);
    let client = Actor::Client { id: OWNER, scope: ServiceScope::All };
    ask(&Context { actor: client, now: t(0) }).refused(&forbidden);
}

#[test]
fn a_job_that_was_given_away_is_a_strangers() {
    let ask = |by: &Context| given::<Job>([created(), transferred()]).when(to_the_stranger(), by);
    ask(&user(OWNER, Role::Member, 0)).refused(&Refusal::NotFound { what: "job" });
    ask(&user(STRANGER, Role::Member, 0))
        .refused(&Refusal::invalid("to", "somebody else than whose it is"));
    given::<Job>([created(), transferred()])
        .when(JobCommand::CancelJob { reason: None }, &user(OWNER, Role::Member, 0))
        .refused(&Refusal::NotFound { what: "job" });
}

#[test]
fn what_somebody_else_has_given_away_meanwhile_is_let_be() {
    let if_owners = JobCommand::TransferJob { from: Some(OWNER), to: STRANGER };
    given::<Job>([created()]).when(if_owners.clone(), &registrar()).then([transferred()]);
    given::<Job>([created(), transferred()]).when(if_owners, &registrar()).then([]);
}

#[test]
fn a_job_that_has_ended_goes_to_somebody_else_and_stays_ended() {
    let mut history = running();
    history.extend(replay::<Job>(&history).decide(complete(FENCE), &rescuer(1)).unwrap());
    given::<Job>(history.clone())
        .when(to_the_stranger(), &user(OWNER, Role::Member, 2))
        .then([transferred()]);
    history.push(transferred());
    let job = replay::<Job>(&history);
    let present = job.present().unwrap();
    assert_eq!((present.state(), present.order.owner), (JobState::Succeeded, STRANGER));
}
