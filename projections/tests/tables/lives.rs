//! Random lives of jobs: what many people, workers and clocks do to a handful
//! of jobs, sense and nonsense alike.

use chrono::TimeDelta;
use commands::{Accepted, Asked, Command, CommandError, Wishes, lease::Holder};
use domain::{
    ClientId, JobId, LandId, LeaseId, UserId, WorkerId,
    actor::Component,
    artifact::{Artifact, Sha256},
    client::Quotas,
    job::{
        Closing, CrawlSpec, Follow, JobCommand, JobError, JobState, LogSeal, Phase, Progress,
        ReportSpec,
    },
    land::{LandCommand, Sketch},
    worker::{RefusedReport, WorkerCommand},
};
use futures::future::join_all;
use proptest::{
    prelude::{Just, Strategy, any, prop_oneof},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    corpus, quotas,
    world::{World, system, user, worker},
};

/// How many jobs take part.
const JOBS: usize = 12;

/// Who creates some of the tasks.
pub(super) const CLIENT: ClientId = ClientId(Uuid::from_u128(3));

/// What somebody does to one of the jobs.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Which job.
    job: usize,
    /// What.
    deed: Deed,
    /// Picks among details.
    salt: u8,
}

#[derive(Clone, Debug)]
enum Deed {
    Create,
    Queue,
    Grant,
    Report(Report),
    Lose,
    Cancel,
    Pause,
    Resume,
    Expire,
    Retry,
    Transfer,
    ReportLate,
    ChangeLand,
    Pass,
}

/// What the holder of a lease says.
#[derive(Clone, Copy, Debug)]
enum Report {
    Progress,
    Pages,
    Complete,
    Fail,
    Release,
    Confirm,
}

/// Steps, more of what leads somewhere than of what ends it.
fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let deed = prop_oneof![
        4 => Just(Deed::Create),
        3 => Just(Deed::Queue),
        6 => Just(Deed::Grant),
        6 => Just(Deed::Report(Report::Progress)),
        6 => Just(Deed::Report(Report::Pages)),
        2 => Just(Deed::Report(Report::Complete)),
        3 => Just(Deed::Report(Report::Fail)),
        2 => Just(Deed::Report(Report::Release)),
        1 => Just(Deed::Report(Report::Confirm)),
        2 => Just(Deed::Lose),
        1 => Just(Deed::Cancel),
        2 => Just(Deed::Pause),
        2 => Just(Deed::Resume),
        1 => Just(Deed::Expire),
        2 => Just(Deed::Retry),
        2 => Just(Deed::Transfer),
        1 => Just(Deed::ReportLate),
        1 => Just(Deed::ChangeLand),
        1 => Just(Deed::Pass),
    ];
    let step = (0..JOBS, deed, any::<u8>()).prop_map(|(job, deed, salt)| Step { job, deed, salt });
    proptest::collection::vec(step, count)
}

/// So many steps, others in each run of the tests.
pub(super) fn random(count: usize) -> Vec<Step> {
    let mut runner = TestRunner::default();
    let steps = steps(count).new_tree(&mut runner).unwrap().current();
    assert_eq!(steps.len(), count);
    steps
}

/// The lives that are under way.
pub(super) struct Lives<'a> {
    world: &'a World,
    /// The job that each place has now; a retry puts a new one in it.
    jobs: Vec<JobId>,
}

impl<'a> Lives<'a> {
    pub(super) async fn begin(world: &'a World) -> Self {
        for number in 0..3 {
            let id = worker_id(number);
            let services = Vec::new();
            let command = WorkerCommand::RegisterWorker { name: "w".to_owned(), services };
            world.commands.execute(Command::Worker(id, command), worker(id)).await.unwrap();
        }
        let quotas = Quotas { active_jobs_max: Some(3), ..Quotas::default() };
        quotas::register(world, CLIENT, quotas).await;
        for owner in [1, 2] {
            let (id, owner) = (LandId(Uuid::from_u128(owner)), UserId(Uuid::from_u128(owner)));
            let name = "Rivers".to_owned();
            let sketch = Sketch { name, terms: vec!["crue".to_owned()], ..Sketch::default() };
            let command = Command::Land(id, LandCommand::CreateLand { owner, sketch });
            world.commands.execute(command, user(owner)).await.unwrap();
        }
        let jobs = (0..JOBS).map(|_| JobId(Uuid::new_v4())).collect();
        Self { world, jobs }
    }

