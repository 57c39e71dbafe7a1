//! The cast, a clock that stands still, and journals in which things go wrong.

use std::sync::{
    Mutex,
    atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering},
};

use async_trait::async_trait;
use chrono::DateTime;
use domain::{
    Actor, EventType, LeaseId, UserId,
    actor::{Component, Role, ServiceScope},
    decode::{Event, decode},
    job::{Closing, JobEvent, LeaseGranted, Progress, ProgressReported},
};
use futures::stream::BoxStream;
use journal::{Append, AppendError, JournalError, Memory, NewEvent, Outcome, Recorded};
use serde_json::json;
use tokio::sync::watch;

use super::super::*;
// What every test of this door is about.
pub(super) use domain::{
    JobId, Refusal, Timestamp, WorkerId,
    job::{CrawlSpec, Follow, JobCommand, ReportSpec},
    worker::WorkerCommand,
};
pub(super) use journal::{Appended, Journal, StreamId};
pub(super) use serde_json::Value;
pub(super) use std::sync::Arc;
pub(super) use uuid::Uuid;

use crate::{lease::Granted, services::Declaration};

pub(super) const ANN: WorkerId = WorkerId(Uuid::from_u128(0xA));
pub(super) const BOB: WorkerId = WorkerId(Uuid::from_u128(0xB));
pub(super) const OWNER: UserId = UserId(Uuid::from_u128(1));
pub(super) const STRANGER: UserId = UserId(Uuid::from_u128(2));
pub(super) const JOB: JobId = JobId(Uuid::from_u128(0x100));

pub(super) fn user(id: UserId) -> Asked {
    Asked::by(Actor::User { id, role: Role::Member })
}

pub(super) fn worker(id: WorkerId) -> Asked {
    Asked::by(Actor::Worker { id, scope: ServiceScope::All })
}

pub(super) fn rescuer() -> Asked {
    Asked::by(Actor::System(Component::Rescuer))
}

/// A write side, as one process has it.
#[derive(Clone)]
pub(super) struct World {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) commands: Commands,
    seconds: Arc<AtomicI64>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::over(Arc::new(Memory::default()))
    }

    /// As another process would, if `journal` has a world already.
    pub(super) fn over(journal: Arc<dyn Journal>) -> Self {
        Self::with_services(journal, [json!({ "name": "checksum" })])
    }

    pub(super) fn with_services(
        journal: Arc<dyn Journal>,
        services: impl IntoIterator<Item = Value>,
    ) -> Self {
        static PROCESSES: AtomicU64 = AtomicU64::new(1);
        let process = PROCESSES.fetch_add(1, Ordering::Relaxed);
        let (seconds, made) = (Arc::new(AtomicI64::new(1_000)), AtomicU64::new(1));
        let clock = Arc::clone(&seconds);
        let ids = move || Uuid::from_u64_pair(process, made.fetch_add(1, Ordering::Relaxed));
        let declared = services.into_iter().map(|it| serde_json::from_value(it).unwrap());
        let services = Services::try_new(declared.collect::<Vec<Declaration>>()).unwrap();
        let commands = Commands::new(
            Arc::clone(&journal),
            services,
            Arc::new(move || t(clock.load(Ordering::Relaxed))),
            Arc::new(ids),
        );
        Self { journal, commands, seconds }
    }

    pub(super) fn at(&self, seconds: i64) {
        self.seconds.store(seconds, Ordering::Relaxed);
    }

    /// A task of the owner's.
    pub(super) async fn created(self) -> Self {
        self.commands.execute(create(JOB), user(OWNER)).await.unwrap();
        self
    }

    /// In Ann's hands.
    pub(super) async fn granted(&self) -> Granted {
        self.commands.grant(JOB, ANN, None, &worker(ANN)).await.unwrap().unwrap()
    }

    pub(super) async fn registered(&self, id: WorkerId) {
        let register = WorkerCommand::RegisterWorker { name: "w".to_owned(), services: Vec::new() };
        self.commands.execute(Command::Worker(id, register), worker(id)).await.unwrap();
    }

    pub(super) async fn job(&self, command: JobCommand, asked: Asked) -> Answer {
        self.commands.execute(Command::Job(JOB, command), asked).await
    }

    pub(super) async fn stream(&self, stream: &StreamId) -> Vec<Recorded> {
        self.journal.read_stream(stream, 0, usize::MAX).await.unwrap()
    }

    /// The names of what happened to a job.
    pub(super) async fn story(&self, job: JobId) -> Vec<String> {
        self.stream(&of(job)).await.into_iter().map(|it| it.event_type).collect()
    }

    pub(super) async fn events(&self, stream: &StreamId) -> Vec<Event> {
        let recorded = self.stream(stream).await;
        let read = |it: &Recorded| decode(&it.event_type, it.schema_version, &it.payload).unwrap();
        recorded.iter().map(read).collect()
    }
}

pub(super) type Answer = Result<Accepted, CommandError>;

