//! What one asks of the quotas of clients.

use std::collections::HashMap;

use domain::{ClientId, Timestamp, client::Quotas};
use uuid::Uuid;

use crate::{ReadError, Reader};

/// How much a client may ask for, and how much it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// How much it may ask for.
    pub quotas: Quotas,
    /// How many of its jobs have not ended.
    pub active_jobs: u64,
    /// How many jobs it has created in this hour.
    pub jobs_in_hour: u64,
    /// When the next hour begins.
    pub hour_ends_at: Timestamp,
    /// How many jobs it has created today.
    pub jobs_in_day: u64,
    /// When the next day begins.
    pub day_ends_at: Timestamp,
}

impl Reader {
    /// How much of their quotas clients have used up, as of the last append.
    pub async fn usage_of_clients(
        &self,
        clients: &[ClientId],
    ) -> Result<HashMap<ClientId, Usage>, ReadError> {
        let clients: Vec<Uuid> = clients.iter().map(|it| it.0).collect();
        let rows = sqlx::query!(
            r#"select q.client, q.active_jobs_max, q.jobs_per_hour, q.jobs_per_day, q.active_jobs,
                   case when q.hour = t.hour then q.jobs_in_hour else 0 end as "jobs_in_hour!",
                   t.hour + interval '1 hour' as "hour_ends_at!",
                   case when q.day = t.day then q.jobs_in_day else 0 end as "jobs_in_day!",
                   t.day + interval '24 hours' as "day_ends_at!"
               from client_quota q, (
                   select date_trunc('hour', now(), 'UTC') as hour,
                       date_trunc('day', now(), 'UTC') as day
               ) as t
               where q.client = any($1)"#,
            &clients,
        )
        .fetch_all(&self.db)
        .await?;
        let number = |it: Option<i64>| it.and_then(|it| u32::try_from(it).ok());
        let usage = rows.into_iter().map(|it| {
            let quotas = Quotas {
                active_jobs_max: number(it.active_jobs_max),
                jobs_per_hour: number(it.jobs_per_hour),
                jobs_per_day: number(it.jobs_per_day),
            };
            let usage = Usage {
                quotas,
                active_jobs: it.active_jobs.cast_unsigned(),
                jobs_in_hour: it.jobs_in_hour.cast_unsigned(),
                hour_ends_at: it.hour_ends_at,
                jobs_in_day: it.jobs_in_day.cast_unsigned(),
                day_ends_at: it.day_ends_at,
            };
            (ClientId(it.client), usage)
        });
        Ok(usage.collect())
    }
}
