//! The table `sign_in_failure`: an end to guessing passwords.
//!
//! Ten wrong passwords under one e-mail, then no more for a quarter of an hour,
//! right or wrong; the next time for twice as long, up to a day. From one
//! address it takes more, since many may share it. Attempts are counted before
//! the password is looked at and forgotten when it is right, so that a thousand
//! guesses at once count as a thousand. Somebody who means harm can keep a
//! user from signing in by this, not end a session that user has.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::email::Email;
use crate::error::{IdentityError, Refusal};

const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// How often a door is closed for twice as long as the time before, up to a day.
const DOUBLINGS_MAX: i32 = 7;
const CLOSED_MAX: TimeDelta = TimeDelta::days(1);

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Door<'a> {
    /// Passwords under one e-mail.
    Email(&'a Email),
    /// Whatever may be guessed, from one address.
    Address(IpAddr),
    /// Letters to one e-mail.
    Letters(&'a Email),
}

impl Door<'_> {
    fn failures_max(self) -> i32 {
        match self {
            Door::Email(_) => 10,
            Door::Address(_) => 100,
            Door::Letters(_) => 3,
        }
    }

    fn key(self) -> [u8; 32] {
        match self {
            Door::Email(email) => Sha256::digest(email.as_str()).into(),
            // Colons are in no e-mail before its `@`, so no door is another's.
            Door::Address(address) => Sha256::digest(format!("address:{address}")).into(),
            Door::Letters(email) => Sha256::digest(format!("letters:{email}")).into(),
        }
    }
}

/// Counts an attempt as failed until [`clear`] says otherwise.
pub(crate) async fn count(
    db: &PgPool,
    door: Door<'_>,
    now: DateTime<Utc>,
) -> Result<(), IdentityError> {
    let max = door.failures_max();
    let row = sqlx::query!(
        r#"insert into sign_in_failure as it (email_sha256, failures, since)
           values ($1, 1, $2)
           on conflict (email_sha256) do update set
               failures = case
                   when it.closed_until > $2 then it.failures
                   when it.since <= $3 or it.closed_until <= $2 then 1
                   else least(it.failures + 1, $4) end,
               since = case
                   when it.closed_until > $2 then it.since
                   when it.since <= $3 or it.closed_until <= $2 then $2
                   else it.since end,
               closed_until = case when it.closed_until > $2 then it.closed_until end
           returning failures, since, closings, closed_until"#,
        &door.key(),
        now,
        now - WINDOW,
        max + 1,
    )
    .fetch_one(db)
    .await?;
    if let Some(until) = row.closed_until {
        return Err(Refusal::Throttled { until }.into());
    }
    if max < row.failures {
        let for_long = WINDOW * 2_i32.pow(row.closings.clamp(0, DOUBLINGS_MAX).cast_unsigned());
        let until = row.since + for_long.min(CLOSED_MAX);
        close(db, door, until).await?;
        return Err(Refusal::Throttled { until }.into());
    }
    Ok(())
}

/// Once, however many guess at the same time.
async fn close(db: &PgPool, door: Door<'_>, until: DateTime<Utc>) -> Result<(), IdentityError> {
    sqlx::query!(
        "update sign_in_failure set closings = closings + 1, closed_until = $2
         where email_sha256 = $1 and closed_until is null",
        &door.key(),
        until,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The password was right: what came before is forgiven.
pub(crate) async fn clear(db: &PgPool, email: &Email) -> Result<(), IdentityError> {
    let key = Door::Email(email).key();
    sqlx::query!("delete from sign_in_failure where email_sha256 = $1", &key).execute(db).await?;
    Ok(())
}

/// Removes what no longer counts: a day after it was counted last, so that a
/// door that is closed again is known to have been closed before.
pub(crate) async fn sweep(db: &PgPool, now: DateTime<Utc>) -> Result<(), IdentityError> {
    sqlx::query!(
        "delete from sign_in_failure
         where since <= $1 and (closings = 0 or since <= $2)
             and (closed_until is null or closed_until <= $3)",
        now - WINDOW,
        now - CLOSED_MAX,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
