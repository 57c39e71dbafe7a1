//! Those who do crawls and reports: workers like all others, except that they
//! live in this process and need no protocol.
//!
//! ```text
//!   a job is queued ──wake──▶ look ──▶ grant ──▶ Execute::run ──▶ settle
//!                                        │            ▲
//!                                        └── beats ───┘ stop: cancelled, paused, lost, shutting down
//! ```
//!
//! What is to be done is behind [`Execute`]. Here is what all of it has in
//! common: leases are taken, held by beats, and settled once; a holder that
//! panics has failed, and one that lost its lease is stopped.

mod attempt;
mod holding;
mod log;
mod outcome;
mod patience;
mod search;
mod session;
mod settle;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use commands::{Asked, Command, Commands, Ids, progress::Coalescer};
use domain::{Actor, WorkerId, actor::ServiceScope, service::ServiceName, worker::WorkerCommand};
use projections::{Reader, dispatch::WaitingWorkers, feed::Feed, kept::workers::Registration};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::patrol::Interrupted;
pub use attempt::{Attempt, Handle};
use holding::Holding;
pub use holding::Stop;
pub use log::Level;
pub use outcome::{Finish, Outcome};
pub(crate) use patience::Passing;
use session::Session;

/// Does the jobs of one built-in service.
#[async_trait]
pub trait Execute: Send + Sync + 'static {
    /// The service whose jobs it does.
    fn service(&self) -> ServiceName;

    /// Does one attempt, or goes on where an earlier one left off. Returns soon
    /// after [`Handle::stopping`] is cancelled; what does not is dropped.
    async fn run(&self, attempt: Attempt) -> Outcome;
}

/// The built-in workers came with no token: none that exists has this name.
const NO_TOKEN: Uuid = Uuid::nil();

/// How soon to try again what could not be done.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Takes the jobs of one service, and has them done.
#[derive(Clone)]
pub struct Executor {
    /// The way to the jobs.
    pub commands: Commands,
    /// The way to the tables.
    pub reader: Reader,
    /// The journal, followed: tells at once who is to stop.
    pub feed: Arc<Feed>,
    /// Tells when there is work.
    pub waiting: Arc<WaitingWorkers>,
    /// Names the worker.
    pub ids: Ids,
    /// What is done with a job.
    pub execute: Arc<dyn Execute>,
    /// How many jobs at a time.
    pub slots: u16,
}

impl Executor {
    /// Takes jobs until `stop`; then gives back those it has in hand.
    pub async fn run(self, stop: CancellationToken) {
        let Some(worker) = self.registered(&stop).await else { return };
        let session = Arc::new(Session {
            asked: asked(worker, self.execute.service()),
            worker,
            progress: Coalescer::new(self.commands.clone()),
            holding: Holding::default(),
            executor: self,
        });
        // Whoever still reports needs these.
        let over = CancellationToken::new();
        let mut aside = JoinSet::new();
        let (it, until) = (Arc::clone(&session), over.clone());
        aside.spawn(async move { it.progress.run(until).await });
        let (it, until) = (Arc::clone(&session), over.clone());
        aside.spawn(async move { it.beat(until).await });
        let (it, until) = (Arc::clone(&session), over.clone());
        aside.spawn(async move { it.listen(until).await });
        tokio::select! {
            () = session.work(&stop) => {}
            _ = aside.join_next() => {
                tracing::error!(%worker, "an executor cannot hold its leases any more");
                return;
            }
        }
        over.cancel();
        while aside.join_next().await.is_some() {}
        if let Err(interrupted) = session.leave().await {
            tracing::warn!(%worker, error = %interrupted, "an executor left unrecorded");
        }
    }

    /// Registers, as often as it takes; `None` if it is to stop before.
    async fn registered(&self, stop: &CancellationToken) -> Option<WorkerId> {
        let instance = (self.ids)();
        while !stop.is_cancelled() {
            match self.register(instance).await {
                Ok(worker) => return Some(worker),
                Err(interrupted) => {
                    tracing::warn!(error = %interrupted, "an executor could not register");
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(RETRY_AFTER) => {}
            }
        }
        None
    }

    async fn register(&self, instance: Uuid) -> Result<WorkerId, Interrupted> {
        let service = self.execute.service();
        let name = format!("greffe {service}");
        let registration = Registration {
            instance_key: instance.to_string(),
            token: NO_TOKEN,
            name: name.clone(),
            host: None,
            pid: i32::try_from(std::process::id()).ok(),
            sdk: Some(concat!("greffe/", env!("CARGO_PKG_VERSION")).to_owned()),
            services: vec![service.to_string()],
            slots: i32::from(self.slots),
        };
        let worker = self.reader.register_worker(WorkerId(instance), &registration).await?;
        let command = WorkerCommand::RegisterWorker { name, services: vec![service.clone()] };
        self.commands.execute(Command::Worker(worker, command), asked(worker, service)).await?;
        Ok(worker)
    }
}

/// On behalf of a worker that works for one service.
fn asked(worker: WorkerId, service: ServiceName) -> Asked {
    let scope = ServiceScope::Named(Arc::new([service].into()));
    Asked::by(Actor::Worker { id: worker, scope })
}
