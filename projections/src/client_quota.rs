//! The `client_quota` table: how much each client may ask for, and how much it
//! has. Moves in the append's own statement, like
//! [`job_ready`](crate::job_ready), and refuses the jobs that are too many:
//! whoever counts first and writes afterwards counts too few.
//!
//! What a client creates counts, by the actor of the event, also what it has
//! done again. Hours and days begin by the clock, in UTC, and every job counts
//! in the hour in which it is recorded.

mod inline;
mod questions;

use std::collections::HashMap;

use domain::{
    Timestamp,
    client::{ClientEvent, ClientKind, Quotas},
    decode::Event,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    fact::{Fact, Subject},
    schema::Tables,
};

pub use inline::InlineClientQuota;
pub use questions::Usage;

/// The tables.
pub const TABLES: Tables =
    Tables { name: "client_quota", version: 1, ddl: include_str!("client_quota.sql") };

/// What an event does to the row of a client.
enum Limits {
    /// The client is new.
    New(Quotas),
    /// It may ask for more, or for less.
    Changed(Quotas),
}

fn limits(event: &ClientEvent) -> Option<Limits> {
    match event {
        ClientEvent::ClientRegistered(it) => match it.kind {
            ClientKind::Application => Some(Limits::New(it.quotas)),
            // They create no jobs.
            ClientKind::Workers => None,
        },
        ClientEvent::ClientQuotasChanged(it) => Some(Limits::Changed(it.quotas)),
        ClientEvent::ClientChanged(_)
        | ClientEvent::SecretRotated(_)
        | ClientEvent::ClientDisabled(_) => None,
    }
}

/// What an event does to what counts, as far as its type tells.
enum Count {
    /// A job, of whoever the actor is.
    Created,
    /// It counts no more.
    Ended,
}

/// By the name alone: everybody's appends wait while a payload is read.
fn count(event_type: &str) -> Option<Count> {
    match event_type {
        "TaskCreated" | "CrawlRequested" | "ReportRequested" => Some(Count::Created),
        "TaskCompleted" | "CrawlCompleted" | "ReportCompleted" | "JobFailed" | "JobCancelled"
        | "JobExpired" => Some(Count::Ended),
        _ => None,
    }
}

/// The client that an actor is.
fn client_of(actor: &str) -> Option<Uuid> {
    actor.strip_prefix("client:")?.parse().ok()
}

/// Of one client, folded in memory.
#[derive(Debug, Default)]
struct Row {
    quotas: Quotas,
    active_jobs: i64,
    in_hour: Window,
    in_day: Window,
}

/// How many since when.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began_at: Option<Timestamp>,
    jobs: i64,
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

impl Window {
    fn count(&mut self, at: Timestamp, long: i64) {
        let seconds = at.timestamp().div_euclid(long) * long;
        let began_at = Timestamp::from_timestamp(seconds, 0);
        let jobs = if self.began_at == began_at { self.jobs + 1 } else { 1 };
        *self = Self { began_at, jobs };
    }
}

/// Both tables, folded in memory.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    clients: HashMap<Uuid, Row>,
    jobs: HashMap<Uuid, Uuid>,
}

impl Counters {
    pub(crate) fn take_in(&mut self, fact: &Fact) {
        match (&fact.subject, &fact.event) {
            (Subject::Client(client), Event::Client(event)) => match limits(event) {
                Some(Limits::New(quotas)) => {
                    self.clients.insert(client.0, Row { quotas, ..Row::default() });
                }
                Some(Limits::Changed(quotas)) => {
                    if let Some(row) = self.clients.get_mut(&client.0) {
                        row.quotas = quotas;
                    }
                }
                None => {}
            },
            (Subject::Job(job), Event::Job(_)) => match count(&fact.recorded.event_type) {
                Some(Count::Created) => self.created(job.0, fact),
                Some(Count::Ended) => self.ended(job.0),
                None => {}
            },
            _ => {}
        }
    }

    fn created(&mut self, job: Uuid, fact: &Fact) {
        let Some(client) = client_of(&fact.actor) else { return };
        let Some(row) = self.clients.get_mut(&client) else { return };
        row.active_jobs += 1;
        row.in_hour.count(fact.at(), HOUR);
        row.in_day.count(fact.at(), DAY);
        self.jobs.insert(job, client);
    }

    fn ended(&mut self, job: Uuid) {
        let client = self.jobs.remove(&job);
        if let Some(row) = client.and_then(|it| self.clients.get_mut(&it)) {
            row.active_jobs -= 1;
        }
    }

    /// Writes all rows into the empty tables.
    pub(crate) async fn store(self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        for (client, row) in self.clients {
            let Quotas { active_jobs_max, jobs_per_hour, jobs_per_day } = row.quotas;
            sqlx::query!(
                "insert into client_quota
                     (client, active_jobs_max, jobs_per_hour, jobs_per_day, active_jobs,
                      hour, jobs_in_hour, day, jobs_in_day)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                client,
                active_jobs_max.map(i64::from),
                jobs_per_hour.map(i64::from),
                jobs_per_day.map(i64::from),
                row.active_jobs,
                row.in_hour.began_at,
                row.in_hour.jobs,
                row.in_day.began_at,
                row.in_day.jobs,
            )
            .execute(&mut *db)
            .await?;
        }
        let rows: Vec<(Uuid, Uuid)> = self.jobs.into_iter().collect();
        for rows in rows.chunks(10_000) {
            let (jobs, clients): (Vec<Uuid>, Vec<Uuid>) = rows.iter().copied().unzip();
            sqlx::query!(
                "insert into client_job (job, client) select * from unnest($1::uuid[], $2::uuid[])",
                &jobs,
                &clients,
            )
            .execute(&mut *db)
            .await?;
        }
        Ok(())
    }
}
