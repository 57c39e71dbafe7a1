//! What one may ask of Greffe, have done by it, and be told of. One module per noun, merged here.
//!
//! Resolvers translate: rules are in the domain, questions in the projections. Who may use a root
//! field stands in its description, and is enforced by [`access`]; what is inside it is for the
//! same people unless it says otherwise.

mod access;
mod account;
mod artifact;
mod asking;
mod budget;
mod change;
mod client;
mod crawl;
mod digest;
mod event;
mod fault;
mod filter;
mod follower;
mod job;
mod jobs;
mod journal;
mod land;
mod live;
mod loaders;
mod log;
mod node;
mod page;
mod people;
mod paging;
mod position;
mod report;
mod scalar;
mod service;
mod session;
mod statistics;
mod steering;
mod task;
mod timeline;
mod transfer;
mod user;
mod user_error;
mod worker;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use artifacts::Artifacts;
use async_graphql::{Context, MergedObject, SDLExportOptions, SchemaBuilder, ValidationMode};
use budget::Budgeted;
use commands::{Commands, Ids};

use crate::{accounts::Endings, caller_address::CallerAddress};
use identity::Identity;
use projections::{Reader, checkpoint::Checkpoints, feed::Feed};

/// What resolvers turn to: the two sides of the system, and what is kept beside them.
#[derive(Clone)]
pub struct Sides {
    /// Carries out what is asked for.
    pub commands: Commands,
    /// Answers questions.
    pub reader: Reader,
    /// Tells how far the answers have come.
    pub checkpoints: Checkpoints,
    /// Tells what happens.
    pub feed: Arc<Feed>,
    /// Knows the people.
    pub identity: Identity,
    /// Keeps the files.
    pub artifacts: Artifacts,
    /// Tells those who came in that they are out.
    pub endings: Endings,
    /// Makes identities for what is created.
    pub ids: Ids,
}

/// The whole schema.
pub(crate) type Schema = async_graphql::Schema<Query, Mutation, live::Subscription>;

/// What one may ask.
#[derive(Default, MergedObject)]
pub(crate) struct Query(
    client::ClientQueries,
    people::PeopleQueries,
    event::EventQueries,
    jobs::JobQueries,
    journal::JournalQueries,
    land::LandQueries,
    page::LinkQueries,
    page::PageQueries,
    node::NodeQueries,
    service::ServiceQueries,
    statistics::StatisticsQueries,
    user::UserQueries,
    worker::WorkerQueries,
);

/// What one may have done. What the rules turn down is told in `userErrors`, and has changed
/// nothing.
#[derive(Default, MergedObject)]
pub(crate) struct Mutation(
    account::AccountMutations,
    client::ClientMutations,
    people::PeopleMutations,
    crawl::CrawlMutations,
    land::LandMutations,
    report::ReportMutations,
    session::SessionMutations,
    steering::SteeringMutations,
    task::TaskMutations,
    transfer::TransferMutations,
);

/// How many fields an answer may have, lists counted in full.
const COMPLEXITY_MAX: usize = 20_000;

/// How deep fields may stand inside fields.
const DEPTH_MAX: usize = 15;

/// What answers, for these sides. Documents must have been validated before it sees them.
pub(crate) fn executor(sides: Sides) -> Budgeted<Schema> {
    Budgeted(builder().data(loaders::gathering(&sides)).data(sides).finish())
}

fn builder() -> SchemaBuilder<Query, Mutation, live::Subscription> {
    async_graphql::Schema::build(Query::default(), Mutation::default(), live::Subscription)
        .limit_complexity(COMPLEXITY_MAX)
        .limit_depth(DEPTH_MAX)
        .validation_mode(ValidationMode::Fast)
        .disable_suggestions()
}

/// The schema as text: the contract that clients are made from.
pub(crate) fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by();
    builder().finish().sdl_with_options(options)
}

fn sides<'a>(ctx: &Context<'a>) -> &'a Sides {
    ctx.data_unchecked()
}

/// The accounts, for a request that comes from where this one does: guesses are counted by it.
fn identity(ctx: &Context<'_>) -> Identity {
    let address = ctx.data_opt::<CallerAddress>().map(|it| it.0);
    sides(ctx).identity.from_address(address)
}
