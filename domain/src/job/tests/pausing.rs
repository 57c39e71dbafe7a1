//! Leaving a job alone: it is not handed out, and its life goes on.

use uuid::Uuid;

use super::fixture::{
    ANN, FENCE, OWNER, POLICY, STRANGER, asked_to_stop, cancel, complete, confirm, created,
    created_with, disk_full, done, fail, failed, gave_up, grant, granted, lose, lost, order, pause,
    paused, release, rescuer, running, stopped, t, user, worker,
};
use crate::{
    Decider, JobId, Refusal,
    actor::Role,
    job::{
        FailureCause, Job, JobCommand, JobEvent, JobExpired, JobPaused, JobQueued, JobResumed,
        JobState, LeaseReleased, Next, Order,
    },
    testing::{given, replay},
};

fn resumed() -> JobEvent {
    JobResumed {}.into()
}

fn with(history: Vec<JobEvent>, event: JobEvent) -> Vec<JobEvent> {
    [history, vec![event]].concat()
}

/// Every way of not having ended, by the state that it is.
fn lives() -> Vec<(JobState, Vec<JobEvent>)> {
    let scheduled = created_with(Order { not_before: Some(t(60)), ..order() });
    vec![
        (JobState::Scheduled, vec![scheduled]),
        (JobState::Queued, vec![created()]),
        (JobState::Running, running()),
        (JobState::Running, with(running(), asked_to_stop())),
        (JobState::Retrying, with(running(), failed(FENCE, 1, Next::Wait { until: t(60) }))),
    ]
}

fn ends() -> Vec<Vec<JobEvent>> {
    let last = gave_up(FailureCause::AttemptsExhausted, disk_full());
    vec![
        with(running(), done(FENCE)),
        with(with(running(), failed(FENCE, 1, Next::End)), last),
        vec![created(), stopped(None)],
        vec![created(), JobExpired {}.into()],
    ]
}

#[test]
fn whatever_has_not_ended_is_paused_and_resumed_and_stands_where_it_stood() {
    let owner = user(OWNER, Role::Member, 5);
    for (state, history) in lives() {
        given::<Job>(history.clone()).when(pause(), &owner).then([paused()]);
        let history = with(history, paused());
        let job = replay::<Job>(&history);
        let present = job.present().unwrap();
        assert_eq!((present.state(), present.paused.is_some()), (state, true));
        given::<Job>(history.clone()).when(JobCommand::ResumeJob, &owner).then([resumed()]);
        let job = replay::<Job>(&with(history, resumed()));
        assert_eq!(job.present().unwrap().state(), state);
        assert_eq!(job.present().unwrap().paused, None);
    }
}

#[test]
fn to_ask_twice_changes_nothing_and_the_first_reason_stays() {
    let ask = |history, command| given::<Job>(history).when(command, &rescuer(5));
    let again = JobCommand::PauseJob { reason: None };
    ask(vec![created(), paused()], again).then([]);
    ask(vec![created()], JobCommand::ResumeJob).then([]);
    ask(vec![created(), paused(), resumed()], JobCommand::ResumeJob).then([]);
    let plain = JobPaused { reason: None };
    ask(vec![created(), paused(), resumed()], JobCommand::PauseJob { reason: None })
        .then([plain.into()]);
}

#[test]
fn what_has_ended_is_neither_paused_nor_resumed() {
    for history in ends() {
        let state = replay::<Job>(&history).present().unwrap().state();
        for command in [pause(), JobCommand::ResumeJob] {
            given::<Job>(history.clone())
                .when(command, &rescuer(5))
                .refused(&Refusal::Ended { state });
        }
    }
}

#[test]
fn whose_job_it_is_not_to_them_it_does_not_exist() {
    for command in [pause(), JobCommand::ResumeJob] {
        let refused = Refusal::NotFound { what: "job" };
        given::<Job>(vec![created(), paused()])
            .when(command.clone(), &user(STRANGER, Role::Member, 5))
            .refused(&refused);
        given::<Job>(vec![]).when(command, &rescuer(5)).refused(&refused);
    }
    given::<Job>(vec![created()])
        .when(pause(), &user(STRANGER, Role::Operator, 5))
        .then([paused()]);
}

