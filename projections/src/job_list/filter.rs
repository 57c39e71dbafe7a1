//! Which jobs one wants to see: the same question asked of the table and of a
//! row at hand.

use chrono::{SubsecRound, TimeDelta};
use domain::{
    LandId, Timestamp, UserId,
    job::{JobKind, JobState},
    service::ServiceName,
};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::JobRow;
use crate::Viewer;

/// Which jobs one wants to see. What is not said does not matter; of several
/// values, any will do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct JobFilter {
    /// Of these kinds.
    pub kinds: Option<Vec<JobKind>>,
    /// Of these services.
    pub services: Option<Vec<ServiceName>>,
    /// In these states.
    pub states: Option<Vec<JobState>>,
    /// Of this owner.
    pub owner: Option<UserId>,
    /// Crawls of this land.
    pub land: Option<LandId>,
    /// Created then or later.
    pub created_from: Option<Timestamp>,
    /// Created earlier.
    pub created_before: Option<Timestamp>,
    /// With errors, though they succeeded; or without.
    pub with_errors: Option<bool>,
    /// Left alone until somebody resumes them; or not.
    pub paused: Option<bool>,
}

impl JobFilter {
    /// Whether `row` is one of them, seen through the eyes of `viewer`.
    pub fn matches(&self, row: &JobRow, viewer: Viewer) -> bool {
        viewer.sees(row.owner)
            && self.kinds.as_ref().is_none_or(|it| it.contains(&row.kind))
            && self.services.as_ref().is_none_or(|it| it.contains(&row.service))
            && self.states.as_ref().is_none_or(|it| it.contains(&row.state))
            && self.owner.is_none_or(|it| it == row.owner)
            && self.land.is_none_or(|it| row.land == Some(it))
            && self.created_from.is_none_or(|it| it <= row.created_at)
            && self.created_before.is_none_or(|it| row.created_at < it)
            && self.with_errors.is_none_or(|it| it == (0 < row.errors))
            && self.paused.is_none_or(|it| it == row.paused_at.is_some())
    }

    /// Writes the same question as conditions, each after an `and`.
    pub(super) fn push(&self, query: &mut QueryBuilder<Postgres>, viewer: Viewer) {
        if let Some(owner) = viewer.owner() {
            query.push(" and owner = ").push_bind(owner);
        }
        if let Some(kinds) = &self.kinds {
            let kinds: Vec<&str> = kinds.iter().map(|it| it.as_str()).collect();
            query.push(" and kind = any(").push_bind(kinds).push(")");
        }
        if let Some(services) = &self.services {
            let services: Vec<String> = services.iter().map(ToString::to_string).collect();
            query.push(" and service = any(").push_bind(services).push(")");
        }
        if let Some(states) = &self.states {
            let states: Vec<&str> = states.iter().map(|it| it.as_str()).collect();
            query.push(" and state = any(").push_bind(states).push(")");
        }
        if let Some(UserId(owner)) = self.owner {
            let owner: Uuid = owner;
            query.push(" and owner = ").push_bind(owner);
        }
        if let Some(LandId(land)) = self.land {
            let land: Uuid = land;
            query.push(" and land = ").push_bind(land);
        }
        if let Some(from) = self.created_from {
            query.push(" and created_at >= ").push_bind(at_or_after(from));
        }
        if let Some(before) = self.created_before {
            query.push(" and created_at < ").push_bind(at_or_after(before));
        }
        if let Some(with_errors) = self.with_errors {
            query.push(" and (errors > 0) = ").push_bind(with_errors);
        }
        match self.paused {
            Some(true) => drop(query.push(" and paused_at is not null")),
            Some(false) => drop(query.push(" and paused_at is null")),
            None => {}
        }
    }
}

/// The first instant that a table can hold and that is not earlier: rows count
/// in microseconds, and whoever asks need not.
fn at_or_after(at: Timestamp) -> Timestamp {
    let whole = at.trunc_subsecs(6);
    if whole < at { whole + TimeDelta::microseconds(1) } else { whole }
}