#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(answer: Result<T, CommandError>) -> Refusal {
    match answer {
        Err(CommandError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

pub(super) fn t(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

pub(super) fn of(job: JobId) -> StreamId {
    StreamId::new("job", job)
}

pub(super) fn create(id: JobId) -> Command {
    let (service, body) = ("checksum".to_owned(), json!({ "folder": "in" }));
    Command::CreateTask { id, service, body, wishes: Wishes::default() }
}

pub(super) fn cancel() -> JobCommand {
    JobCommand::CancelJob { reason: None }
}

pub(super) fn complete(fence: u64) -> JobCommand {
    let (artifacts, closing) = (Vec::new(), Closing::default());
    JobCommand::CompleteTask { fence, result: json!(7), errors: 0, artifacts, closing }
}

pub(super) fn progress(fence: u64, done: u64) -> JobCommand {
    let progress = Some(Progress { done, total: None, message: None });
    JobCommand::ReportProgress { fence, progress, checkpoint: None }
}

pub(super) fn lose(fence: u64) -> JobCommand {
    JobCommand::ExpireLease { fence, log: None }
}

pub(super) fn lease(fence: u64) -> LeaseId {
    LeaseId { job: JOB, fence }
}

pub(super) fn progressed(fence: u64, done: u64) -> JobEvent {
    let progress = Some(Progress { done, total: None, message: None });
    ProgressReported { fence, progress, checkpoint: None }.into()
}

pub(super) fn granted_to(worker: WorkerId) -> JobEvent {
    let (run_deadline, request) = (None, None);
    let (attempt, delivery, lease_ms) = (1, 1, 60_000);
    LeaseGranted { worker, attempt, delivery, lease_ms, run_deadline, request }.into()
}

/// Writes as somebody else would, at the end of the stream.
pub(super) async fn rival_writes(journal: &dyn Journal, stream: &StreamId, events: &[JobEvent]) {
    let mut expected_version = 0;
    loop {
        let part = journal.read_stream(stream, expected_version, usize::MAX).await.unwrap();
        let Some(last) = part.last() else { break };
        expected_version = last.version;
    }
    let events = events.iter().map(|event| NewEvent {
        event_id: Uuid::new_v4(),
        event_type: event.name(),
        schema_version: event.schema_version(),
        payload: event.encode().unwrap(),
        metadata: r#"{"actor":"system:rescuer"}"#.to_owned(),
    });
    let (stream, events) = (stream.clone(), events.collect());
    let append = Append { stream, expected_version, events, idempotency: None };
    journal.append(append).await.unwrap();
}

/// What goes wrong with an append.
#[derive(Clone)]
pub(super) enum Trouble {
    /// A rival writes this first.
    Rival(Vec<JobEvent>),
    /// Another process carries it out under the same key, for this job.
    Twin(JobId),
    /// It is written, and the answer is lost.
    AnswerLost,
    /// It is not written, and nobody knows.
    RequestLost,
    /// The store is out of reach.
    Unavailable,
    /// The store will not write it.
    NotTaken,
}

/// A journal in which appends go wrong as they are told to.
#[derive(Default)]
pub(super) struct Troubled {
    pub(super) inner: Memory,
    trouble: Mutex<Option<(u32, Trouble)>>,
    pub(super) appends: AtomicU32,
    pub(super) reads: AtomicU32,
}

impl Troubled {
    /// The next `times` appends go wrong.
    pub(super) fn brew(&self, times: u32, trouble: Trouble) {
        *self.trouble.lock().unwrap() = Some((times, trouble));
    }

    fn next(&self) -> Option<Trouble> {
        let mut brewing = self.trouble.lock().unwrap();
        let (times, trouble) = brewing.as_mut()?;
        let trouble = trouble.clone();
        *times -= 1;
        if *times == 0 {
            *brewing = None;
        }
        Some(trouble)
    }
}

#[async_trait]
impl Journal for Troubled {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        // Takes its time, as a store does: others come in between.
        tokio::task::yield_now().await;
        match self.next() {
            None => self.inner.append(append).await,
            Some(Trouble::Rival(events)) => {
                rival_writes(&self.inner, &append.stream, &events).await;
                self.inner.append(append).await
            }
            Some(Trouble::Twin(job)) => {
                self.inner.append(Append { stream: of(job), ..append.clone() }).await?;
                self.inner.append(append).await
            }
            Some(Trouble::AnswerLost) => {
                self.inner.append(append).await?;
                Err(AppendError::Unknown("the line went dead".into()))
            }
            Some(Trouble::RequestLost) => Err(AppendError::Unknown("the line went dead".into())),
            Some(Trouble::Unavailable) => Err(JournalError::Unavailable("no route".into()).into()),
            Some(Trouble::NotTaken) => Err(JournalError::Damaged("no such table".into()).into()),
        }
    }

    async fn outcome(&self, scope: &str, key: &str) -> Result<Option<Outcome>, JournalError> {
        self.inner.outcome(scope, key).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, JournalError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.read_stream(stream, after_version, limit).await
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Arc<Recorded>>, JournalError> {
        self.inner.read(after, limit).await
    }

    fn replay(&self, after: u64) -> BoxStream<'static, Result<Recorded, JournalError>> {
        self.inner.replay(after)
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.inner.head()
    }
}