#[test]
fn a_paused_job_is_not_handed_out_until_it_is_resumed() {
    given::<Job>([created(), paused()]).when(grant(), &worker(ANN, 5)).refused(&Refusal::Paused);
    let history = [created(), paused(), resumed()];
    given::<Job>(history).when(grant(), &worker(ANN, 5)).then([granted(1, 1)]);
}

#[test]
fn its_time_to_be_queued_comes_all_the_same() {
    let scheduled = created_with(Order { not_before: Some(t(60)), ..order() });
    let history = vec![scheduled, paused()];
    given::<Job>(history.clone())
        .when(JobCommand::QueueJob, &rescuer(60))
        .then([JobQueued {}.into()]);
    let history = with(history, JobQueued {}.into());
    given::<Job>(history).when(grant(), &worker(ANN, 61)).refused(&Refusal::Paused);
}

#[test]
fn who_holds_it_gives_it_back_at_no_cost_and_it_waits_paused() {
    let next = Next::Queue;
    let released = LeaseReleased { fence: FENCE, reason: None, checkpoint: None, next };
    let history = with(running(), paused());
    given::<Job>(history.clone())
        .when(release(FENCE, None), &worker(ANN, 6))
        .then([released.clone().into()]);
    let history = with(history, released.into());
    given::<Job>(history.clone()).when(grant(), &worker(ANN, 7)).refused(&Refusal::Paused);
    let history = with(history, resumed());
    given::<Job>(history).when(grant(), &worker(ANN, 8)).then([granted(1, 1)]);
}

#[test]
fn who_has_not_heard_may_finish_fail_and_be_lost_as_ever() {
    let history = || with(running(), paused());
    let ask = |command, context| given::<Job>(history()).when(command, &context);
    ask(complete(FENCE), worker(ANN, 6)).then([done(FENCE)]);
    ask(lose(FENCE), rescuer(90)).then([lost(FENCE, Next::Queue)]);
    ask(confirm(FENCE), worker(ANN, 6)).refused(&Refusal::CancelNotRequested);
    let job = replay::<Job>(&with(history(), done(FENCE)));
    assert_eq!(job.present().unwrap().paused, None);
    let until = t(6) + POLICY.backoff(1, t(6));
    let again = failed(FENCE, 1, Next::Wait { until });
    ask(fail(FENCE), worker(ANN, 6)).then([again.clone()]);
    let waiting = with(history(), again);
    let job = replay::<Job>(&waiting);
    let present = job.present().unwrap();
    assert_eq!((present.state(), present.paused.is_some()), (JobState::Retrying, true));
    let now = crate::Context { now: until, ..rescuer(0) };
    given::<Job>(waiting).when(grant(), &now).refused(&Refusal::Paused);
}

#[test]
fn it_is_cancelled_and_expires_as_ever() {
    let ask = |history, command, at| given::<Job>(history).when(command, &rescuer(at));
    ask(vec![created(), paused()], cancel(), 5).then([stopped(None)]);
    ask(with(running(), paused()), cancel(), 5).then([asked_to_stop()]);
    let both = with(with(running(), paused()), asked_to_stop());
    ask(both, confirm(FENCE), 6).then([stopped(Some(FENCE))]);
    for history in [vec![created(), paused()], with(running(), paused())] {
        ask(history, JobCommand::ExpireJob, 1_000).then([JobExpired {}.into()]);
    }
}

#[test]
fn to_do_it_again_is_to_do_it_awake() {
    let history = vec![created(), paused(), stopped(None)];
    let job = replay::<Job>(&history);
    let context = user(OWNER, Role::Member, 9);
    let again = job.repeat(JobId(Uuid::from_u128(7)), t(2_000), &context).unwrap();
    let mut repeated = Job::default();
    for (event, version) in repeated.decide(again, &context).unwrap().iter().zip(1..) {
        repeated.evolve(event, version);
    }
    assert!(repeated.decide(grant(), &worker(ANN, 9)).is_ok());
}
