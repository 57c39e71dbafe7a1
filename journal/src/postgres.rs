//! The journal on Postgres.
//!
//! Each process has one appender, which writes whatever arrived while it was
//! busy as one statement (`appender`, `plan`, `statement`), goes through the
//! batch again under the lock if somebody moved a stream meanwhile
//! (`contest`), and moves the tables that must move with an append (`fold`).
//! One tailer per process reads what others wrote and keeps the recent past in
//! memory for everybody (`tail`, `tailer`); one notifier per process tells the
//! other processes (`notifier`), outside of any append: `NOTIFY` takes a global
//! lock until its transaction has committed.
//!
//! The head of the journal is one row that every append locks until it has
//! committed. That, and nothing else, makes positions gapless and keeps them
//! in the order of commits; several processes need no leader.

mod settings;
pub mod fold;
mod request;
mod plan;
mod statement;
mod contest;
mod answer;
mod appender;
mod link;
mod failure;
mod keys;
mod partition;
mod tail;
mod tailer;
mod notifier;
mod rows;
mod instruments;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::{FutureExt, future::BoxFuture, stream::BoxStream};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

pub use settings::Settings;

use crate::{
    Append, AppendError, Appended, Journal, JournalError, Outcome, Recorded, StreamId,
    postgres::{
        appender::Appender, fold::InlineFold, instruments::Instruments, request::Request,
        tail::Tail,
    },
};

/// The journal on Postgres. It may be open in any number of processes at once.
///
/// Dropping it stops its tasks, and leaves appends under way unanswered;
/// [`close`](Self::close) finishes them first.
pub struct PostgresJournal {
    requests: mpsc::Sender<Request>,
    /// Bytes that appends under way may still take.
    room: Semaphore,
    tail: Arc<Tail>,
    readers: PgPool,
    replayers: PgPool,
    settings: Arc<Settings>,
    instruments: Instruments,
    /// No request is taken any more; what has been taken is finished.
    closing: CancellationToken,
    /// Nothing is left to do for those who only read and tell.
    closed: CancellationToken,
    tasks: Mutex<Option<Tasks>>,
}

struct Tasks {
    appender: JoinSet<()>,
    rest: JoinSet<()>,
}

impl PostgresJournal {
    /// Opens the journal in the database at `url`, whose schema is in place.
    /// The folds move with every append of this process.
    pub async fn connect(
        url: &str,
        settings: Settings,
        folds: Vec<Arc<dyn InlineFold>>,
    ) -> Result<Self, JournalError> {
        let options = url.parse().map_err(failure::of_reading)?;
        Self::connect_with(options, settings, folds).await
    }

    /// As [`connect`](Self::connect), for callers who have parsed the URL.
    pub async fn connect_with(
        options: PgConnectOptions,
        settings: Settings,
        folds: Vec<Arc<dyn InlineFold>>,
    ) -> Result<Self, JournalError> {
        let options = link::with_search_path(options, &settings);
        let readers = PgPoolOptions::new()
            .max_connections(settings.readers_max)
            .acquire_timeout(settings.unavailable_after)
            .connect_with(options.clone())
            .await
            .map_err(failure::of_reading)?;
        let replayers = PgPoolOptions::new()
            .max_connections(settings.replayers_max)
            .connect_lazy_with(options.clone());
        partition::extend(&readers, &settings, 0).await?;
        let head = rows::head(&readers).await?;
        let (requests, inbox) = mpsc::channel(settings.queue_max);
        let journal = Self {
            requests,
            room: Semaphore::new(settings.queue_bytes_max),
            tail: Arc::new(Tail::new(head, &settings)),
            readers,
            replayers,
            settings: Arc::new(settings),
            instruments: Instruments::new(),
            closing: CancellationToken::new(),
            closed: CancellationToken::new(),
            tasks: Mutex::default(),
        };
        journal.start(inbox, options, folds);
        Ok(journal)
    }

