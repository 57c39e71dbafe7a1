//! Failing, and being tried again.

use super::fixture::{
    ANN, FENCE, POLICY, created_with, disk_full, fail, fail_with, failed, far, gave_up, grant,
    granted, hopeless, order, rescuer, running, seal, t, worker,
};
use crate::{
    Refusal,
    job::{
        AttemptFailed, Closing, FailureCause, Job, JobCommand, JobState, LogSealed, Next, Order,
        Policy, ProgressReported,
    },
    testing::{given, replay},
};

#[test]
fn a_failed_job_waits_for_its_next_attempt() {
    let until = t(5) + POLICY.backoff(1, t(5));
    let retry = failed(FENCE, 1, Next::Wait { until });
    given::<Job>(running()).when(fail(FENCE), &worker(ANN, 5)).then([retry.clone()]);

    let history = [running(), vec![retry]].concat();
    let job = replay::<Job>(&history);
    assert_eq!(job.present().unwrap().state(), JobState::Retrying);
    assert_eq!(job.present().unwrap().last_error, Some(disk_full()));

    let early = crate::Context { now: until - chrono::Duration::microseconds(1), ..rescuer(0) };
    given::<Job>(history.clone()).when(grant(), &early).refused(&Refusal::TooEarly);
    let now = crate::Context { now: until, ..rescuer(0) };
    given::<Job>(history).when(grant(), &now).then([granted(2, 1)]);
}

#[test]
fn the_last_failure_ends_the_job() {
    let retry = failed(FENCE, 1, Next::Wait { until: t(15) });
    let history = [running(), vec![retry, granted(2, 1)]].concat();
    given::<Job>(history)
        .when(fail(4), &worker(ANN, 20))
        .then([failed(4, 2, Next::End), gave_up(FailureCause::AttemptsExhausted, disk_full())]);
}

#[test]
fn a_single_attempt_is_not_repeated() {
    let policy = Policy { attempts_max: 1, ..POLICY };
    let history = [created_with(Order { policy, ..order() }), granted(1, 1)];
    given::<Job>(history)
        .when(fail(FENCE), &worker(ANN, 5))
        .then([failed(FENCE, 1, Next::End), gave_up(FailureCause::AttemptsExhausted, disk_full())]);
}

#[test]
fn an_error_that_no_attempt_could_mend_ends_the_job_at_once() {
    let error = hopeless();
    let next = Next::End;
    given::<Job>(running()).when(fail_with(FENCE, hopeless()), &worker(ANN, 5)).then([
        AttemptFailed { fence: FENCE, attempt: 1, error: error.clone(), next }.into(),
        gave_up(FailureCause::NotRetryable, error),
    ]);
}

#[test]
fn a_worker_may_know_better_when_to_try_again() {
    let (error, closing) = (disk_full(), Closing::default());
    let command = JobCommand::FailAttempt { fence: FENCE, error, retry_at: Some(t(77)), closing };
    given::<Job>(running()).when(command, &worker(ANN, 5)).then([failed(
        FENCE,
        1,
        Next::Wait { until: t(77) },
    )]);
}

#[test]
fn what_an_attempt_leaves_behind_comes_before_its_end() {
    let (fence, log) = (FENCE, seal());
    let closing = Closing { progress: Some(far(7)), log: Some(log.clone()) };
    let last = ProgressReported { fence, progress: Some(far(7)), checkpoint: None };
    let command =
        JobCommand::FailAttempt { fence, error: disk_full(), retry_at: Some(t(77)), closing };
    given::<Job>(running()).when(command.clone(), &worker(ANN, 5)).then([
        last.clone().into(),
        LogSealed { fence, log: log.clone() }.into(),
        failed(fence, 1, Next::Wait { until: t(77) }),
    ]);

    let history = [running(), vec![last.into()]].concat();
    given::<Job>(history)
        .when(command, &worker(ANN, 5))
        .then([LogSealed { fence, log }.into(), failed(fence, 1, Next::Wait { until: t(77) })]);
}
