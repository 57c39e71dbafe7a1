//! What holds whatever is asked, by whomever, whenever.

use std::{collections::BTreeSet, sync::Arc};

use chrono::Duration;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::fixture::{
    ANN, BOB, OWNER, STRANGER, cancel, complete, complete_crawl, complete_report, confirm, crawl,
    disk_full, fail_with, far, grant, hopeless, lose, order, pause, progress, record, release,
    remember, report, rescuer, seal, t, task, user, worker,
};
use crate::{
    Context, Decider, EventType, Refusal, Timestamp,
    actor::Role,
    decode::{Event, decode},
    job::{
        Closing, CrawlEvent, Job, JobCommand, JobEvent, JobState, Order, Phase, Policy, ReportEvent,
    },
    testing::replay,
};

/// One request of a random life.
#[derive(Clone, Debug)]
struct Asked {
    command: JobCommand,
    /// Whether it is about the lease that holds the job, if one does, rather
    /// than about whatever fence the command came with.
    on_target: bool,
    context: Context,
}

/// What became of one request.
struct Step {
    was: JobState,
    paused: bool,
    waits_until: Option<Timestamp>,
    now: Timestamp,
    answer: Result<Vec<JobEvent>, Refusal>,
}

/// A life, as it went.
#[derive(Default)]
struct Life {
    job: Job,
    log: Vec<JobEvent>,
    steps: Vec<Step>,
}

impl Life {
    fn lived(asked: &[Asked]) -> Self {
        let mut life = Self::default();
        for it in asked {
            life.ask(it.clone());
        }
        life
    }

    fn ask(&mut self, Asked { mut command, on_target, context }: Asked) {
        if let (true, Some(fence)) = (on_target, self.fence()) {
            aim(&mut command, fence);
        }
        let now = context.now;
        let answer = self.job.decide(command, &context);
        if let Some(present) = self.job.present() {
            let waits_until = match present.phase {
                Phase::Scheduled { until } | Phase::Retrying { until } => Some(until),
                Phase::Queued
                | Phase::Running(_)
                | Phase::Succeeded
                | Phase::Failed
                | Phase::Cancelled
                | Phase::Expired => None,
            };
            let (was, paused, answer) = (present.state(), present.paused.is_some(), answer.clone());
            self.steps.push(Step { was, paused, waits_until, now, answer });
        }
        for event in answer.unwrap_or_default() {
            self.log.push(event);
            self.job.evolve(self.log.last().unwrap(), self.log.len() as u64);
        }
    }

    fn fence(&self) -> Option<u64> {
        let Phase::Running(lease) = &self.job.present()?.phase else { return None };
        Some(lease.fence)
    }

    fn state(&self) -> JobState {
        self.job.present().unwrap().state()
    }

    fn count(&self, which: fn(&JobEvent) -> bool) -> usize {
        self.log.iter().filter(|it| which(it)).count()
    }
}

/// Makes the command one about the lease under `at`, if it is about a lease.
fn aim(command: &mut JobCommand, at: u64) {
    match command {
        JobCommand::ReportProgress { fence, .. }
        | JobCommand::RecordPages { fence, .. }
        | JobCommand::CompleteTask { fence, .. }
        | JobCommand::CompleteCrawl { fence, .. }
        | JobCommand::CompleteReport { fence, .. }
        | JobCommand::FailAttempt { fence, .. }
        | JobCommand::ReleaseLease { fence, .. }
        | JobCommand::ConfirmCancel { fence, .. }
        | JobCommand::ExpireLease { fence, .. } => *fence = at,
        JobCommand::CreateTask { .. }
        | JobCommand::StartCrawl { .. }
        | JobCommand::RequestReport { .. }
        | JobCommand::QueueJob
        | JobCommand::GrantLease { .. }
        | JobCommand::CancelJob { .. }
        | JobCommand::PauseJob { .. }
        | JobCommand::ResumeJob
        | JobCommand::ExpireJob
        | JobCommand::TransferJob { .. } => {}
    }
}

fn is_transfer(event: &JobEvent) -> bool {
    matches!(event, JobEvent::JobTransferred(_))
}

fn ends_the_job(event: &JobEvent) -> bool {
    event.leads_to().is_some_and(JobState::is_final)
}

