//! Which jobs one wants to see.

use async_graphql::{Enum, ID, InputObject};
use domain::{LandId, UserId, service::ServiceName};

use super::{
    fault::{Fault, Result},
    job::{JobKind, JobState},
    scalar::DateTime,
};

/// Which jobs one wants to see. What is not said does not matter; of several values, any will do.
#[derive(Clone, Default, InputObject)]
pub(super) struct JobFilter {
    /// Of these kinds.
    kinds: Option<Vec<JobKind>>,
    /// Of these services.
    services: Option<Vec<String>>,
    /// In these states.
    states: Option<Vec<JobState>>,
    /// Of this owner.
    owner: Option<ID>,
    /// Crawls of this land.
    land_id: Option<ID>,
    /// Created then or later.
    created_from: Option<DateTime>,
    /// Created earlier than that.
    created_before: Option<DateTime>,
    /// Those with failed items, if true; those without, if false.
    with_errors: Option<bool>,
    /// Those that are paused, if true; those that are not, if false.
    paused: Option<bool>,
}

/// In which order one wants to see jobs.
#[derive(Clone, Copy, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "projections::job_list::JobOrder")]
pub(super) enum JobOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// Those first to which something happened last.
    LastChanged,
}

impl TryFrom<JobFilter> for projections::job_list::JobFilter {
    type Error = Fault;

    fn try_from(it: JobFilter) -> Result<Self> {
        let service = |name: String| {
            name.parse::<ServiceName>().map_err(|it| Fault::bad_input("filter", it.to_string()))
        };
        let owner = it.owner.map(|id| id.parse::<UserId>());
        let land = it.land_id.map(|id| id.parse::<LandId>()).transpose();
        Ok(Self {
            kinds: it.kinds.map(|it| it.into_iter().map(Into::into).collect()),
            services: it.services.map(|it| it.into_iter().map(service).collect()).transpose()?,
            states: it.states.map(|it| it.into_iter().map(Into::into).collect()),
            owner: owner
                .transpose()
                .map_err(|_| Fault::bad_input("filter", "`owner` is a UUID"))?,
            land: land.map_err(|_| Fault::bad_input("filter", "`landId` is a UUID"))?,
            created_from: it.created_from.map(|it| it.0),
            created_before: it.created_before.map(|it| it.0),
            with_errors: it.with_errors,
            paused: it.paused,
        })
    }
}
