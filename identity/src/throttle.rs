//! The table `sign_in_failure`: an end to guessing passwords.
//!
//! Ten wrong passwords under one e-mail from one address, then no more from
//! there for a quarter of an hour, right or wrong; the next time for twice as
//! long, up to a day. So nobody keeps others from signing in elsewhere. From
//! one address, whatever the e-mail, it takes more, since many may share it,
//! and never closes for longer than a quarter of an hour: they all wait for one
//! of them. Under one e-mail, from wherever, it is the same: it takes many
//! addresses, and keeps the user out as well. Letters to one e-mail are three,
//! and more after a quarter of an hour, whoever asks for them. Secrets of
//! clients are apart from what people do: a back end that has an old one closes
//! its own door at its own address. Attempts are counted before it is told
//! whether the secret is right and forgotten when it is, so that a thousand
//! guesses at once count as a thousand. None of it ends a session that a user
//! has.

use std::net::{IpAddr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use crate::email::Email;
use crate::error::{IdentityError, Refusal};

const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// How often a door is closed for twice as long as the time before, up to a day.
const DOUBLINGS_MAX: i32 = 7;
const CLOSED_MAX: TimeDelta = TimeDelta::days(1);

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Door<'a> {
    /// Passwords under one e-mail, from one address, or from nobody knows where.
    Account(&'a Email, Option<IpAddr>),
    /// Passwords under one e-mail, from wherever.
    Email(&'a Email),
    /// Whatever people may guess or ask for, from one address.
    Address(IpAddr),
    /// Secrets of one client, from one address; of clients that nobody knows, all together.
    Client(Option<Uuid>, IpAddr),
    /// Letters to one e-mail.
    Letters(&'a Email),
}

impl Door<'_> {
    fn failures_max(self) -> i32 {
        match self {
            Door::Account(..) => 10,
            Door::Email(_) | Door::Address(_) | Door::Client(..) => 100,
            Door::Letters(_) => 3,
        }
    }

    fn doublings_max(self) -> i32 {
        match self {
            Door::Account(..) => DOUBLINGS_MAX,
            // Whoever knows an e-mail can close its doors, and whoever shares an address that
            // one: others are not kept out for long.
            Door::Email(_) | Door::Letters(_) | Door::Address(_) | Door::Client(..) => 0,
        }
    }

    fn key(self) -> [u8; 32] {
        match self {
            Door::Email(email) => Sha256::digest(email.as_str()).into(),
            // Spaces are in no e-mail, so no door is another's.
            Door::Account(email, None) => Sha256::digest(format!("nowhere {email}")).into(),
            Door::Account(email, Some(address)) => {
                Sha256::digest(format!("{address} {email}")).into()
            }
            Door::Address(address) => Sha256::digest(format!("address {address}")).into(),
            Door::Client(None, address) => Sha256::digest(format!("clients {address}")).into(),
            Door::Client(Some(id), address) => {
                Sha256::digest(format!("client {id} {address}")).into()
            }
            Door::Letters(email) => Sha256::digest(format!("letters {email}")).into(),
        }
    }
}

/// Counts an attempt as failed until [`clear_password`] says otherwise.
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
        let for_long =
            WINDOW * 2_i32.pow(row.closings.clamp(0, door.doublings_max()).cast_unsigned());
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

/// Counts an attempt to sign in under an e-mail.
pub(crate) async fn count_password(
    db: &PgPool,
    (email, address): (&Email, Option<IpAddr>),
    now: DateTime<Utc>,
) -> Result<(), IdentityError> {
    if let Some(address) = address {
        count(db, Door::Address(address), now).await?;
    }
    let counted = count(db, Door::Account(email, address), now).await;
    if let (Err(IdentityError::Refused(_)), Some(address)) = (&counted, address) {
        // It is no guess any more: one program that does not give up would close the door of all
        // who share its address.
        forgive(db, Door::Address(address)).await?;
    }
    counted?;
    // Who is turned away from one address does not close the door of others.
    if address.is_some() {
        count(db, Door::Email(email), now).await?;
    }
    Ok(())
}

/// The password was right: what came before from there is forgiven, and this
/// attempt was none for anybody else.
pub(crate) async fn clear_password(
    db: &PgPool,
    (email, address): (&Email, Option<IpAddr>),
) -> Result<(), IdentityError> {
    let key = Door::Account(email, address).key();
    sqlx::query!("delete from sign_in_failure where email_sha256 = $1", &key).execute(db).await?;
    if let Some(address) = address {
        forgive(db, Door::Email(email)).await?;
        forgive(db, Door::Address(address)).await?;
    }
    Ok(())
}

/// One attempt that was counted was none.
pub(crate) async fn forgive(db: &PgPool, door: Door<'_>) -> Result<(), IdentityError> {
    sqlx::query!(
        "update sign_in_failure set failures = failures - 1
         where email_sha256 = $1 and 1 < failures and closed_until is null",
        &door.key(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What an address counts as: one that has an IPv6 network has all of its
/// addresses.
pub(crate) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) => Ipv6Addr::from_bits(it.to_bits() >> 64 << 64).into(),
        it @ IpAddr::V4(_) => it,
    }
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
