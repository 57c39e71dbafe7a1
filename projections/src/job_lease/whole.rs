//! The table as a rebuild makes it: folded in memory, and written at once.

use std::collections::HashMap;

use domain::{JobId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Change, Held, Rows, change};
use crate::fact::Fact;

/// The whole table, folded in memory.
#[derive(Debug, Default)]
pub(crate) struct Leases(HashMap<JobId, (Timestamp, Held)>);

impl Leases {
    pub(crate) fn take_in(&mut self, fact: &Fact) {
        let Some((job, event)) = fact.of_job() else { return };
        match change(event) {
            Some(Change::Granted(lease)) => {
                let held = Held::granted(fact.recorded.version, lease);
                self.0.insert(job, (fact.at(), held));
            }
            Some(Change::Told(told)) => {
                if let Some((at, held)) = self.0.remove(&job) {
                    self.0.insert(job, (at, held.told(told)));
                }
            }
            Some(Change::Ended) => {
                self.0.remove(&job);
            }
            None => {}
        }
    }

    /// Writes all rows into the empty table.
    pub(crate) async fn store(self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut left = self.0.into_iter().peekable();
        while left.peek().is_some() {
            let mut rows = Rows::default();
            let mut granted: Vec<Timestamp> = Vec::new();
            for (job, (at, held)) in left.by_ref().take(10_000) {
                granted.push(at);
                rows.push(job.0, held);
            }
            sqlx::query!(
                "insert into job_lease (job, fence, worker, lease_ms, run_deadline, request,
                     cancel_requested, cancel_reason, paused, pause_reason, granted_at)
                 select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[],
                     $5::timestamptz[], $6::uuid[], $7::boolean[], $8::text[], $9::boolean[],
                     $10::text[], $11::timestamptz[])",
                &rows.jobs as &[Option<Uuid>],
                &rows.fences as &[Option<i64>],
                &rows.workers as &[Option<Uuid>],
                &rows.lease_ms as &[Option<i64>],
                &rows.deadlines as &[Option<Timestamp>],
                &rows.requests as &[Option<Uuid>],
                &rows.cancel_requested as &[Option<bool>],
                &rows.cancel_reasons as &[Option<String>],
                &rows.paused as &[Option<bool>],
                &rows.pause_reasons as &[Option<String>],
                &granted
            )
            .execute(&mut *db)
            .await?;
        }
        Ok(())
    }
}
