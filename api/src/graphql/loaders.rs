//! What is fetched for many items of an answer at once. Nothing is kept from one answer to the
//! next.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, Loader},
};
use domain::{JobId, UserId, WorkerId};
use identity::Identity;
use projections::{
    Reader,
    job_content::{ContentBytes, Outcome},
    page::PageState,
};

use super::{
    Sides,
    fault::{Fault, Result, internal},
    worker::Worker,
};

/// Fetches what is asked for by id.
pub(super) struct Fetcher {
    reader: Reader,
    identity: Identity,
}

/// A job whose pages are to be counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct CrawlId(JobId);

/// A job about whose content one asks how long it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Measured(JobId);

/// A job about which one asks what went in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Begun(JobId);

/// A job about which one asks what came out.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Done(JobId);

/// How many pages there are in each state.
type Counts = HashMap<PageState, u64>;

/// Gathers what resolvers ask for at the same time, and asks for all of it together.
pub(super) fn gathering(sides: &Sides) -> DataLoader<Fetcher> {
    let fetcher = Fetcher { reader: sides.reader.clone(), identity: sides.identity.clone() };
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever asked waits for the task, which ends by itself"
    )]
    let loader = DataLoader::new(fetcher, tokio::spawn);
    // Resolvers of one answer ask without waiting for each other; a millisecond more would gather
    // no others.
    loader.delay(Duration::ZERO)
}

pub(super) async fn content_bytes(ctx: &Context<'_>, id: JobId) -> Result<Option<ContentBytes>> {
    ctx.data_unchecked::<DataLoader<Fetcher>>().load_one(Measured(id)).await
}

pub(super) async fn input(ctx: &Context<'_>, id: JobId) -> Result<Option<Arc<str>>> {
    ctx.data_unchecked::<DataLoader<Fetcher>>().load_one(Begun(id)).await
}

pub(super) async fn outcome(ctx: &Context<'_>, id: JobId) -> Result<Option<Outcome>> {
    ctx.data_unchecked::<DataLoader<Fetcher>>().load_one(Done(id)).await
}

pub(super) async fn page_counts(ctx: &Context<'_>, id: JobId) -> Result<Option<Counts>> {
    ctx.data_unchecked::<DataLoader<Fetcher>>().load_one(CrawlId(id)).await
}

pub(super) async fn user(ctx: &Context<'_>, id: UserId) -> Result<Option<identity::User>> {
    ctx.data_unchecked::<DataLoader<Fetcher>>().load_one(id).await
}

pub(super) async fn worker(ctx: &Context<'_>, id: WorkerId) -> Result<Option<Worker>> {
    ctx.data_unchecked::<DataLoader<Fetcher>>().load_one(id).await
}

impl Loader<Measured> for Fetcher {
    type Value = ContentBytes;
    type Error = Fault;

    async fn load(&self, keys: &[Measured]) -> Result<HashMap<Measured, ContentBytes>> {
        let ids: Vec<JobId> = keys.iter().map(|it| it.0).collect();
        let bytes = self.reader.content_bytes(&ids).await.map_err(|it| internal(&it))?;
        Ok(bytes.into_iter().map(|(id, it)| (Measured(id), it)).collect())
    }
}

impl Loader<Begun> for Fetcher {
    type Value = Arc<str>;
    type Error = Fault;

    async fn load(&self, keys: &[Begun]) -> Result<HashMap<Begun, Arc<str>>> {
        let ids: Vec<JobId> = keys.iter().map(|it| it.0).collect();
        let inputs = self.reader.inputs(&ids).await.map_err(|it| internal(&it))?;
        Ok(inputs.into_iter().map(|(id, it)| (Begun(id), it)).collect())
    }
}

impl Loader<Done> for Fetcher {
    type Value = Outcome;
    type Error = Fault;

    async fn load(&self, keys: &[Done]) -> Result<HashMap<Done, Outcome>> {
        let ids: Vec<JobId> = keys.iter().map(|it| it.0).collect();
        let outcomes = self.reader.outcomes(&ids).await.map_err(|it| internal(&it))?;
        Ok(outcomes.into_iter().map(|(id, it)| (Done(id), it)).collect())
    }
}

impl Loader<CrawlId> for Fetcher {
    type Value = Counts;
    type Error = Fault;

    async fn load(&self, keys: &[CrawlId]) -> Result<HashMap<CrawlId, Counts>> {
        let ids: Vec<JobId> = keys.iter().map(|it| it.0).collect();
        let counts = self.reader.page_counts(&ids).await.map_err(|it| internal(&it))?;
        Ok(counts.into_iter().map(|(id, it)| (CrawlId(id), it)).collect())
    }
}

impl Loader<UserId> for Fetcher {
    type Value = identity::User;
    type Error = Fault;

    async fn load(&self, keys: &[UserId]) -> Result<HashMap<UserId, identity::User>> {
        let ids: Vec<uuid::Uuid> = keys.iter().map(|it| it.0).collect();
        let users = self.identity.users(&ids).await.map_err(|it| internal(&it))?;
        Ok(users.into_iter().map(|it| (UserId(it.id), it)).collect())
    }
}

impl Loader<WorkerId> for Fetcher {
    type Value = Worker;
    type Error = Fault;

    async fn load(&self, keys: &[WorkerId]) -> Result<HashMap<WorkerId, Worker>> {
        let rows = self.reader.workers_by_id(keys).await.map_err(|it| internal(&it))?;
        Ok(rows.into_iter().map(|it| (WorkerId(it.worker), it.into())).collect())
    }
}
