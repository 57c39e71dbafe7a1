//! Anything that has an id, by its id.

use async_graphql::{Context, ID, Interface, Object};
use domain::{JobId, LandId, UserId, WorkerId};
use uuid::Uuid;

use super::{
    access, budget,
    fault::{Fault, Result},
    job::{Crawl, Job, Report, Task},
    land::Land,
    loaders, sides,
    user::User,
    worker::Worker,
};

/// Anything that has an id. Ids are UUIDs, and no two things have the same.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Names it everywhere; a UUID."))]
pub(super) enum Node {
    Task(Task),
    Crawl(Crawl),
    Report(Report),
    Land(Land),
    User(User),
    Worker(Worker),
}

impl From<Job> for Node {
    fn from(job: Job) -> Self {
        match job {
            Job::Task(it) => Self::Task(it),
            Job::Crawl(it) => Self::Crawl(it),
            Job::Report(it) => Self::Report(it),
        }
    }
}

/// How many nodes one may ask for at once.
const NODES_MAX: usize = 100;

/// Questions about whatever has an id.
#[derive(Default)]
pub(super) struct NodeQueries;

#[Object]
impl NodeQueries {
    /// What has this id: a job, a land, a user or a worker; null if there is nothing that you may see. For
    /// those who have signed in.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A UUID.")] id: ID,
    ) -> Result<Option<Node>> {
        access::signed_in(ctx)?;
        find(ctx, &id).await
    }

    /// What has these ids, in their order; null for each of which there is nothing that you may
    /// see. For those who have signed in.
    #[graphql(complexity = "ids.len() * child_complexity + 1")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Up to 100 UUIDs.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        access::signed_in(ctx)?;
        if NODES_MAX < ids.len() {
            return Err(Fault::bad_input("ids", format!("at most {NODES_MAX} of them")));
        }
        budget::spend(ctx, ids.len().try_into().unwrap_or(u32::MAX))?;
        let mut nodes = Vec::new();
        for id in &ids {
            nodes.push(find(ctx, id).await?);
        }
        Ok(nodes)
    }
}

async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let viewer = access::signed_in(ctx)?;
    let Ok(id) = id.parse::<Uuid>() else { return Ok(None) };
    if let Some(row) = sides(ctx).reader.job(JobId(id), viewer.eyes()).await? {
        return Ok(Some(Job::from(row).into()));
    }
    if let Some(row) = sides(ctx).reader.land(LandId(id), viewer.eyes()).await? {
        return Ok(Some(Node::Land(row.into())));
    }
    let themselves = viewer.user.0 == id;
    if !themselves && !viewer.role.sees_all() {
        return Ok(None);
    }
    if loaders::user(ctx, UserId(id)).await?.is_some() {
        return Ok(Some(Node::User(User::new(UserId(id)))));
    }
    if !viewer.role.sees_all() {
        return Ok(None);
    }
    Ok(loaders::worker(ctx, WorkerId(id)).await?.map(Node::Worker))
}
