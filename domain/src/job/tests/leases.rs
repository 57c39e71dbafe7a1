//! Who holds a job, and who only thinks so.

use chrono::Duration;
use serde_json::json;
use uuid::Uuid;

use super::fixture::{
    ANN, BOB, FENCE, OWNER, POLICY, asked_to_stop, complete, created, created_with, done, fail,
    failed, far, gave_up, grant, granted, lose, lost, order, progress, release, remember, rescuer,
    running, seal, stopped, t, user, worker, worker_for,
};
use crate::{
    Refusal,
    actor::Role,
    job::{
        FailureCause, Job, JobCommand, JobError, JobExpired, JobState, LeaseGranted, LeaseReleased,
        LogSealed, Next, Order, Policy, ProgressReported,
    },
    testing::{given, replay},
};

const NOT_THEIRS: Refusal = Refusal::NotFound { what: "lease" };

#[test]
fn a_grant_says_who_how_often_and_for_how_long() {
    let policy = Policy { run_timeout_ms: Some(90_000), lease_ms: 5_000, ..POLICY };
    let request = Some(Uuid::from_u128(9));
    given::<Job>([created_with(Order { policy, ..order() })])
        .when(JobCommand::GrantLease { worker: BOB, request }, &worker(BOB, 10))
        .then([LeaseGranted {
            worker: BOB,
            attempt: 1,
            delivery: 1,
            lease_ms: 5_000,
            run_deadline: Some(t(100)),
            request,
        }
        .into()]);
}

#[test]
fn a_worker_takes_jobs_for_itself_and_for_the_services_of_its_token() {
    let ask = |command, context| given::<Job>([created()]).when(command, &context);
    let forbidden = Refusal::Forbidden { rule: "the token must be for the job's service" };
    ask(grant(), worker(BOB, 1)).refused(&forbidden);
    ask(grant(), worker_for("thumbnails", 1)).refused(&forbidden);
    ask(grant(), worker_for("checksum", 1)).then([granted(1, 1)]);
}

#[test]
fn a_job_whose_time_has_passed_is_not_handed_out() {
    given::<Job>([created()]).when(grant(), &rescuer(999)).then([granted(1, 1)]);
    given::<Job>([created()]).when(grant(), &rescuer(1_000)).refused(&Refusal::TooLate);
}

#[test]
fn only_the_holder_of_a_lease_reports_under_it() {
    for command in [complete(FENCE), fail(FENCE), release(FENCE, None), progress(FENCE, far(1))] {
        let ask = |context| given::<Job>(running()).when(command.clone(), &context);
        ask(worker(BOB, 5)).refused(&NOT_THEIRS);
        ask(user(OWNER, Role::Admin, 5)).refused(&NOT_THEIRS);
    }
    given::<Job>(running()).when(complete(FENCE), &worker(ANN, 5)).then([done(FENCE)]);
}

#[test]
fn people_learn_nothing_of_a_job_by_guessing_at_its_leases() {
    for history in [running(), vec![created()], [running(), vec![done(FENCE)]].concat()] {
        for fence in [1, FENCE, 9] {
            given::<Job>(history.clone())
                .when(complete(fence), &user(OWNER, Role::Member, 5))
                .refused(&NOT_THEIRS);
        }
    }
}

#[test]
fn a_worker_that_was_given_up_on_is_not_believed() {
    let history = [created(), granted(1, 1), lost(FENCE, Next::Queue), granted(1, 2)];
    for command in [complete(FENCE), fail(FENCE), progress(FENCE, far(1)), lose(FENCE)] {
        given::<Job>(history.clone()).when(command, &worker(ANN, 90)).refused(
            &Refusal::StaleFence { reported: FENCE, current: Some(4), state: JobState::Running },
        );
    }
}

#[test]
fn a_late_report_changes_nothing_however_the_job_ended() {
    let stale = |state| Refusal::StaleFence { reported: FENCE, current: None, state };
    let expired = [running(), vec![JobExpired {}.into()]].concat();
    let cancelled =
        [running(), vec![asked_to_stop(), lost(FENCE, Next::End), stopped(None)]].concat();
    let requeued = [running(), vec![lost(FENCE, Next::Queue)]].concat();
    for (history, state) in [
        (expired, JobState::Expired),
        (cancelled, JobState::Cancelled),
        (requeued, JobState::Queued),
    ] {
        given::<Job>(history).when(complete(FENCE), &worker(ANN, 90)).refused(&stale(state));
    }
}

#[test]
fn a_lease_is_settled_once() {
    let settled = |state| Refusal::AlreadySettled { fence: FENCE, state };
    let released =
        LeaseReleased { fence: FENCE, reason: None, checkpoint: None, next: Next::Queue };
    for (end, state) in [
        (vec![done(FENCE)], JobState::Succeeded),
        (vec![failed(FENCE, 1, Next::Wait { until: t(20) })], JobState::Retrying),
        (vec![released.into()], JobState::Queued),
        (vec![asked_to_stop(), stopped(Some(FENCE))], JobState::Cancelled),
    ] {
        let history = [running(), end].concat();
        for command in [complete(FENCE), fail(FENCE), progress(FENCE, far(9))] {
            given::<Job>(history.clone()).when(command, &worker(ANN, 6)).refused(&settled(state));
        }
    }
}

#[test]
fn a_settled_lease_is_stale_once_another_has_been_settled() {
    let retry = Next::Wait { until: t(20) };
    let history = [running(), vec![failed(FENCE, 1, retry), granted(2, 1), done(4)]].concat();
    let state = JobState::Succeeded;
    let ask = |fence| given::<Job>(history.clone()).when(complete(fence), &worker(ANN, 30));
    ask(4).refused(&Refusal::AlreadySettled { fence: 4, state });
    ask(FENCE).refused(&Refusal::StaleFence { reported: FENCE, current: None, state });
}

