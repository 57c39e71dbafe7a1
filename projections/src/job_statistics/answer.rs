//! What one may ask of the counts, and what the answer looks like.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use domain::{
    Timestamp, UserId,
    job::{JobKind, JobState},
    service::ServiceName,
};

use super::{Spread, standing::hour};

/// From when to when: whole hours, those that are touched included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    from: Timestamp,
    to: Timestamp,
}

impl Window {
    /// All hours that have an instant between `from` and `to`, which itself is
    /// not included.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        let end = hour(to);
        let to = if end < to { end + TimeDelta::hours(1) } else { end };
        Self { from: hour(from), to }
    }

    /// When the first hour begins.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// When the last hour ends.
    pub fn to(&self) -> Timestamp {
        self.to
    }

    /// The hours, by their beginnings.
    pub fn hours(self) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(Some(self.from), |it| Some(*it + TimeDelta::hours(1)))
            .take_while(move |it| *it < self.to)
    }
}

/// By what to tell jobs apart; all are taken together if by nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each may be said without the others")]
pub struct By {
    /// By the hour in which it happened.
    pub hour: bool,
    /// By kind.
    pub kind: bool,
    /// By service.
    pub service: bool,
    /// By the state that jobs came to be in.
    pub state: bool,
}

/// Which jobs to count. What is not said does not matter; of several values,
/// any will do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatisticsFilter {
    /// Of these kinds.
    pub kinds: Option<Vec<JobKind>>,
    /// Of these services.
    pub services: Option<Vec<ServiceName>>,
    /// That came to be, or are, in these states.
    pub states: Option<Vec<JobState>>,
    /// Of this owner.
    pub owner: Option<UserId>,
}

/// What a count is of; `None` where it is of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) hour: Option<Timestamp>,
    pub(super) kind: Option<&'static str>,
    pub(super) service: Option<ServiceName>,
    pub(super) state: Option<JobState>,
}

/// How many jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Were created.
    pub created: u64,
    /// Came to be in a state, each as often as it did.
    pub entered: u64,
    /// Ended.
    pub ended: u64,
    /// Succeeded, though some of their items failed.
    pub with_errors: u64,
}

/// What happened to the jobs of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) counted: Counted,
    pub(super) waiting: Spread,
    pub(super) running: Spread,
}

/// What happened, by group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// When the hour began.
    pub hour: Option<Timestamp>,
    /// Which kind.
    pub kind: Option<JobKind>,
    /// Which service.
    pub service: Option<ServiceName>,
    /// The state that jobs came to be in.
    pub state: Option<JobState>,
    /// How many.
    pub counted: Counted,
    /// How long those that ended had been queued.
    pub waiting: Spread,
    /// How long those that ended had been held.
    pub running: Spread,
}

/// How many jobs are in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// Which kind.
    pub kind: Option<JobKind>,
    /// Which service.
    pub service: Option<ServiceName>,
    /// Which state.
    pub state: JobState,
    /// How many.
    pub jobs: u64,
}

/// The answer, as of one position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    pub(super) window: Window,
    pub(super) by: By,
    /// Those that were asked for, in the order of a life.
    pub(super) states: Vec<JobState>,
    pub(super) told: BTreeMap<Group, Told>,
    pub(super) current: BTreeMap<Group, u64>,
    /// What the counts have taken in.
    pub position: u64,
}

impl Statistics {
    /// How many rows there are, with those of zero.
    pub fn size(&self) -> usize {
        let hours = if self.by.hour { self.window.hours().count() } else { 1 };
        let states = if self.by.state { self.states.len() } else { 1 };
        hours * states * self.subjects(self.told.keys()).len()
    }

    /// What happened in the window, by hour, kind, service and state. Where
    /// nothing happened, zero is said.
    pub fn rows(&self) -> Vec<Row> {
        let hours: Vec<Option<Timestamp>> =
            if self.by.hour { self.window.hours().map(Some).collect() } else { vec![None] };
        let states: Vec<Option<JobState>> = if self.by.state {
            self.states.iter().copied().map(Some).collect()
        } else {
            vec![None]
        };
        let subjects = self.subjects(self.told.keys());
        let mut rows = Vec::new();
        for hour in hours {
            for (kind, service) in &subjects {
                for state in &states {
                    let (kind, service, state) = (*kind, service.clone(), *state);
                    let group = Group { hour, kind, service, state };
                    rows.push(row(self.told.get(&group), group));
                }
            }
        }
        rows
    }

    /// How many jobs are in each state, by kind and service if those are told
    /// apart. Where there are none, zero is said.
    pub fn current(&self) -> Vec<Current> {
        let mut all = Vec::new();
        for (kind, service) in self.subjects(self.current.keys()) {
            for state in self.states.iter().copied() {
                let (service, hour) = (service.clone(), None);
                let group = Group { hour, kind, service, state: Some(state) };
                let jobs = self.current.get(&group).copied().unwrap_or_default();
                all.push(Current {
                    kind: kind.and_then(JobKind::parse),
                    service: group.service,
                    state,
                    jobs,
                });
            }
        }
        all
    }

    /// The kinds and services that there is anything to tell of.
    fn subjects<'a>(
        &self,
        groups: impl Iterator<Item = &'a Group>,
    ) -> BTreeSet<(Option<&'static str>, Option<ServiceName>)> {
        if !self.by.kind && !self.by.service {
            return BTreeSet::from([(None, None)]);
        }
        groups.map(|it| (it.kind, it.service.clone())).collect()
    }
}

fn row(told: Option<&Told>, group: Group) -> Row {
    let Told { counted, waiting, running } = told.cloned().unwrap_or_default();
    Row {
        hour: group.hour,
        kind: group.kind.and_then(JobKind::parse),
        service: group.service,
        state: group.state,
        counted,
        waiting,
        running,
    }
}
