//! Lands: research projects whose web pages are crawled.

mod changing;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{LandId, UserId};
use projections::{
    Projection, Viewer,
    job_list::JobFilter,
    land::{self, LandRow, Lands},
};

use super::{
    access, budget,
    fault::{Fault, Result},
    filter::JobOrder,
    jobs::{self, JobConnection},
    paging::{Page, PageInfo, count, limit, opened, sealed},
    position,
    scalar::{DateTime, Long, Position},
    sides,
    user::User,
};
pub(super) use changing::LandMutations;

/// What cursors of lands begin with.
const CURSOR: char = 'l';

/// A land, whose row was found through a question that takes a viewer.
#[derive(Clone)]
pub(super) struct Land(LandRow);

/// A research project: what its crawls have in common. Those see it who may see its owner's.
#[Object]
impl Land {
    /// Names it everywhere; a UUID.
    pub(super) async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    /// Whose it is.
    async fn owner(&self) -> User {
        User::new(self.0.owner)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.sketch.name
    }

    /// What is said about it.
    async fn description(&self) -> &str {
        &self.0.sketch.description
    }

    /// The languages that its terms are in, as two letters.
    async fn languages(&self) -> &[String] {
        &self.0.sketch.languages
    }

    /// The words and phrases that make a page relevant.
    async fn terms(&self) -> &[String] {
        &self.0.sketch.terms
    }

    /// Where its crawls start.
    async fn start_urls(&self) -> &[String] {
        &self.0.sketch.start_urls
    }

    /// How many crawls were asked for.
    async fn crawl_count(&self) -> Long {
        Long(self.0.crawls)
    }

    /// Those of its crawls that you may see, the newest first.
    #[graphql(complexity = "count(first, None) * child_complexity + 1")]
    async fn crawls(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 50, or up to 100.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "Wait up to 2 s until this is to be seen; else `POSITION_NOT_REACHED`.")]
        at_least: Option<Position>,
    ) -> Result<JobConnection> {
        let filter = JobFilter { land: Some(self.0.id), ..JobFilter::default() };
        let part = Page { first, after, last: None, before: None };
        jobs::list(ctx, filter, JobOrder::Newest, part, at_least).await
    }

    /// When the last crawl was asked for.
    async fn crawled_at(&self) -> Option<DateTime> {
        self.0.crawled_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When anything last happened to it.
    async fn changed_at(&self) -> DateTime {
        DateTime(self.0.changed_at)
    }

    /// How many events it consists of: of two views of it, the higher is newer.
    async fn version(&self) -> Long {
        Long(self.0.version)
    }

    /// Where the last of its events stands in the journal.
    async fn position(&self) -> Position {
        Position(self.0.changed_position)
    }
}

impl From<LandRow> for Land {
    fn from(row: LandRow) -> Self {
        Self(row)
    }
}

/// Which lands one wants to see. What is not said does not matter.
#[derive(Clone, Default, InputObject)]
pub(super) struct LandFilter {
    /// Of this owner.
    owner: Option<ID>,
    /// With this in the name or the description, in whatever case.
    text: Option<String>,
}

/// In which order one wants to see lands.
#[derive(Clone, Copy, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "projections::land::LandOrder")]
pub(super) enum LandOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// By name.
    Name,
}

impl TryFrom<LandFilter> for land::LandFilter {
    type Error = Fault;

    fn try_from(it: LandFilter) -> Result<Self> {
        let owner = it.owner.map(|id| id.parse::<UserId>()).transpose();
        let owner = owner.map_err(|_| Fault::bad_input("filter", "`owner` is a UUID"))?;
        Ok(Self { owner, text: it.text })
    }
}

/// A page of a list of lands.
pub(super) struct LandConnection {
    filter: land::LandFilter,
    eyes: Viewer,
    list: land::LandList,
    after: bool,
}

/// A land in a list.
#[derive(SimpleObject)]
pub(super) struct LandEdge {
    /// To be sent back as `after`.
    cursor: String,
    /// The land.
    node: Land,
}

/// A page of a list of lands.
#[Object]
impl LandConnection {
    /// The lands, each with its cursor.
    async fn edges(&self) -> Vec<LandEdge> {
        let edge = |row: &LandRow| LandEdge { cursor: cursor(row), node: row.clone().into() };
        self.list.rows.iter().map(edge).collect()
    }

    /// The lands, for those who need no cursors.
    async fn nodes(&self) -> Vec<Land> {
        self.list.rows.iter().cloned().map(Land::from).collect()
    }

    /// Where this page stands among the others.
    async fn page_info(&self) -> PageInfo {
        PageInfo::forwards(&self.list.rows, cursor, (self.after, self.list.more))
    }

    /// How many lands there are on all pages together. Counted when asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Long> {
        Ok(Long(sides(ctx).reader.count_lands(&self.filter, self.eyes).await?))
    }
}

fn cursor(row: &LandRow) -> String {
    sealed(CURSOR, row.created_position)
}

/// Questions about lands.
#[derive(Default)]
pub(super) struct LandQueries;

#[Object]
impl LandQueries {
    /// A land; null if there is none that you may see. For those who have signed in.
    async fn land(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id; a UUID.")] id: ID,
        #[graphql(desc = "Wait up to 2 s until this is to be seen; else `POSITION_NOT_REACHED`.")]
        at_least: Option<Position>,
    ) -> Result<Option<Land>> {
        let user = access::signed_in(ctx)?;
        let sides = sides(ctx);
        position::at_least_in(sides, Lands::TABLES, at_least).await?;
        // What is no UUID is the id of no land.
        let Ok(id) = id.parse::<LandId>() else { return Ok(None) };
        Ok(sides.reader.land(id, user.eyes()).await?.map(Land::from))
    }

    /// The lands that you may see. For those who have signed in.
    #[graphql(complexity = "count(first, None) * child_complexity + 1")]
    #[expect(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn lands(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only some of them.")] filter: Option<LandFilter>,
        #[graphql(desc = "In which order; the newest first, if it is not said.")] order_by: Option<
            LandOrder,
        >,
        #[graphql(desc = "How many at most: 50, or up to 100.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "Wait up to 2 s until this is to be seen; else `POSITION_NOT_REACHED`.")]
        at_least: Option<Position>,
    ) -> Result<LandConnection> {
        let eyes = access::signed_in(ctx)?.eyes();
        let sides = sides(ctx);
        let filter: land::LandFilter = filter.unwrap_or_default().try_into()?;
        let after = after.as_deref().map(|it| opened("after", CURSOR, it)).transpose()?;
        let paging = land::LandPaging { limit: limit("first", first)?, after };
        budget::spend(ctx, paging.limit)?;
        position::at_least_in(sides, Lands::TABLES, at_least).await?;
        let order = order_by.unwrap_or_default().into();
        let list = sides.reader.lands(&filter, order, paging, eyes).await?;
        Ok(LandConnection { filter, eyes, list, after: after.is_some() })
    }
}