proptest! {
    /// What is kept in memory is what the journal would rebuild, byte for
    /// byte as recorded, and what a snapshot of it gives back.
    #[test]
    fn the_log_is_the_state(asked in any_life()) {
        let mut life = Life::default();
        for it in asked {
            life.ask(it);
            let recorded: Vec<JobEvent> = life.log.iter().map(read_back).collect();
            prop_assert_eq!(&recorded, &life.log);
            prop_assert_eq!(&replay::<Job>(&recorded), &life.job);
        }
        let snapshot = serde_json::to_string(&life.job).unwrap();
        prop_assert_eq!(serde_json::from_str::<Job>(&snapshot).unwrap(), life.job);
    }

    /// Those who count states by events alone count what there is.
    #[test]
    fn where_an_event_leads_is_where_the_job_stands(asked in any_life()) {
        let (mut job, mut state) = (Job::default(), None);
        for (event, version) in Life::lived(&asked).log.iter().zip(1..) {
            job.evolve(event, version);
            state = event.leads_to().or(state);
            prop_assert_eq!(job.present().map(crate::job::Present::state), state);
        }
    }

    /// Only whose it is can still change.
    #[test]
    fn what_has_ended_stays_ended(asked in any_life()) {
        let life = Life::lived(&asked);
        for step in life.steps.iter().filter(|it| it.was.is_final()) {
            let silent = step.answer.as_ref().map_or(true, |it| it.iter().all(is_transfer));
            prop_assert!(silent, "{} and yet {:?}", step.was, step.answer);
        }
        let end = life.log.iter().position(ends_the_job);
        let after = &life.log[end.map_or(life.log.len(), |it| it + 1)..];
        prop_assert!(after.iter().all(is_transfer), "{:?}", life.log);
        if let Some(present) = life.job.present() {
            prop_assert_eq!(present.state().is_final(), end.is_some());
        }
    }

    /// Whose a job is changes by a transfer, and nothing else does.
    #[test]
    fn a_transfer_changes_the_owner_and_nothing_else(asked in any_life()) {
        let mut job = Job::default();
        for (event, version) in Life::lived(&asked).log.iter().zip(1..) {
            let before = job.present().cloned();
            job.evolve(event, version);
            let (Some(mut before), Some(after)) = (before, job.present().cloned()) else { continue };
            if let JobEvent::JobTransferred(it) = event {
                Arc::make_mut(&mut before.order).owner = it.to;
                prop_assert_eq!(&before, &after);
            }
            prop_assert_eq!(&before.order, &after.order);
        }
    }

    /// Whatever belongs to a lease belongs to the last one granted, under the
    /// version of its grant, while it lasts.
    #[test]
    fn a_fence_is_the_version_of_the_last_grant(asked in any_life()) {
        let life = Life::lived(&asked);
        let (mut holder, mut last) = (None, None);
        for (event, version) in life.log.iter().zip(1..) {
            if let JobEvent::LeaseGranted(_) = event {
                prop_assert_eq!(holder, None, "granted while held");
                holder = Some(version);
                last = holder;
            }
            if let Some(fence) = event.fence() {
                // A lease that ends for good does so just before the job.
                let over = matches!(event, JobEvent::JobCancelled(_));
                prop_assert_eq!(Some(fence), if over { last } else { holder });
            }
            if matches!(
                event,
                JobEvent::LeaseReleased(_) | JobEvent::LeaseExpired(_) | JobEvent::AttemptFailed(_)
            ) {
                holder = None;
            }
        }
        if let Some(fence) = life.fence() {
            prop_assert_eq!(Some(fence), holder);
        }
    }

    #[test]
    fn no_more_attempts_fail_and_no_more_leases_are_lost_than_may(asked in any_life()) {
        let life = Life::lived(&asked);
        if let Some(present) = life.job.present() {
            let failures = life.count(|it| matches!(it, JobEvent::AttemptFailed(_)));
            let losses = life.count(|it| matches!(it, JobEvent::LeaseExpired(_)));
            let policy = &present.order.policy;
            prop_assert!(failures <= policy.attempts_max as usize);
            prop_assert!(losses <= policy.deliveries_max as usize);
            prop_assert_eq!(present.failures as usize, failures);
            prop_assert_eq!(present.losses as usize, losses);
        }
        let mut attempt = 1;
        for event in &life.log {
            if let JobEvent::LeaseGranted(it) = event {
                prop_assert_eq!(it.attempt, attempt);
            }
            if let JobEvent::AttemptFailed(it) = event {
                prop_assert_eq!(it.attempt, attempt);
                attempt += 1;
            }
        }
    }

    #[test]
    fn nothing_starts_before_its_time_or_after_the_job_has_expired(asked in any_life()) {
        let life = Life::lived(&asked);
        for step in &life.steps {
            let Ok([JobEvent::LeaseGranted(_)]) = step.answer.as_deref() else { continue };
            prop_assert!(step.waits_until.is_none_or(|until| until <= step.now));
            prop_assert!(step.now < life.job.present().unwrap().order.expires_at);
        }
    }

    /// A pause keeps a job from being handed out, and changes no other answer.
    #[test]
    fn a_paused_job_is_not_handed_out_and_otherwise_lives_as_ever(asked in any_life()) {
        let mut life = Life::default();
        for it in asked {
            let mut awake = Life { job: life.job.clone(), ..Life::default() };
            if let Job::Present(present) = &mut awake.job {
                present.paused = None;
            }
            life.ask(it.clone());
            awake.ask(it.clone());
            let (Some(step), Some(awake)) = (life.steps.last(), awake.steps.last()) else {
                continue;
            };
            let (grant, toggle) = (
                matches!(it.command, JobCommand::GrantLease { .. }),
                matches!(it.command, JobCommand::PauseJob { .. } | JobCommand::ResumeJob),
            );
            if grant && step.paused {
                prop_assert!(step.answer.is_err());
            } else if !toggle {
                prop_assert_eq!(&step.answer, &awake.answer);
            }
            prop_assert!(!(step.paused && step.was.is_final()));
        }
    }

    /// Who watches the events knows who is paused.
    #[test]
    fn a_job_is_paused_from_one_event_to_the_next(asked in any_life()) {
        let (mut job, mut paused) = (Job::default(), false);
        for (event, version) in Life::lived(&asked).log.iter().zip(1..) {
            if matches!(event, JobEvent::JobPaused(_)) {
                prop_assert!(!std::mem::replace(&mut paused, true));
            } else if matches!(event, JobEvent::JobResumed(_)) {
                prop_assert!(std::mem::replace(&mut paused, false));
            }
            paused = paused && !ends_the_job(event);
            job.evolve(event, version);
            prop_assert_eq!(job.present().unwrap().paused.is_some(), paused);
        }
    }

    /// Wherever a job stands and whoever has died: once its time has passed,
    /// one command ends it.
    #[test]
    fn every_job_can_be_ended_when_its_time_has_passed(asked in any_life()) {
        let mut life = Life::lived(&asked);
        if let Some(present) = life.job.present() {
            let context = Context { now: present.order.expires_at, ..rescuer(0) };
            life.ask(Asked { command: JobCommand::ExpireJob, on_target: false, context });
            prop_assert!(life.state().is_final());
        }
    }

    /// A job that is handed out again and again, and each time fails or is
    /// lost, comes to an end of its own, long before it expires.
    #[test]
    fn a_job_that_never_succeeds_fails_in_the_end(
        dies in prop::collection::vec(any::<bool>(), 20),
        attempts_max in 1..8_u32,
        deliveries_max in 1..8_u32,
    ) {
        let policy = Policy { attempts_max, deliveries_max, ..order().policy };
        let order = Order { policy, expires_at: t(1_000_000), ..order() };
        let create = JobCommand::CreateTask { order, task: task() };
        let mut life = Life::default();
        life.ask(Asked { command: create, on_target: true, context: rescuer(0) });
        let mut now = t(0);
        let mut grants = 0;
        for dies in dies {
            if life.state().is_final() {
                break;
            }
            if let Phase::Retrying { until } = life.job.present().unwrap().phase {
                now = until;
            }
            let end = if dies { lose(0) } else { fail_with(0, disk_full()) };
            for command in [grant(), end] {
                let context = Context { now, ..rescuer(0) };
                life.ask(Asked { command, on_target: true, context });
            }
            now += Duration::seconds(1);
            grants += 1;
        }
        prop_assert_eq!(life.state(), JobState::Failed);
        prop_assert!(grants < attempts_max + deliveries_max, "{grants} grants");
    }
}