    /// Those of different jobs at the same time, so that they share batches.
    pub(super) async fn live(&mut self, steps: &[Step]) {
        for together in steps.chunks(JOBS * 2) {
            let of_one = |job| together.iter().filter(move |it: &&Step| it.job == job);
            let each = self.jobs.iter().enumerate().map(|(place, id)| {
                let (world, mut id) = (self.world, *id);
                async move {
                    for step in of_one(place) {
                        id = act(world, id, step).await;
                    }
                    id
                }
            });
            self.jobs = join_all(each).await;
        }
    }
}

fn worker_id(number: u8) -> WorkerId {
    WorkerId(Uuid::from_u128(0x100 + u128::from(number % 3)))
}

/// Nobody minds a refusal; everything else is a fault.
fn tolerated(answer: Result<Accepted, CommandError>) -> Option<JobId> {
    match answer {
        Ok(accepted) => accepted.job(),
        Err(CommandError::Refused(_)) => None,
        Err(error) => panic!("{error:?}"),
    }
}

/// The job that the place has after the step.
async fn act(world: &World, id: JobId, step: &Step) -> JobId {
    let job = world.commands.job_state(id).await.unwrap();
    let salt = step.salt;
    let (fence, holder) = match job.present().map(|it| &it.phase) {
        Some(Phase::Running(lease)) => (lease.fence, lease.worker),
        _ => (u64::from(salt % 5), worker_id(salt)),
    };
    let command = match &step.deed {
        Deed::Create => create(id, salt, world),
        Deed::Pass => {
            world.later(i64::from(salt) * 40);
            return id;
        }
        Deed::Retry => {
            let new = JobId(Uuid::new_v4());
            let ended = job.present().is_some_and(|it| it.state() != JobState::Running);
            let retry = Command::RetryJob { of: id, id: new };
            let retried = tolerated(world.commands.execute(retry, user(owner(salt))).await);
            return retried.filter(|_| ended).unwrap_or(id);
        }
        Deed::ChangeLand => {
            let change = corpus::change_land(LandId(owner(salt).0), salt);
            tolerated(world.commands.execute(change, user(owner(salt))).await);
            return id;
        }
        Deed::ReportLate => {
            report_late(world, id, salt).await;
            return id;
        }
        Deed::Grant => {
            let to = worker_id(salt);
            let request = salt.is_multiple_of(2).then(Uuid::new_v4);
            world.commands.grant(id, to, request, &worker(to)).await.unwrap();
            return id;
        }
        Deed::Queue => Command::Job(id, JobCommand::QueueJob),
        Deed::Cancel => Command::Job(id, JobCommand::CancelJob { reason: reason(salt) }),
        Deed::Pause => Command::Job(id, JobCommand::PauseJob { reason: reason(salt) }),
        Deed::Resume => Command::Job(id, JobCommand::ResumeJob),
        Deed::Expire => Command::Job(id, JobCommand::ExpireJob),
        Deed::Transfer => {
            let to = owner(salt.wrapping_add(1));
            Command::Job(id, JobCommand::TransferJob { from: None, to })
        }
        Deed::Lose => Command::Job(id, JobCommand::ExpireLease { fence, log: seal(salt) }),
        Deed::Report(Report::Pages) => {
            let known = job.present().map_or(0, |it| it.found);
            Command::Job(id, corpus::pages(known, fence, salt))
        }
        Deed::Report(it) => Command::Job(id, reported(world, *it, fence, salt)),
    };
    let asked = by(&step.deed, salt, holder);
    tolerated(world.commands.execute(command, asked).await);
    id
}

fn reason(salt: u8) -> Option<String> {
    salt.is_multiple_of(2).then(|| format!("enough {salt}"))
}

fn by(deed: &Deed, salt: u8, holder: WorkerId) -> Asked {
    match deed {
        // A client has tasks done, and what is not its own does not exist to it.
        Deed::Create if salt % 7 == 2 || salt % 7 == 4 => quotas::client(CLIENT),
        Deed::Create | Deed::Retry | Deed::Cancel | Deed::Pause | Deed::Resume | Deed::Transfer => {
            user(owner(salt))
        }
        Deed::Queue => system(Component::Scheduler),
        Deed::Lose | Deed::Expire => system(Component::Rescuer),
        Deed::Grant | Deed::Report(_) | Deed::ReportLate | Deed::ChangeLand | Deed::Pass => {
            worker(holder)
        }
    }
}

