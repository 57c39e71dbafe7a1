//! The table `sign_in_failure`: an end to guessing passwords.
//!
//! Ten wrong passwords under one e-mail, then no more for the rest of the
//! quarter of an hour, right or wrong. Attempts are counted before the
//! password is looked at and forgotten when it is right, so that a thousand
//! guesses at once count as a thousand. Somebody who means harm can keep a
//! user from signing in by this, not end a session that user has.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::email::Email;
use crate::error::{IdentityError, Refusal};

const FAILURES_MAX: i32 = 10;
const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Counts an attempt as failed until [`clear`] says otherwise.
pub(crate) async fn count(
    db: &PgPool,
    email: &Email,
    now: DateTime<Utc>,
) -> Result<(), IdentityError> {
    let row = sqlx::query!(
        r#"insert into sign_in_failure as it (email_sha256, failures, since)
           values ($1, 1, $2)
           on conflict (email_sha256) do update set
               failures = case when it.since <= $3 then 1 else least(it.failures + 1, $4) end,
               since = case when it.since <= $3 then $2 else it.since end
           returning failures, since"#,
        &key(email),
        now,
        now - WINDOW,
        FAILURES_MAX + 1,
    )
    .fetch_one(db)
    .await?;
    if FAILURES_MAX < row.failures {
        return Err(Refusal::Throttled { until: row.since + WINDOW }.into());
    }
    Ok(())
}

/// The password was right: what came before is forgiven.
pub(crate) async fn clear(db: &PgPool, email: &Email) -> Result<(), IdentityError> {
    sqlx::query!("delete from sign_in_failure where email_sha256 = $1", &key(email))
        .execute(db)
        .await?;
    Ok(())
}

/// Removes what no longer counts.
pub(crate) async fn sweep(db: &PgPool, now: DateTime<Utc>) -> Result<(), IdentityError> {
    sqlx::query!("delete from sign_in_failure where since <= $1", now - WINDOW).execute(db).await?;
    Ok(())
}

fn key(email: &Email) -> [u8; 32] {
    Sha256::digest(email.as_str()).into()
}
