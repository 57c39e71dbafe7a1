//! Which counts somebody wants to see.

use async_graphql::{Enum, ID, InputObject};
use chrono::TimeDelta;
use domain::{Timestamp, UserId, service::ServiceName};
use projections::{Viewer, job_statistics};

use super::{ROWS_MAX, Statistics};
use crate::graphql::{
    Sides,
    fault::{Fault, Result},
    job::{JobKind, JobState},
    scalar::DateTime,
};

/// How much is told hour by hour at most.
const BY_HOUR_MAX: TimeDelta = TimeDelta::days(31);

/// How long ago one looks, if one does not say.
const USUAL: TimeDelta = TimeDelta::days(1);

/// By what to tell jobs apart.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(in crate::graphql) enum StatisticsBy {
    /// By the hour in which something happened to them.
    Hour,
    /// By kind.
    Kind,
    /// By service.
    Service,
    /// By the state that they came to be in.
    State,
}

/// Which jobs to count. What is not said does not matter; of several values, any will do.
#[derive(Clone, Default, InputObject)]
pub(in crate::graphql) struct StatisticsFilter {
    /// Of these kinds.
    kinds: Option<Vec<JobKind>>,
    /// Of these services.
    services: Option<Vec<String>>,
    /// As they came to be in these states, or are in them now.
    states: Option<Vec<JobState>>,
    /// Of this owner.
    owner: Option<ID>,
}

/// Which counts somebody wants to see.
pub(in crate::graphql) struct Wanted {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    by: job_statistics::By,
    pub(super) filter: job_statistics::StatisticsFilter,
    pub(super) eyes: Viewer,
}

impl Wanted {
    pub(in crate::graphql) fn try_new(
        (from, to): (Option<DateTime>, Option<DateTime>),
        by: &[StatisticsBy],
        filter: Option<StatisticsFilter>,
        eyes: Viewer,
    ) -> Result<Self> {
        let by = job_statistics::By {
            hour: by.contains(&StatisticsBy::Hour),
            kind: by.contains(&StatisticsBy::Kind),
            service: by.contains(&StatisticsBy::Service),
            state: by.contains(&StatisticsBy::State),
        };
        let (from, to) = (from.map(|it| it.0), to.map(|it| it.0));
        Ok(Self { from, to, by, filter: filter.unwrap_or_default().try_into()?, eyes })
    }

    /// The hours that are wanted now.
    fn window(&self, now: Timestamp) -> Result<job_statistics::Window> {
        let to = self.to.unwrap_or(now);
        let from = self.from.unwrap_or_else(|| to - USUAL);
        if to <= from {
            return Err(Fault::bad_input("from", "earlier than `to`"));
        }
        if self.by.hour && BY_HOUR_MAX < to - from {
            return Err(Fault::bad_input("from", "by `HOUR`, no more than 31 days before `to`"));
        }
        Ok(job_statistics::Window::new(from, to))
    }

    /// The counts, as they are now.
    pub(super) async fn read(&self, sides: &Sides) -> Result<Statistics> {
        let now = sides.commands.now();
        let window = self.window(now)?;
        let most = (self.eyes, ROWS_MAX);
        let answer = sides.reader.statistics(window, self.by, &self.filter, most).await?;
        Ok(Statistics { answer, window, now })
    }
}

impl TryFrom<StatisticsFilter> for job_statistics::StatisticsFilter {
    type Error = Fault;

    fn try_from(it: StatisticsFilter) -> Result<Self> {
        let service = |name: String| {
            name.parse::<ServiceName>().map_err(|it| Fault::bad_input("filter", it.to_string()))
        };
        let owner = it.owner.map(|id| id.parse::<UserId>());
        Ok(Self {
            kinds: it.kinds.map(|it| it.into_iter().map(Into::into).collect()),
            services: it.services.map(|it| it.into_iter().map(service).collect()).transpose()?,
            states: it.states.map(|it| it.into_iter().map(Into::into).collect()),
            owner: owner
                .transpose()
                .map_err(|_| Fault::bad_input("filter", "`owner` is a UUID"))?,
        })
    }
}