fn owner(salt: u8) -> UserId {
    UserId(Uuid::from_u128(1 + u128::from(salt % 2)))
}

fn create(id: JobId, salt: u8, world: &World) -> Command {
    let now = world.commands.now();
    let soon = |of: u8, every: i64| {
        salt.is_multiple_of(of).then(|| now + TimeDelta::seconds(i64::from(salt) * every + 1))
    };
    let wishes = Wishes {
        owner: None,
        priority: i16::from(salt % 5) - 2,
        not_before: soon(3, 2),
        expires_at: soon(2, 60),
    };
    let hash = Sha256::new([salt; 32]);
    match salt % 7 {
        0 | 3 => {
            let crawl = CrawlSpec {
                land: salt.is_multiple_of(3).then_some(LandId(owner(salt).0)),
                seeds: vec![format!("https://example.org/{salt}")],
                terms: vec!["registry".to_owned()],
                depth: 2,
                languages: vec![],
                follow: Follow::default(),
                pages_max: 10,
            };
            Command::StartCrawl { id, crawl, wishes }
        }
        1 => {
            let report = ReportSpec::of(hash, vec![hash]);
            Command::RequestReport { id, report, wishes }
        }
        number => {
            let service = if number % 2 == 0 { "checksum" } else { "resize" }.to_owned();
            let body = json!({ "folder": format!("é{salt}"), "half": f64::from(salt) / 3.0 });
            Command::CreateTask { id, service, body, wishes }
        }
    }
}

/// What the holder of a lease has to say, of any kind of job.
fn reported(world: &World, report: Report, fence: u64, salt: u8) -> JobCommand {
    // Apart from what picks the kind of the job.
    let errors = u64::from(salt / 3 % 3);
    let progress = Progress {
        done: u64::from(salt),
        total: salt.is_multiple_of(2).then_some(255),
        message: salt.is_multiple_of(3).then(|| format!("at {salt}")),
    };
    let closing =
        Closing { progress: salt.is_multiple_of(4).then(|| progress.clone()), log: seal(salt) };
    let artifact = Artifact { sha256: Sha256::new([salt; 32]), name: format!("{salt}"), bytes: 7 };
    let later = salt.is_multiple_of(3).then(|| world.commands.now() + TimeDelta::seconds(30));
    match report {
        Report::Complete => match salt % 3 {
            0 => {
                let (pages, artifacts) = (u64::from(salt), vec![artifact]);
                JobCommand::CompleteCrawl { fence, pages, errors, artifacts, closing }
            }
            1 => {
                let document = artifact;
                JobCommand::CompleteReport { fence, document, errors, written: None, closing }
            }
            _ => {
                let (result, artifacts) = (json!({ "sum": salt }), vec![artifact]);
                JobCommand::CompleteTask { fence, result, errors, artifacts, closing }
            }
        },
        Report::Fail => {
            let error = JobError {
                error_type: "Disk".to_owned(),
                message: format!("full {salt}"),
                detail: None,
                retryable: !salt.is_multiple_of(4),
            };
            JobCommand::FailAttempt { fence, error, retry_at: later, closing }
        }
        Report::Release => {
            let (reason, checkpoint) = (Some("going".to_owned()), Some(json!(salt)));
            JobCommand::ReleaseLease { fence, reason, until: later, checkpoint, closing }
        }
        Report::Confirm => JobCommand::ConfirmCancel { fence, closing },
        Report::Pages => corpus::pages(0, fence, salt),
        Report::Progress => {
            let checkpoint = salt.is_multiple_of(5).then(|| json!({ "line": salt }));
            JobCommand::ReportProgress { fence, progress: Some(progress), checkpoint }
        }
    }
}

fn seal(salt: u8) -> Option<LogSeal> {
    let sha256 = Sha256::new([salt; 32]);
    (salt % 2 == 1).then_some(LogSeal { lines: 3, bytes: u64::from(salt), sha256 })
}

async fn report_late(world: &World, id: JobId, salt: u8) {
    let holder = Holder { lease: LeaseId { job: id, fence: 1 }, worker: worker_id(salt) };
    let command = JobCommand::ReportProgress { fence: 1, progress: None, checkpoint: None };
    let said = RefusedReport::Progress;
    let asked = worker(holder.worker);
    match world.commands.report(holder, said, command, &asked).await {
        Ok(_) | Err(CommandError::Refused(_)) => {}
        Err(error) => panic!("{error:?}"),
    }
}
