//! The journal as those see it who follow it: understood, in memory for the
//! last while, and with what each event made of its job.
//!
//! One task per process reads and decodes each event once, for projectors,
//! subscriptions and everybody else. Who lags behind what is in memory reads
//! the journal itself. Nobody polls.

mod changes;
mod owned;
mod ring;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::JobId;
use journal::{Journal, JournalError, Recorded};
use moka::sync::Cache;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    fact::{Entry, Fact, Subject, Unreadable},
    job_list::JobRow,
};

pub use changes::{Change, Membership};
pub use owned::Owned;
use ring::Ring;

/// How many events the task takes in at a time.
const BATCH: usize = 1_000;

/// How soon the task tries again after a failure, and looks again if it was
/// not woken.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// How many jobs' rows are kept to fold the next event into.
const ROWS_MAX: u64 = 50_000;

/// How many rows are kept for those who read on behind the ring, and how long
/// after they were last of use.
const PASSED_MAX: u64 = 10_000;
const PASSED_FOR: Duration = Duration::from_mins(1);

/// The journal as those see it who follow it.
#[derive(Debug)]
pub struct Feed {
    journal: DebugJournal,
    ring: Ring,
    /// The rows of jobs, each as of its last event in the ring.
    rows: Cache<JobId, Arc<JobRow>>,
    /// The rows of jobs as of a version at which somebody stopped who reads the
    /// journal behind the ring, and goes on there.
    passed: Cache<(JobId, u64), Arc<JobRow>>,
    head: watch::Sender<u64>,
    /// Where a job last went to somebody else, or later.
    transferred_at: AtomicU64,
    /// Whether the task cannot go on: who then waits for more is to learn why.
    stuck: AtomicBool,
}

struct DebugJournal(Arc<dyn Journal>);

impl std::fmt::Debug for DebugJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Journal")
    }
}

/// Why the journal cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// It cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It holds what this program does not understand.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl FeedError {
    /// Whether it passes by itself: the journal is out of reach.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Journal(JournalError::Unavailable(_)))
    }
}

/// An event, and what it made of its job, if it happened to one.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) fact: Arc<Fact>,
    pub(crate) change: Option<Change>,
}

impl Item {
    /// What it takes in memory, in bytes, about. The row before is that after
    /// another.
    fn weight(&self) -> usize {
        let row = self.change.as_ref().map_or(0, |it| it.after.weight());
        size_of::<Self>() + self.fact.weight() + row
    }
}

impl Feed {
    /// Follows `journal` from where it is now: see [`Feed::run`].
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        let head = *journal.head().borrow();
        Self {
            journal: DebugJournal(journal),
            ring: Ring::starting_after(head),
            rows: Cache::new(ROWS_MAX),
            passed: Cache::builder().max_capacity(PASSED_MAX).time_to_idle(PASSED_FOR).build(),
            head: watch::Sender::new(head),
            // Of what came before, nothing is known.
            transferred_at: AtomicU64::new(head),
            stuck: AtomicBool::new(false),
        }
    }

    /// The last position that was taken in: a wake-up.
    pub fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Takes in what comes, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut journal = self.journal.0.head();
        loop {
            let taken_in = self.take_in().await;
            self.stuck.store(taken_in.is_err(), Ordering::Relaxed);
            let pause = match taken_in {
                Ok(0) => None,
                Ok(_) => continue,
                Err(error) => {
                    let error: &(dyn std::error::Error + Send + Sync) = &error;
                    tracing::error!(error, "the journal cannot be followed");
                    Some(RETRY_EVERY)
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(pause.unwrap_or_default()), if pause.is_some() => {}
                _ = timeout(RETRY_EVERY, journal.changed()), if pause.is_none() => {}
            }
        }
    }

    fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    async fn take_in(&self) -> Result<usize, FeedError> {
        let after = self.ring.last();
        let recorded = self.journal.0.read(after, BATCH).await?;
        let count = recorded.len();
        for recorded in recorded {
            let fact = Arc::new(Fact::read(&recorded)?);
            let change = self.change(&fact).await?;
            let position = fact.position();
            if owned::gives_a_job_away(&fact) {
                self.transferred_at.store(position, Ordering::SeqCst);
            }
            self.ring.push(Item { fact, change });
            self.head.send_replace(position);
        }
        Ok(count)
    }

    /// The facts after a position, oldest first, at most `limit`. An event that
    /// is not understood ends them; it is an error when none comes before it.
    pub async fn read(&self, after: u64, limit: usize) -> Result<Vec<Arc<Fact>>, FeedError> {
        if let Some(items) = self.ring.after(after, limit)
            && !(items.is_empty() && self.is_stuck())
        {
            return Ok(items.into_iter().map(|it| it.fact).collect());
        }
        Ok(understood(&self.journal.0.read(after, limit).await?)?)
    }

    /// The same as they stand in the journal, whether or not they are
    /// understood.
    pub async fn recorded(&self, after: u64, limit: usize) -> Result<Vec<Entry>, FeedError> {
        Ok(self.journal.0.read(after, limit).await?.into_iter().map(Entry).collect())
    }

    /// The events of one job after a version as they stand in the journal,
    /// oldest first, at most `limit`, and fewer where they are large. Whoever
    /// asks has found the job through a question that takes a viewer.
    pub async fn recorded_of(
        &self,
        id: JobId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, FeedError> {
        let stream = Subject::Job(id).stream();
        let events = self.journal.0.read_stream(&stream, after_version, limit).await?;
        Ok(events.into_iter().map(|it| Entry(Arc::new(it))).collect())
    }

    /// The events of one job after a version, oldest first, at most `limit`,
    /// and fewer where they are large; none only if there is none.
    /// Whoever asks has found the job through a question that takes a viewer.
    pub async fn job_events(
        &self,
        id: JobId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Fact>>, FeedError> {
        self.events_of(Subject::Job(id), after_version, limit).await
    }

    /// The events of anything after a version, oldest first, at most `limit`,
    /// and fewer where they are large; none only if there is none. For those
    /// who act unasked.
    pub async fn events_of(
        &self,
        subject: Subject,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Fact>>, FeedError> {
        let stream = subject.stream();
        let events = self.journal.0.read_stream(&stream, after_version, limit).await?;
        events.into_iter().map(|it| Ok(Arc::new(Fact::read(&Arc::new(it))?))).collect()
    }
}

fn understood(recorded: &[Arc<Recorded>]) -> Result<Vec<Arc<Fact>>, Unreadable> {
    let mut facts = Vec::with_capacity(recorded.len());
    for recorded in recorded {
        match Fact::read(recorded) {
            Ok(fact) => facts.push(Arc::new(fact)),
            // It does not hold up those before it.
            Err(_) if !facts.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(facts)
}
