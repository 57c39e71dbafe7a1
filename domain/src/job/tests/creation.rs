//! Asking for jobs, and for the same once more.

use uuid::Uuid;

use super::fixture::{
    ANN, OWNER, STRANGER, cancel, crawl_requested, create, created, created_with, done, grant,
    granted, order, report_requested, rescuer, running, t, user, worker,
};
use crate::{
    JobId, Refusal,
    actor::Role,
    job::{Job, JobCommand, JobQueued, JobState, Order},
    testing::{given, replay},
};

#[test]
fn a_job_with_a_time_to_come_is_scheduled_and_any_other_is_queued() {
    let later = Order { not_before: Some(t(60)), ..order() };
    given::<Job>([]).when(create(later.clone()), &rescuer(5)).then([created_with(later.clone())]);
    assert_eq!(state(&created_with(later)), JobState::Scheduled);

    let at_once = Order { not_before: Some(t(5)), ..order() };
    given::<Job>([]).when(create(at_once), &rescuer(5)).then([created()]);
    assert_eq!(state(&created()), JobState::Queued);
}

#[test]
fn a_scheduled_job_starts_when_its_time_has_come_queued_by_somebody_or_not() {
    let scheduled = created_with(Order { not_before: Some(t(60)), ..order() });
    for command in [JobCommand::QueueJob, grant()] {
        let early = given::<Job>([scheduled.clone()]).when(command, &rescuer(59));
        early.refused(&Refusal::TooEarly);
    }
    let job = || given::<Job>([scheduled.clone()]);
    job().when(JobCommand::QueueJob, &rescuer(60)).then([JobQueued {}.into()]);
    job().when(grant(), &rescuer(60)).then([granted(1, 1)]);
    given::<Job>([scheduled, JobQueued {}.into()])
        .when(grant(), &rescuer(60))
        .then([granted(1, 1)]);
}

#[test]
fn members_create_jobs_for_themselves_and_operators_for_anybody() {
    let ask = |id, role| given::<Job>([]).when(create(order()), &user(id, role, 0));
    ask(OWNER, Role::Member).then([created()]);
    ask(STRANGER, Role::Member)
        .refused(&Refusal::Forbidden { rule: "jobs are created for oneself" });
    ask(STRANGER, Role::Operator).then([created()]);
    ask(STRANGER, Role::Admin).then([created()]);
}

#[test]
fn a_job_that_ended_is_repeated_as_a_new_job_of_the_same_owner() {
    let id = JobId(Uuid::from_u128(7));
    let order_then = Order { not_before: Some(t(1)), priority: 5, ..order() };
    let ended = replay::<Job>(&[created_with(order_then.clone()), granted(1, 1), done(2)]);
    let again = Order { not_before: None, expires_at: t(2_000), retry_of: Some(id), ..order_then };
    for context in [user(OWNER, Role::Member, 50), user(STRANGER, Role::Operator, 50)] {
        let command = ended.repeat(id, t(2_000), &context).unwrap();
        assert_eq!(command, create(again.clone()));
        given::<Job>([]).when(command, &context).then([created_with(again.clone())]);
    }
}

#[test]
fn every_kind_of_job_is_repeated_as_what_it_was() {
    let id = JobId(Uuid::from_u128(7));
    let names = [created(), crawl_requested(), report_requested()].map(|creation| {
        let ended = replay::<Job>(&[creation, super::fixture::stopped(None)]);
        ended.repeat(id, t(2_000), &rescuer(50)).unwrap().name()
    });
    assert_eq!(names, ["CreateTask", "StartCrawl", "RequestReport"]);
}

#[test]
fn only_what_has_ended_is_repeated_and_only_for_those_who_may_see_it() {
    let id = JobId(Uuid::from_u128(7));
    let no_such_job = Refusal::NotFound { what: "job" };
    let repeat = |job: &Job, context| job.repeat(id, t(2_000), &context).unwrap_err();

    let live = replay::<Job>(&running());
    let not_ended = Refusal::NotEnded { state: JobState::Running };
    assert_eq!(repeat(&live, user(OWNER, Role::Member, 50)), not_ended);
    assert_eq!(repeat(&live, user(STRANGER, Role::Member, 50)), no_such_job);

    let ended = replay::<Job>(&[created(), granted(1, 1), done(2)]);
    assert_eq!(repeat(&ended, user(STRANGER, Role::Member, 50)), no_such_job);
    assert_eq!(repeat(&ended, worker(ANN, 50)), no_such_job);
    assert_eq!(repeat(&Job::Absent, rescuer(50)), no_such_job);
}

#[test]
fn an_order_that_could_never_be_carried_out_is_refused() {
    let refused = |order: Order, field: &'static str, rule: &'static str| {
        let answer = given::<Job>([]).when(create(order), &rescuer(100));
        answer.refused(&Refusal::invalid(field, rule));
    };
    for priority in [-101, 101] {
        refused(Order { priority, ..order() }, "priority", "between -100 and 100");
    }
    refused(Order { expires_at: t(100), ..order() }, "expiresAt", "in the future");
    let never = Order { not_before: Some(t(1_000)), ..order() };
    refused(never, "notBefore", "before the job expires");
}

#[test]
fn the_bounds_of_an_order_are_inside() {
    for priority in [-100, 100] {
        let order = Order { priority, not_before: Some(t(101)), expires_at: t(102), ..order() };
        given::<Job>([]).when(create(order.clone()), &rescuer(100)).then([created_with(order)]);
    }
}

#[test]
fn a_job_that_strangers_may_not_see_does_not_exist_for_them() {
    let ask = |id, role| given::<Job>([created()]).when(cancel(), &user(id, role, 5));
    ask(STRANGER, Role::Member).refused(&Refusal::NotFound { what: "job" });
    ask(STRANGER, Role::Viewer).refused(&Refusal::NotFound { what: "job" });
    ask(OWNER, Role::Member).then([super::fixture::stopped(None)]);
    ask(STRANGER, Role::Operator).then([super::fixture::stopped(None)]);
    ask(STRANGER, Role::Admin).then([super::fixture::stopped(None)]);
    given::<Job>([created()])
        .when(cancel(), &worker(ANN, 5))
        .refused(&Refusal::NotFound { what: "job" });
}

fn state(creation: &crate::job::JobEvent) -> JobState {
    replay::<Job>([creation]).present().unwrap().state()
}