#[test]
fn the_first_lost_lease_costs_no_time_and_the_next_ones_do() {
    given::<Job>(running()).when(lose(FENCE), &rescuer(70)).then([lost(FENCE, Next::Queue)]);

    let twice = [running(), vec![lost(FENCE, Next::Queue), granted(1, 2)]].concat();
    let until = t(140) + POLICY.backoff(1, t(140));
    given::<Job>(twice).when(lose(4), &rescuer(140)).then([lost(4, Next::Wait { until })]);
}

#[test]
fn a_job_that_kills_its_workers_fails_when_its_deliveries_are_used_up() {
    let wait = Next::Wait { until: t(150) };
    let history =
        [running(), vec![lost(FENCE, Next::Queue), granted(1, 2), lost(4, wait), granted(1, 3)]]
            .concat();
    let error = JobError {
        error_type: "LeaseLost".into(),
        message: "3 workers were not heard of again".into(),
        detail: None,
        retryable: false,
    };
    let end = gave_up(FailureCause::DeliveriesExhausted, error.clone());
    given::<Job>(history.clone())
        .when(lose(6), &rescuer(300))
        .then([lost(6, Next::End), end.clone()]);

    let job = replay::<Job>(&[history, vec![lost(6, Next::End), end]].concat());
    assert_eq!(job.present().unwrap().state(), JobState::Failed);
    assert_eq!(job.present().unwrap().last_error, Some(error));
}

#[test]
fn lost_leases_and_failed_attempts_are_counted_apart() {
    let history =
        [running(), vec![lost(FENCE, Next::Queue), granted(1, 2), failed(4, 1, Next::Queue)]]
            .concat();
    given::<Job>(history).when(grant(), &rescuer(200)).then([granted(2, 2)]);
}

#[test]
fn a_lost_attempt_leaves_the_seal_of_its_log() {
    let log = seal();
    given::<Job>(running())
        .when(JobCommand::ExpireLease { fence: FENCE, log: Some(log.clone()) }, &rescuer(70))
        .then([LogSealed { fence: FENCE, log }.into(), lost(FENCE, Next::Queue)]);
}

#[test]
fn a_job_given_back_is_free_at_once_or_waits_as_long_as_its_worker_says() {
    let released =
        |next| LeaseReleased { fence: FENCE, reason: None, checkpoint: None, next }.into();
    let ask = |until| given::<Job>(running()).when(release(FENCE, until), &worker(ANN, 5));
    ask(None).then([released(Next::Queue)]);
    ask(Some(t(5))).then([released(Next::Queue)]);
    ask(Some(t(6))).then([released(Next::Wait { until: t(6) })]);

    let snoozed = [running(), vec![released(Next::Wait { until: t(50) })]].concat();
    assert_eq!(replay::<Job>(&snoozed).present().unwrap().state(), JobState::Scheduled);
    given::<Job>(snoozed.clone()).when(grant(), &rescuer(49)).refused(&Refusal::TooEarly);
    given::<Job>(snoozed).when(grant(), &rescuer(50)).then([granted(1, 1)]);
}

#[test]
fn the_next_attempt_finds_the_last_checkpoint() {
    let kept = |history: &[_]| {
        let job = replay::<Job>(history);
        (job.present().unwrap().checkpoint.clone(), job.present().unwrap().state())
    };
    let page = |page: u8| Some(json!({ "page": page }));
    let reported = ProgressReported { fence: FENCE, progress: None, checkpoint: page(3) };
    let released =
        |checkpoint| LeaseReleased { fence: FENCE, reason: None, checkpoint, next: Next::Queue };
    let mut history = running();
    history.push(reported.into());
    for (end, expected) in [
        (lost(FENCE, Next::Queue), page(3)),
        (failed(FENCE, 1, Next::Queue), page(3)),
        (released(None).into(), page(3)),
        (released(page(4)).into(), page(4)),
    ] {
        let history = [history.clone(), vec![end]].concat();
        assert_eq!(kept(&history), (expected, JobState::Queued));
    }
}

#[test]
fn what_is_known_already_is_not_recorded_again() {
    let reported = |progress, checkpoint| ProgressReported { fence: FENCE, progress, checkpoint };
    let page = json!({"page": 3});
    let mut history = running();
    history.push(reported(Some(far(1)), Some(page.clone())).into());
    let ask = |command| given::<Job>(history.clone()).when(command, &worker(ANN, 6));

    ask(progress(FENCE, far(1))).then([]);
    ask(remember(FENCE, page.clone())).then([]);
    ask(progress(FENCE, far(2))).then([reported(Some(far(2)), None).into()]);
    let both =
        JobCommand::ReportProgress { fence: FENCE, progress: Some(far(2)), checkpoint: Some(page) };
    ask(both).then([reported(Some(far(2)), None).into()]);
}

#[test]
fn a_checkpoint_of_null_is_none() {
    let null = || Some(serde_json::Value::Null);
    given::<Job>(running())
        .when(remember(FENCE, serde_json::Value::Null), &worker(ANN, 5))
        .then([]);
    let JobCommand::ReleaseLease { fence, reason, until, closing, .. } = release(FENCE, None)
    else {
        unreachable!("a release");
    };
    given::<Job>(running())
        .when(
            JobCommand::ReleaseLease { fence, reason, until, checkpoint: null(), closing },
            &worker(ANN, 5),
        )
        .then([LeaseReleased { fence, reason: None, checkpoint: None, next: Next::Queue }.into()]);
}

#[test]
fn a_lease_lasts_as_long_as_the_policy_says() {
    assert_eq!(POLICY.lease(), Duration::seconds(60));
}