/// The laws would hold for lives in which nothing ever happens.
#[test]
fn the_lives_that_the_laws_are_tried_on_see_everything_that_can_happen() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let (mut events, mut refusals, mut states) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..256 {
        let asked = any_life().new_tree(&mut runner).unwrap().current();
        let life = Life::lived(&asked);
        events.extend(life.log.iter().map(EventType::name));
        states.extend(life.steps.iter().map(|it| it.was));
        refusals
            .extend(life.steps.iter().filter_map(|it| it.answer.as_ref().err()).map(Refusal::code));
    }
    let all = [JobEvent::NAMES, CrawlEvent::NAMES, ReportEvent::NAMES].concat();
    assert_eq!(events, all.into_iter().collect());
    assert_eq!(states, JobState::ALL.into_iter().collect());
    for code in [
        "ALREADY_LEASED",
        "ALREADY_SETTLED",
        "CANCEL_NOT_REQUESTED",
        "JOB_ENDED",
        "JOB_PAUSED",
        "NOT_FOUND",
        "STALE_FENCE",
        "TOO_EARLY",
        "TOO_LATE",
        "WRONG_KIND",
    ] {
        assert!(refusals.contains(code), "{code} never came up");
    }
}

fn read_back(event: &JobEvent) -> JobEvent {
    let payload = event.encode().unwrap();
    let event = decode(event.name(), event.schema_version(), &payload).unwrap();
    let Event::Job(event) = event else { panic!("{payload} became {event:?}") };
    event
}

