//! Stopping a job: at once while nobody holds it, in two steps while somebody
//! does.

use super::fixture::{
    ANN, BOB, FENCE, OWNER, asked_to_stop, cancel, complete, confirm, created, created_with, done,
    fail, failed, lose, lost, order, release, rescuer, running, stopped, t, user, worker,
};
use crate::{
    Refusal,
    actor::Role,
    job::{Job, JobCommand, JobExpired, JobState, LeaseReleased, Next, Order},
    testing::{given, replay},
};

fn cancelling() -> Vec<crate::job::JobEvent> {
    [running(), vec![asked_to_stop()]].concat()
}

#[test]
fn a_job_that_nobody_holds_is_cancelled_at_once() {
    let scheduled = created_with(Order { not_before: Some(t(60)), ..order() });
    let retrying = [running(), vec![failed(FENCE, 1, Next::Wait { until: t(60) })]].concat();
    for history in [vec![created()], vec![scheduled], retrying] {
        given::<Job>(history).when(cancel(), &user(OWNER, Role::Member, 5)).then([stopped(None)]);
    }
}

#[test]
fn a_running_job_is_asked_to_stop_and_runs_until_its_worker_does() {
    given::<Job>(running()).when(cancel(), &rescuer(5)).then([asked_to_stop()]);
    let job = replay::<Job>(&cancelling());
    assert_eq!(job.present().unwrap().state(), JobState::Running);
    given::<Job>(cancelling()).when(confirm(FENCE), &worker(ANN, 6)).then([stopped(Some(FENCE))]);
}

#[test]
fn whatever_ends_the_lease_of_a_job_to_be_stopped_ends_the_job() {
    let ask = |command, context| given::<Job>(cancelling()).when(command, &context);
    ask(fail(FENCE), worker(ANN, 6)).then([failed(FENCE, 1, Next::End), stopped(Some(FENCE))]);
    ask(lose(FENCE), rescuer(90)).then([lost(FENCE, Next::End), stopped(None)]);
    let next = Next::End;
    let released = LeaseReleased { fence: FENCE, reason: None, checkpoint: None, next };
    ask(release(FENCE, Some(t(50))), worker(ANN, 6)).then([released.into(), stopped(Some(FENCE))]);
}

#[test]
fn a_job_that_was_done_before_its_worker_heard_has_succeeded() {
    given::<Job>(cancelling()).when(complete(FENCE), &worker(ANN, 6)).then([done(FENCE)]);
}

#[test]
fn stopping_is_confirmed_only_when_asked_for_and_only_by_the_holder() {
    given::<Job>(running())
        .when(confirm(FENCE), &worker(ANN, 6))
        .refused(&Refusal::CancelNotRequested);
    given::<Job>(cancelling())
        .when(confirm(FENCE), &worker(BOB, 6))
        .refused(&Refusal::NotFound { what: "lease" });
}

#[test]
fn a_wish_to_stop_is_forgotten_with_the_lease_that_ended_otherwise() {
    // Nothing ends a lease and leaves the job alive once somebody wants it
    // stopped; a fresh lease starts without the wish all the same.
    let history = [cancelling(), vec![lost(FENCE, Next::Queue), super::fixture::granted(1, 2)]];
    given::<Job>(history.concat())
        .when(confirm(5), &worker(ANN, 6))
        .refused(&Refusal::CancelNotRequested);
}

#[test]
fn cancelling_again_changes_nothing_and_what_ended_otherwise_stays_so() {
    let ask = |history: Vec<_>| given::<Job>(history).when(cancel(), &rescuer(9));
    ask(cancelling()).then([]);
    ask(vec![created(), stopped(None)]).then([]);
    ask([running(), vec![done(FENCE)]].concat())
        .refused(&Refusal::Ended { state: JobState::Succeeded });
    ask(vec![created(), JobExpired {}.into()])
        .refused(&Refusal::Ended { state: JobState::Expired });
}

#[test]
fn the_reason_may_be_left_out() {
    given::<Job>([created()])
        .when(JobCommand::CancelJob { reason: None }, &rescuer(5))
        .then([crate::job::JobCancelled { fence: None, reason: None }.into()]);
}

#[test]
fn a_job_expires_when_its_time_has_passed_and_not_before_running_or_not() {
    for history in [vec![created()], running(), cancelling()] {
        let ask = |s| given::<Job>(history.clone()).when(JobCommand::ExpireJob, &rescuer(s));
        ask(999).refused(&Refusal::TooEarly);
        ask(1_000).then([JobExpired {}.into()]);
    }
    given::<Job>([created(), JobExpired {}.into()])
        .when(JobCommand::ExpireJob, &rescuer(1_001))
        .refused(&Refusal::Ended { state: JobState::Expired });
}
