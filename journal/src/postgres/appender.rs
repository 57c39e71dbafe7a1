//! The one of each process who writes: it takes whatever has arrived, writes
//! it as one batch, and answers each. What arrives meanwhile is the next batch,
//! so that batches grow with load and nobody waits for company.
//!
//! One append never fails another: a batch that the database will not write is
//! halved until the culprit is alone.

use std::{io, sync::Arc};

use sqlx::{PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::{sync::mpsc, task, time};
use tokio_util::sync::CancellationToken;

use crate::postgres::{
    Settings, answer, contest,
    failure::{self, Failure},
    fold::{self, InlineFold},
    instruments::Instruments,
    link::{self, Link},
    partition,
    plan::{self, Plan, Verdict},
    request::Request,
    statement::{Statements, Written},
    tail::Tail,
};

pub(super) struct Appender {
    inbox: mpsc::Receiver<Request>,
    /// Taken from the inbox, but too much for the batch before.
    waiting: Vec<Request>,
    link: Link,
    writer: Writer,
    settings: Arc<Settings>,
    tail: Arc<Tail>,
    pool: PgPool,
    instruments: Instruments,
}

/// What it takes to write a batch, beside a connection.
struct Writer {
    statements: Statements,
    folds: Vec<Arc<dyn InlineFold>>,
}

impl Appender {
    pub(super) fn new(
        inbox: mpsc::Receiver<Request>,
        options: &PgConnectOptions,
        folds: Vec<Arc<dyn InlineFold>>,
        (settings, tail): (&Arc<Settings>, &Arc<Tail>),
        pool: PgPool,
    ) -> Self {
        let options = link::for_appends(options, settings);
        Self {
            inbox,
            waiting: Vec::new(),
            link: Link::new(options, settings.unavailable_after),
            writer: Writer { statements: Statements::default(), folds },
            settings: Arc::clone(settings),
            tail: Arc::clone(tail),
            pool,
            instruments: Instruments::new(),
        }
    }

    /// Until it is told to close, and has finished what it had taken by then.
    pub(super) async fn run(mut self, closing: CancellationToken) {
        while let Some(batch) = self.next_batch(&closing).await {
            self.write(batch).await;
        }
        self.link.close().await;
    }

    async fn next_batch(&mut self, closing: &CancellationToken) -> Option<Vec<Request>> {
        if self.waiting.is_empty() {
            let room = self.settings.batch_max;
            tokio::select! {
                biased;
                _ = self.inbox.recv_many(&mut self.waiting, room) => {}
                () = closing.cancelled(), if !self.inbox.is_closed() => {
                    self.inbox.close();
                    self.inbox.recv_many(&mut self.waiting, room).await;
                }
            }
        }
        self.let_others_in().await;
        let mut bytes = 0;
        let fits = self.waiting.iter().take_while(|it| {
            bytes += it.bytes;
            bytes <= self.settings.batch_bytes_max
        });
        let fitting = fits.count().max(1).min(self.waiting.len());
        let rest = self.waiting.split_off(fitting);
        let batch = std::mem::replace(&mut self.waiting, rest);
        (!batch.is_empty()).then_some(batch)
    }

    /// Those who have just been answered are about to ask again, and come with
    /// this batch if they may run first. Nobody waits for the clock: as soon as
    /// whoever could run has run and nobody came, the batch goes.
    async fn let_others_in(&mut self) {
        loop {
            task::yield_now().await;
            let before = self.waiting.len();
            let room = self.settings.batch_max.saturating_sub(before);
            let arrived = std::iter::from_fn(|| self.inbox.try_recv().ok());
            self.waiting.extend(arrived.take(room));
            if self.waiting.len() == before {
                return;
            }
        }
    }

    async fn write(&mut self, batch: Vec<Request>) {
        let mut todo = vec![batch];
        while let Some(mut batch) = todo.pop() {
            self.reach_database(&mut batch).await;
            if batch.is_empty() {
                continue;
            }
            match self.attempt(&batch).await {
                Ok((verdicts, written)) => {
                    let events = plan::events_written(&verdicts);
                    self.instruments.batch_settled(&verdicts, events);
                    answer::deliver(batch, verdicts, written, &self.tail);
                }
                Err(Failure::Refused(_)) if 1 < batch.len() => {
                    let second = batch.split_off(batch.len() / 2);
                    todo.extend([second, batch]);
                }
                Err(failure) => self.give_up(batch, failure),
            }
        }
    }

    /// Comes back with a connection, or when nobody is left who waits for one.
    async fn reach_database(&mut self, batch: &mut Vec<Request>) {
        while self.link.get().await.is_err() {
            let patience = self.settings.unavailable_after;
            for request in batch.extract_if(.., |it| patience <= it.since.elapsed()) {
                request.answer(Err(failure::unavailable("the database is out of reach").into()));
            }
            if batch.is_empty() {
                return;
            }
        }
    }

    async fn attempt(
        &mut self,
        batch: &[Request],
    ) -> Result<(Vec<Verdict>, Option<Written>), Failure> {
        match self.attempt_once(batch).await {
            Err(Failure::NoPartition) => {
                let events = batch.iter().map(|it| it.append.events.len() as u64).sum();
                partition::extend(&self.pool, &self.settings, events)
                    .await
                    .map_err(|it| Failure::Unavailable(sqlx::Error::Protocol(it.to_string())))?;
                self.attempt_once(batch).await
            }
            other => other,
        }
    }

    async fn attempt_once(
        &mut self,
        batch: &[Request],
    ) -> Result<(Vec<Verdict>, Option<Written>), Failure> {
        let connection = self.link.get().await.map_err(Failure::Unavailable)?;
        let written = self.writer.write(connection, batch);
        time::timeout(self.settings.answer_timeout, written)
            .await
            .unwrap_or_else(|late| Err(Failure::Lost(io::Error::from(late).into())))
    }

    fn give_up(&mut self, batch: Vec<Request>, failure: Failure) {
        if failure.ends_connection() {
            self.link.lose();
        }
        let (error, answer): (_, fn(&Arc<sqlx::Error>) -> _) = match failure {
            Failure::Lost(error) => {
                tracing::warn!(%error, appends = batch.len(), "lost the database while appending");
                (error, failure::lost)
            }
            Failure::Unavailable(error) => {
                tracing::warn!(%error, appends = batch.len(), "the database does not append now");
                (error, failure::not_now)
            }
            Failure::Refused(error) => (error, failure::of_append),
            Failure::Contested | Failure::NoPartition => {
                let bug = "the database contradicts itself under the lock on the head";
                (sqlx::Error::Protocol(bug.into()), failure::of_append)
            }
        };
        let error = Arc::new(error);
        for request in batch {
            request.answer(Err(answer(&error)));
        }
    }
}

impl Writer {
    async fn write(
        &mut self,
        connection: &mut PgConnection,
        batch: &[Request],
    ) -> Result<(Vec<Verdict>, Option<Written>), Failure> {
        let Self { statements, folds } = self;
        let plan = Plan::believing(batch);
        if !plan.leaves_a_key_unasked(batch) {
            let effects = fold::effects(folds, batch, &plan);
            match statements.write(connection, batch, &plan, &effects).await {
                Ok(written) => return Ok((plan.verdicts, Some(written))),
                Err(Failure::Contested) => {}
                Err(failure) => return Err(failure),
            }
        }
        match contest::settle(connection, batch, statements, folds).await {
            Err(Failure::Contested) => {
                let bug = "a fold divides by zero, or its guard says now this, now that";
                Err(Failure::Refused(sqlx::Error::Protocol(bug.into())))
            }
            other => other,
        }
    }
}
