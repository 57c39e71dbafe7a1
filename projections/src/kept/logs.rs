//! The `job_log` table: what attempts log, line by line.
//!
//! Lines are appended at an offset, never replaced. When the attempt ends, its
//! log is sealed: an event keeps count, bytes and SHA-256 of the lines as they
//! are exported, one JSON object each, each followed by a line feed.

use domain::{JobId, LeaseId, Timestamp, job::LogSeal};
use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use crate::{ReadError, Reader, signed};

/// What came of lines that a worker sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// They are kept; the next line has this offset.
    Next(u64),
    /// They do not start where the log ends: it expects this offset.
    Expected(u64),
    /// The attempt is over, and its log complete.
    Sealed,
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The lease that it was logged under.
    pub fence: u64,
    /// Its place in the log of that lease, from 0.
    pub line: u64,
    /// When it came in.
    pub logged_at: Timestamp,
    /// The line as it is exported: one JSON object.
    pub entry: String,
}

impl Reader {
    /// Adds lines to the log of an attempt, the first of them at `offset`.
    /// Lines that are there already are not added again.
    pub async fn append_log(
        &self,
        lease: LeaseId,
        offset: u64,
        entries: &[String],
    ) -> Result<Logged, ReadError> {
        let (job, fence) = (lease.job.0, signed(lease.fence));
        let mut tx = postgres::begin(&self.db).await?;
        sqlx::query!(
            "insert into job_log_head (job, fence) values ($1, $2) on conflict do nothing",
            job,
            fence
        )
        .execute(&mut *tx)
        .await?;
        let head = sqlx::query!(
            "select lines, sealed from job_log_head where job = $1 and fence = $2 for update",
            job,
            fence
        )
        .fetch_one(&mut *tx)
        .await?;
        let lines = head.lines.cast_unsigned();
        let end = offset.saturating_add(entries.len() as u64);
        if head.sealed {
            return Ok(Logged::Sealed);
        }
        if lines < offset {
            return Ok(Logged::Expected(lines));
        }
        if end <= lines {
            return Ok(Logged::Next(lines));
        }
        // The first of them may have arrived before, in an answer that was lost.
        let known = usize::try_from(lines - offset).unwrap_or(usize::MAX);
        let new = entries.get(known..).unwrap_or_default();
        let bytes: usize = new.iter().map(|it| it.len() + 1).sum();
        sqlx::query!(
            "insert into job_log (job, fence, line, logged_at, entry)
             select $1, $2, $3 + x.ordinal - 1, now(), x.entry
             from unnest($4::text[]) with ordinality as x (entry, ordinal)",
            job,
            fence,
            head.lines,
            new
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "update job_log_head set lines = $3, bytes = bytes + $4
             where job = $1 and fence = $2",
            job,
            fence,
            signed(end),
            signed(bytes as u64)
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Logged::Next(end))
    }

    /// Closes the log of an attempt, and says what is in it; `None` if nothing
    /// is. Asked again, it says the same.
    pub async fn seal_log(&self, lease: LeaseId) -> Result<Option<LogSeal>, ReadError> {
        let (job, fence) = (lease.job.0, signed(lease.fence));
        let head = sqlx::query!(
            "insert into job_log_head (job, fence, sealed) values ($1, $2, true)
             on conflict (job, fence) do update set sealed = true
             returning lines, bytes",
            job,
            fence
        )
        .fetch_one(&self.db)
        .await?;
        if head.lines == 0 {
            return Ok(None);
        }
        let mut hasher = Sha256::new();
        let mut entries = sqlx::query_scalar!(
            "select entry from job_log where job = $1 and fence = $2 order by line",
            job,
            fence
        )
        .fetch(&self.db);
        while let Some(entry) = entries.try_next().await? {
            hasher.update(entry);
            hasher.update(b"\n");
        }
        let sha256 = domain::artifact::Sha256::new(hasher.finalize().into());
        let (lines, bytes) = (head.lines.cast_unsigned(), head.bytes.cast_unsigned());
        Ok(Some(LogSeal { lines, bytes, sha256 }))
    }

    /// The lines of a job's log after a line of an attempt, oldest first.
    /// Whoever asks has found the job through a question that takes a viewer.
    pub async fn log(
        &self,
        job: JobId,
        after: Option<(u64, u64)>,
        limit: u32,
    ) -> Result<Vec<LogLine>, ReadError> {
        let (fence, line) = after.map_or((0, -1), |(fence, line)| (signed(fence), signed(line)));
        let records = sqlx::query!(
            "select fence, line, logged_at, entry from job_log
             where job = $1 and (fence, line) > ($2, $3)
             order by fence, line limit $4",
            job.0,
            fence,
            line,
            i64::from(limit)
        )
        .fetch_all(&self.db)
        .await?;
        Ok(records
            .into_iter()
            .map(|it| LogLine {
                fence: it.fence.cast_unsigned(),
                line: it.line.cast_unsigned(),
                logged_at: it.logged_at,
                entry: it.entry,
            })
            .collect())
    }
}
