//! Refuses a database that would lose what it has acknowledged.

use sqlx::{Connection, PgConnection};

use crate::error::StartError;

/// Checks the settings that an acknowledged event's survival rests on, for
/// a server of ours as for one that was brought along.
pub async fn check_durability(url: &str) -> Result<(), StartError> {
    let mut connection = PgConnection::connect(url).await?;
    let off = sqlx::query_scalar::<_, String>(
        "select name from pg_settings
         where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'
         order by name",
    )
    .fetch_optional(&mut connection)
    .await?;
    connection.close().await?;
    match off {
        Some(setting) => Err(StartError::NotDurable { setting }),
        None => Ok(()),
    }
}