/// A creation, then requests by all sorts of people, some seconds apart.
fn any_life() -> impl Strategy<Value = Vec<Asked>> {
    let request = (any_command(), prop::bool::weighted(0.8), any_who(), 0..30_i64);
    (any_creation(), prop::collection::vec(request, 0..40)).prop_map(|(create, requests)| {
        let mut now = 0;
        let creation = Asked { command: create, on_target: false, context: rescuer(0) };
        let rest = requests.into_iter().map(|(command, on_target, who, wait_s)| {
            now += wait_s;
            Asked { command, on_target, context: Context { now: t(now), ..who } }
        });
        std::iter::once(creation).chain(rest).collect()
    })
}

fn any_who() -> impl Strategy<Value = Context> {
    prop_oneof![
        6 => Just(rescuer(0)),
        3 => Just(worker(ANN, 0)),
        1 => Just(worker(BOB, 0)),
        1 => Just(user(OWNER, Role::Member, 0)),
        1 => Just(user(STRANGER, Role::Member, 0)),
    ]
}

fn any_creation() -> impl Strategy<Value = JobCommand> {
    let order = (1..4_u32, 1..4_u32, prop::option::of(1..40_i64), 50..400_i64).prop_map(
        |(attempts_max, deliveries_max, not_before, expires_at)| Order {
            not_before: not_before.map(t),
            expires_at: t(expires_at),
            policy: Policy { attempts_max, deliveries_max, ..order().policy },
            ..order()
        },
    );
    (order, 0..4_u8).prop_map(|(order, kind)| match kind {
        0 => JobCommand::StartCrawl { order, crawl: crawl() },
        1 => JobCommand::RequestReport { order, report: report() },
        _ => JobCommand::CreateTask { order, task: task() },
    })
}

fn any_command() -> impl Strategy<Value = JobCommand> {
    let fence = 0..12_u64;
    let checkpoint = prop_oneof![Just(Value::Null), any::<f64>().prop_map(|it| json!(it))];
    prop_oneof![
        1 => any_creation(),
        3 => Just(JobCommand::QueueJob),
        8 => Just(grant()),
        2 => Just(JobCommand::GrantLease { worker: BOB, request: None }),
        2 => (fence.clone(), 0..12_u64).prop_map(|(fence, done)| progress(fence, far(done))),
        2 => (fence.clone(), checkpoint).prop_map(|(fence, it)| remember(fence, it)),
        1 => fence.clone().prop_map(record),
        1 => fence.clone().prop_map(complete),
        1 => fence.clone().prop_map(complete_crawl),
        1 => fence.clone().prop_map(complete_report),
        3 => (fence.clone(), any::<bool>(), any_closing()).prop_map(|(fence, hope, closing)| {
            let error = if hope { disk_full() } else { hopeless() };
            JobCommand::FailAttempt { fence, error, retry_at: None, closing }
        }),
        2 => (fence.clone(), prop::option::of(0..200_i64)).prop_map(|(fence, until)| {
            release(fence, until.map(t))
        }),
        2 => fence.clone().prop_map(confirm),
        3 => fence.prop_map(lose),
        1 => Just(cancel()),
        2 => Just(pause()),
        2 => Just(JobCommand::ResumeJob),
        1 => Just(JobCommand::ExpireJob),
        1 => prop_oneof![Just(OWNER), Just(STRANGER)]
            .prop_map(|to| JobCommand::TransferJob { from: None, to }),
    ]
}

fn any_closing() -> impl Strategy<Value = Closing> {
    (any::<bool>(), prop::option::of(0..10_u64))
        .prop_map(|(sealed, done)| Closing { progress: done.map(far), log: sealed.then(seal) })
}
