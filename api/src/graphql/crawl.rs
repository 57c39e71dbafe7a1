//! Having web pages crawled.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use commands::{Command, Wishes};
use domain::{
    JobId, LandId, Refusal,
    job::{self, CrawlSpec},
};
use serde_json::json;

use super::{
    access,
    asking::{self, Outcome},
    fault::Result,
    job::Crawl,
    scalar::{DateTime, Position},
    sides,
    user_error::UserError,
};

/// How many links away from a seed, if it is not said.
const DEPTH: i32 = 3;

/// How many pages at most, if it is not said.
const LIMIT: i32 = 1_000;

/// Which links a crawl follows. Those of irrelevant pages it never does.
#[derive(Clone, Copy, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::job::Follow")]
pub(super) enum Follow {
    /// Those of relevant pages, wherever they lead.
    #[default]
    Relevant,
    /// Of these, those that stay on the hosts of the seeds.
    SeedHosts,
}

/// What is to be crawled, and when.
#[derive(InputObject)]
struct StartCrawlInput {
    /// The land that the pages belong to: what it holds comes before what stands here.
    land_id: Option<ID>,
    /// Where to start: up to 10,000 `http` and `https` URLs of 2 KiB each. One is needed, here or
    /// in the land.
    seeds: Option<Vec<String>>,
    /// The words and phrases that make a page relevant: up to 1,000 of 1 KiB each, each with a
    /// letter or a digit. One is needed, here or in the land.
    terms: Option<Vec<String>>,
    /// The languages that the terms are in, as two lower-case letters each: up to 100.
    languages: Option<Vec<String>>,
    /// How many links away from a seed a page may be, from 0 to 65,535: 3, if it is not said.
    depth: Option<i32>,
    /// How many pages at most, from 1: 1,000, if it is not said; up to 50,000, unless the operator
    /// says otherwise.
    limit: Option<i32>,
    /// Which links are followed: those of relevant pages, if it is not said.
    follow: Option<Follow>,
    /// Higher is leased first; from -100 to 100, and 0 if it is not said.
    priority: Option<i32>,
    /// Not before.
    not_before: Option<DateTime>,
    /// Over by then, whatever has become of it; a week from now at the latest, which is the default.
    expires_at: Option<DateTime>,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input gives the same crawl again.
    idempotency_key: Option<String>,
}

/// What asking for a crawl led to.
#[derive(SimpleObject)]
struct StartCrawlPayload {
    /// The crawl; null if there are user errors, or if it is not to be seen yet: then ask again
    /// with `position`.
    crawl: Option<Crawl>,
    /// Where in the journal it stands: queries with `atLeast` this see it. Null if there are user
    /// errors.
    position: Option<Position>,
    /// Why there is no crawl; empty if there is one.
    user_errors: Vec<UserError>,
}

/// What one may have crawled.
#[derive(Default)]
pub(super) struct CrawlMutations;

#[Object]
impl CrawlMutations {
    /// Has web pages crawled, by Greffe itself. For those who have signed in; members, operators
    /// and admins.
    async fn start_crawl(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be crawled.")] input: StartCrawlInput,
    ) -> Result<Option<StartCrawlPayload>> {
        let user = access::signed_in(ctx)?;
        let key = input.idempotency_key.clone();
        let (crawl, wishes) = match input.read() {
            Ok(read) => read,
            Err(refusal) => return Ok(Some(refused(&refusal))),
        };
        let said = json!({
            "crawl": crawl,
            "priority": wishes.priority,
            "notBefore": wishes.not_before,
            "expiresAt": wishes.expires_at,
        });
        let id = JobId((sides(ctx).ids)());
        let command = Command::StartCrawl { id, crawl, wishes };
        let asked = asking::once(ctx, user, key, &said);
        Ok(Some(match asking::execute(ctx, user, command, asked).await? {
            Outcome::Refused(refusal) => refused(&refusal),
            Outcome::Done { row, position } => StartCrawlPayload {
                crawl: row.map(Crawl::from),
                position: Some(position),
                user_errors: Vec::new(),
            },
        }))
    }
}

impl StartCrawlInput {
    fn read(self) -> std::result::Result<(CrawlSpec, Wishes), Refusal> {
        let land = self.land_id.map(|it| it.parse::<LandId>()).transpose();
        let depth = u16::try_from(self.depth.unwrap_or(DEPTH));
        let limit = u32::try_from(self.limit.unwrap_or(LIMIT));
        let priority = i16::try_from(self.priority.unwrap_or(0));
        let crawl = CrawlSpec {
            land: land.map_err(|_| Refusal::NotFound { what: "land" })?,
            seeds: self.seeds.unwrap_or_default(),
            terms: self.terms.unwrap_or_default(),
            depth: depth.map_err(|_| Refusal::invalid("depth", "between 0 and 65535"))?,
            pages_max: limit.map_err(|_| Refusal::invalid("limit", "at least 1"))?,
            languages: self.languages.unwrap_or_default(),
            follow: self.follow.unwrap_or_default().into(),
        };
        let wishes = Wishes {
            owner: None,
            priority: priority.map_err(|_| Refusal::invalid("priority", "between -100 and 100"))?,
            not_before: self.not_before.map(|it| it.0),
            expires_at: self.expires_at.map(|it| it.0),
        };
        Ok((crawl, wishes))
    }
}

/// What there is none of is the land.
fn refused(refusal: &Refusal) -> StartCrawlPayload {
    let error = UserError::from(refusal);
    let is_land = matches!(refusal, Refusal::NotFound { .. });
    let error = if is_land { error.about("landId") } else { error };
    StartCrawlPayload { crawl: None, position: None, user_errors: vec![error] }
}

/// The specification of a crawl, as it was recorded.
pub(super) fn spec(input: &str) -> Result<job::CrawlSpec> {
    serde_json::from_str(input).map_err(|error| super::fault::internal(&error))
}
