//! One worker at work: it takes jobs while it has hands free, beats for all
//! that it holds, and hears who is to stop.

use std::{sync::Arc, time::Duration};

use commands::{Asked, Command, lease::Granted, progress::Coalescer};
use domain::{WorkerId, worker::WorkerCommand};
use projections::dispatch::Waiting;
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, interval, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Executor, NO_TOKEN, Outcome, RETRY_AFTER, Stop,
    attempt::{Attempt, Handle},
    holding::Holding,
    search::Look,
};
use crate::patrol::Interrupted;

/// How long one trusts that one would be woken.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// How long one lets others go first who were faster.
const AFTER_YOU: Duration = Duration::from_millis(50);

/// How often one looks whether a beat is due: no lease is shorter than a second.
const LOOK_AT_LEASES_EVERY: Duration = Duration::from_millis(100);

/// How often one says that one is there.
const SEEN_EVERY: Duration = Duration::from_secs(10);

/// How long a beat may take. A connection that is dead may say nothing for a
/// quarter of an hour.
const BEAT_TAKES_MAX: Duration = Duration::from_secs(5);

/// How long an attempt that is to stop may take to do so. Less than a process
/// is given.
const GRACE: Duration = Duration::from_secs(10);

/// How often what was logged is kept.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// How many events are looked at together.
const BATCH: usize = 1_000;

/// One worker at work.
pub(super) struct Session {
    pub(super) executor: Executor,
    pub(super) worker: WorkerId,
    pub(super) asked: Asked,
    pub(super) progress: Coalescer,
    pub(super) holding: Holding,
}

impl Session {
    /// Takes jobs until `stop`; then has those in hand given back.
    pub(super) async fn work(self: &Arc<Self>, stop: &CancellationToken) {
        let services: Arc<[String]> = [self.executor.execute.service().to_string()].into();
        let mut attempts = JoinSet::new();
        let mut woken: Option<Waiting> = None;
        while !stop.is_cancelled() {
            let free = usize::from(self.executor.slots).saturating_sub(attempts.len());
            if free == 0 {
                tokio::select! {
                    () = stop.cancelled() => {}
                    Some(ended) = attempts.join_next() => ended_well(ended),
                }
                continue;
            }
            // Before the look, so that no job comes in between.
            let mut next = self.executor.waiting.wait(Arc::clone(&services));
            let pause = self.take(free, &mut attempts).await;
            if let Some(woken) = woken.take() {
                woken.answered();
            }
            let Some(pause) = pause else { continue };
            tokio::select! {
                () = stop.cancelled() => {}
                Some(ended) = attempts.join_next() => ended_well(ended),
                () = next.woken() => woken = Some(next),
                () = sleep(pause) => {}
            }
        }
        self.holding.stop_all(Stop::Shutdown);
        while let Some(ended) = attempts.join_next().await {
            ended_well(ended);
        }
    }

    /// Starts what there is. If there is nothing, tells when to look again.
    async fn take(self: &Arc<Self>, free: usize, attempts: &mut JoinSet<()>) -> Option<Duration> {
        let begun = Instant::now();
        match self.look(free).await {
            Ok(Look::Granted(granted)) => {
                for it in granted {
                    let (session, lease) = (Arc::clone(self), it.lease);
                    let span = tracing::info_span!("attempt", job = %lease.job, it.attempt);
                    attempts.spawn(session.attend(it, begun).instrument(span));
                }
                None
            }
            Ok(Look::Nothing) => Some(LOOK_AGAIN_AFTER),
            Ok(Look::TooSlow) => Some(AFTER_YOU),
            Err(interrupted) => {
                tracing::warn!(error = %interrupted, "an executor cannot look for work");
                Some(RETRY_AFTER)
            }
        }
    }

    /// Has one attempt done, and settles it.
    async fn attend(self: Arc<Self>, granted: Granted, since: Instant) {
        let (lease, length) = (granted.lease, Duration::from_millis(granted.lease_ms));
        let stopping = self.holding.add(lease, length, since);
        let attempt = Attempt::new(&self, granted, stopping);
        let handle = attempt.handle.clone();
        let outcome = self.outcome(attempt).await;
        self.settle(&handle, outcome).await;
        self.holding.remove(lease);
    }

