//! The table `signing_key`: what access tokens are signed with.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::IdentityError;
use crate::secret::random;

/// A key by which access tokens are told from forgeries.
pub(crate) struct SigningKey {
    pub(crate) kid: Uuid,
    pub(crate) secret: Vec<u8>,
    /// Still verifies what it signed, signs nothing more.
    pub(crate) retired: bool,
}

/// All keys, made first if there is none to sign with. When several processes
/// start at once, the unique index lets one of them make it.
pub(crate) async fn keys(
    db: &PgPool,
    now: DateTime<Utc>,
) -> Result<Vec<SigningKey>, IdentityError> {
    sqlx::query!(
        "insert into signing_key (kid, algorithm, secret, created_at)
         select $1, 'HS256', $2, $3
         where not exists (select from signing_key where retired_at is null)
         on conflict do nothing",
        crate::new_id(now),
        &random::<32>()?,
        now,
    )
    .execute(db)
    .await?;
    let keys = sqlx::query_as!(
        SigningKey,
        r#"select kid, secret, retired_at is not null as "retired!" from signing_key"#,
    )
    .fetch_all(db)
    .await?;
    Ok(keys)
}
