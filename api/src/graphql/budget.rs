//! What one answer may cost.
//!
//! The executor prices a document before it runs, but takes every list inside an interface for a
//! single item, and knows nothing of how long a text is. So the lists of jobs, those inside of
//! jobs, and what may be long are paid for here, as they are read.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_graphql::{Context, Data, Executor, Request, Response};
use futures::{StreamExt, stream::BoxStream};
use tokio::sync::Mutex;

use super::fault::{Fault, Result};

/// How many items the lists of one answer may have.
pub(super) const ITEMS_MAX: u32 = 20_000;

/// The same for an answer that can be given in parts: so many are under way at a time that each is
/// to be small.
const PART_MAX: u32 = ITEMS_MAX / 10;

/// What a list costs besides its items: it is a question to the database.
const QUESTION: u64 = 20;

/// How many bytes of what may be long cost as much as an item: one text may be as long as ten
/// thousand others.
const BYTES_PER_ITEM: u64 = 4_096;

/// What is left to be spent on one answer.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    left: AtomicU64,
    /// Whether more was asked for than was left.
    exceeded: AtomicBool,
    /// Whether the answer can be given in parts.
    divisible: AtomicBool,
    /// Held by who reads before it is known what that costs.
    reading: Mutex<()>,
}

impl Budget {
    fn full() -> Self {
        Self(Arc::new(Inner {
            left: AtomicU64::new(ITEMS_MAX.into()),
            exceeded: AtomicBool::new(false),
            divisible: AtomicBool::new(false),
            reading: Mutex::new(()),
        }))
    }

    /// That of the operation that is executed; a full one outside of any.
    pub(super) fn of(ctx: &Context<'_>) -> Self {
        ctx.data_opt::<Self>().cloned().unwrap_or_else(Self::full)
    }

    /// Each answer of a subscription may cost as much.
    pub(super) fn refill(&self) {
        self.fill(ITEMS_MAX, false);
    }

    /// The same for one that tells so many things. More than one can be told one after the other.
    pub(super) fn refill_for(&self, things: usize) {
        let divisible = 1 < things;
        self.fill(if divisible { PART_MAX } else { ITEMS_MAX }, divisible);
    }

    fn fill(&self, items: u32, divisible: bool) {
        self.0.left.store(items.into(), Ordering::Relaxed);
        self.0.exceeded.store(false, Ordering::Relaxed);
        self.0.divisible.store(divisible, Ordering::Relaxed);
    }

    /// Whether the last answer cost too much, and must be given in smaller parts.
    pub(super) fn wants_parts(&self) -> bool {
        let Inner { exceeded, divisible, .. } = &*self.0;
        exceeded.load(Ordering::Relaxed) && divisible.load(Ordering::Relaxed)
    }

    /// Pays for a list of `items`.
    pub(super) fn spend_on(&self, items: u32) -> Result<()> {
        self.spend(QUESTION + u64::from(items))
    }

    fn spend(&self, cost: u64) -> Result<()> {
        let Inner { left, exceeded, .. } = &*self.0;
        let spent =
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(cost));
        spent.map(drop).map_err(|_| {
            exceeded.store(true, Ordering::Relaxed);
            Fault::TooExpensive { limit: ITEMS_MAX.into() }
        })
    }
}

/// Pays for a list of up to `items`; refused if the rest of the answer has cost too much already.
pub(super) fn spend(ctx: &Context<'_>, items: u32) -> Result<()> {
    Budget::of(ctx).spend_on(items)
}

/// Pays for what is so long.
pub(super) fn spend_bytes(ctx: &Context<'_>, bytes: u64) -> Result<()> {
    Budget::of(ctx).spend(bytes / BYTES_PER_ITEM)
}

/// Reads what is as long as one knows only then, and pays for it. In one answer, one thing after
/// the other: no more than one is in memory that is not paid for.
pub(super) async fn spend_on_read<T>(
    ctx: &Context<'_>,
    read: impl Future<Output = Result<T>>,
    bytes: impl FnOnce(&T) -> u64,
) -> Result<T> {
    let budget = Budget::of(ctx);
    let _alone = budget.0.reading.lock().await;
    if budget.0.exceeded.load(Ordering::Relaxed) {
        return Err(Fault::TooExpensive { limit: ITEMS_MAX.into() });
    }
    let read = read.await?;
    budget.spend(bytes(&read) / BYTES_PER_ITEM)?;
    Ok(read)
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
        let budget = Budget::full();
        let answers = self.0.execute_stream(request.data(budget.clone()), session);
        // What cost too much as a whole is told in parts instead.
        answers.filter(move |_| ready(!budget.wants_parts())).boxed()
    }
}
