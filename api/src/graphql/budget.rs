//! What one answer may cost.
//!
//! The executor prices a document before it runs, but takes every list inside an interface for a
//! single item. So the lists of jobs and those inside of jobs are paid for here, as they are read.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_graphql::{Context, Data, Executor, Request, Response};
use futures::stream::BoxStream;

use super::fault::{Fault, Result};

/// How many items the lists of one answer may have.
pub(super) const ITEMS_MAX: u32 = 20_000;

/// What a list costs besides its items: it is a question to the database.
const QUESTION: u64 = 20;

/// What is left to be spent on one answer.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<AtomicU64>);

impl Budget {
    fn full() -> Self {
        Self(Arc::new(AtomicU64::new(ITEMS_MAX.into())))
    }

    /// That of the operation that is executed; a full one outside of any.
    pub(super) fn of(ctx: &Context<'_>) -> Self {
        ctx.data_opt::<Self>().cloned().unwrap_or_else(Self::full)
    }

    /// Each answer of a subscription may cost as much.
    pub(super) fn refill(&self) {
        self.0.store(ITEMS_MAX.into(), Ordering::Relaxed);
    }

    /// Pays for a list of `items`.
    pub(super) fn spend_on(&self, items: u32) -> Result<()> {
        self.spend(QUESTION + u64::from(items))
    }

    fn spend(&self, cost: u64) -> Result<()> {
        let spent =
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(cost));
        spent.map(drop).map_err(|_| Fault::TooExpensive { limit: ITEMS_MAX.into() })
    }
}

/// Pays for a list of up to `items`; refused if the rest of the answer has cost too much already.
pub(super) fn spend(ctx: &Context<'_>, items: u32) -> Result<()> {
    Budget::of(ctx).spend_on(items)
}

/// An executor that gives each operation its budget.
#[derive(Clone)]
pub(crate) struct Budgeted<E>(pub(super) E);

impl<E: Executor> Executor for Budgeted<E> {
    async fn execute(&self, request: Request) -> Response {
        self.0.execute(request.data(Budget::full())).await
    }

    fn execute_stream(
        &self,
        request: Request,
        session: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        self.0.execute_stream(request.data(Budget::full()), session)
    }
}