    /// Runs in a task of its own, which may panic, and is dropped when it does
    /// not stop in time.
    async fn outcome(&self, attempt: Attempt) -> Outcome {
        let handle = attempt.handle.clone();
        let (execute, stopping) = (Arc::clone(&self.executor.execute), handle.stopping());
        let mut running = JoinSet::new();
        let span = tracing::Span::current();
        running.spawn(async move { execute.run(attempt).await }.instrument(span));
        let mut flushes = interval(FLUSH_EVERY);
        let mut patience: Option<Instant> = None;
        loop {
            tokio::select! {
                ended = running.join_next() => return came_of(ended),
                _ = flushes.tick() => self.keep_log(&handle).await,
                () = stopping.cancelled(), if patience.is_none() => {
                    patience = Some(Instant::now() + GRACE);
                }
                () = sleep_until(patience.unwrap_or_else(Instant::now)), if patience.is_some() => {
                    tracing::warn!("an attempt did not stop in time, and is dropped");
                    running.abort_all();
                    return Outcome::Released;
                }
            }
        }
    }

    pub(super) async fn keep_log(&self, handle: &Handle) {
        if let Err(error) = handle.0.log.flush(&self.executor.reader).await {
            tracing::warn!(%error, "what an attempt logged is kept later");
        }
    }

    /// Beats for all leases together, three times in the length of the shortest,
    /// until `over`.
    pub(super) async fn beat(&self, over: CancellationToken) {
        let mut seen = Instant::now();
        loop {
            tokio::select! {
                () = over.cancelled() => return,
                () = sleep(LOOK_AT_LEASES_EVERY) => {}
            }
            let now = Instant::now();
            if SEEN_EVERY <= now - seen {
                seen = now;
                if let Err(error) = self.executor.reader.seen_worker(self.worker, NO_TOKEN).await {
                    tracing::warn!(%error, "an executor could not say that it is there");
                }
            }
            self.beat_once(now).await;
        }
    }

    async fn beat_once(&self, now: Instant) {
        let leases = self.holding.due(now);
        if leases.is_empty() {
            return;
        }
        let beaten = timeout(BEAT_TAKES_MAX, self.executor.reader.beat(self.worker, &leases)).await;
        match beaten.map_err(Interrupted::from).and_then(|it| it.map_err(Interrupted::from)) {
            Ok(beats) => self.holding.extended(&leases, &beats, now),
            Err(interrupted) => {
                tracing::warn!(error = %interrupted, "an executor could not beat");
                self.holding.doubt(Instant::now());
            }
        }
    }

    /// Hears who is to stop, until `over`. Beats tell the same a little later.
    pub(super) async fn listen(&self, over: CancellationToken) {
        let feed = &self.executor.feed;
        let mut head = feed.head();
        let mut after = *head.borrow();
        loop {
            match feed.read(after, BATCH).await {
                Ok(facts) => {
                    for (job, event) in facts.iter().filter_map(|it| it.of_job()) {
                        self.holding.heard(job, event);
                    }
                    if let Some(last) = facts.last() {
                        after = last.position();
                        continue;
                    }
                }
                // The feed logs what is wrong with the journal.
                Err(error) => tracing::debug!(%error, "an executor hears nothing"),
            }
            tokio::select! {
                () = over.cancelled() => return,
                changed = head.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Says good-bye.
    pub(super) async fn leave(&self) -> Result<(), Interrupted> {
        self.executor.reader.left_worker(self.worker).await?;
        let command = Command::Worker(self.worker, WorkerCommand::LeaveWorker);
        self.executor.commands.execute(command, self.asked.clone()).await?;
        Ok(())
    }
}

fn came_of(ended: Option<Result<Outcome, JoinError>>) -> Outcome {
    match ended {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) if error.is_panic() => Outcome::panicked(),
        Some(Err(_)) | None => Outcome::Released,
    }
}

/// What attends an attempt does not panic, whatever the attempt does.
fn ended_well(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "an attempt was not settled");
    }
}