    fn start(
        &self,
        inbox: mpsc::Receiver<Request>,
        options: PgConnectOptions,
        folds: Vec<Arc<dyn InlineFold>>,
    ) {
        let Self { tail, readers, settings, .. } = self;
        let mut appender = JoinSet::new();
        appender.spawn(
            Appender::new(inbox, &options, folds, (settings, tail), readers.clone())
                .run(self.closing.clone()),
        );
        let follow = tailer::follow(tail.clone(), readers.clone(), settings.clone());
        let listen = tailer::listen(tail.clone(), options.clone());
        let notify = notifier::notify(tail.clone(), options, settings.clone());
        let extend = partition::make_in_time(tail.head(), readers.clone(), settings.clone());
        let tasks: [BoxFuture<'static, ()>; 4] =
            [follow.boxed(), listen.boxed(), notify.boxed(), extend.boxed()];
        let rest = tasks.map(|it| self.closed.clone().run_until_cancelled_owned(it).map(drop));
        *self.lock_tasks() = Some(Tasks { appender, rest: rest.into_iter().collect() });
    }

    /// Takes no more appends, finishes those that it has taken, and lets go of
    /// the database.
    pub async fn close(&self) {
        self.closing.cancel();
        let tasks = self.lock_tasks().take();
        if let Some(Tasks { mut appender, mut rest }) = tasks {
            while appender.join_next().await.is_some() {}
            self.closed.cancel();
            while rest.join_next().await.is_some() {}
        }
        self.readers.close().await;
        self.replayers.close().await;
    }

    /// Forgets idempotency keys that are older than `before`, of appends that
    /// stand no later than `up_to`, at most `limit` of them: what is repeated
    /// after that is written again. Gives how many they were.
    pub async fn forget_keys(
        &self,
        before: DateTime<Utc>,
        up_to: u64,
        limit: u32,
    ) -> Result<u64, JournalError> {
        keys::forget(&self.readers, before, up_to, limit).await
    }

    fn lock_tasks(&self) -> MutexGuard<'_, Option<Tasks>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, append: Append) -> Result<Appended, AppendError> {
        append.check()?;
        if self.closing.is_cancelled() {
            return Err(failure::unavailable("the journal is closed").into());
        }
        let (answer, answered) = oneshot::channel();
        let request = Request::new(append, answer);
        let bytes = u32::try_from(request.bytes).unwrap_or(u32::MAX);
        let queued = async {
            // Given back with the answer.
            let room = self.room.acquire_many(bytes).await.ok()?;
            self.requests.send(request).await.ok()?;
            Some(room)
        };
        let Ok(queued) = timeout(self.settings.unavailable_after, queued).await else {
            return Err(failure::unavailable("too many appends are waiting").into());
        };
        let Some(_room) = queued else {
            return Err(failure::unavailable("the journal is closed").into());
        };
        answered.await.unwrap_or_else(|gone| Err(AppendError::Unknown(gone.into())))
    }
}

#[async_trait]
impl Journal for PostgresJournal {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let begun = Instant::now();
        let outcome = self.send(append).await;
        self.instruments.answered(begun.elapsed(), &outcome);
        outcome
    }

    async fn outcome(&self, scope: &str, key: &str) -> Result<Option<Outcome>, JournalError> {
        rows::outcome(&self.readers, scope, key).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, JournalError> {
        let bytes_max = self.settings.read_bytes_max;
        rows::of_stream(&self.readers, stream, after_version, limit, bytes_max).await
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Arc<Recorded>>, JournalError> {
        if let Some(recent) = self.tail.read(after, limit) {
            return Ok(recent);
        }
        let events = rows::after(&self.readers, after, limit, self.settings.read_bytes_max).await?;
        Ok(events.into_iter().map(Arc::new).collect())
    }

    fn replay(&self, after: u64) -> BoxStream<'static, Result<Recorded, JournalError>> {
        rows::replay(self.replayers.clone(), after, self.settings.replay_window)
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.tail.head()
    }
}
