//! The first administrator: somebody must be able to let the others in.

use chrono::{DateTime, Utc};

use crate::Identity;
use crate::email::Email;
use crate::error::IdentityError;
use crate::password::check_rules;
use crate::role::Role;
use crate::secret::random_text;
use crate::user;

const EMAIL: &str = "admin@localhost";

/// An administrator whose password was made up, to be shown to the operator
/// once: it is known nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Generated {
    pub email: Email,
    pub password: String,
}

impl std::fmt::Debug for Generated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generated").field("email", &self.email).finish_non_exhaustive()
    }
}

impl Identity {
    /// Makes an administrator unless there is one. What is not given is made
    /// up; the answer is there only if the password was.
    pub async fn ensure_first_admin(
        &self,
        email: Option<&str>,
        password: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<Generated>, IdentityError> {
        // Hashing on every start would be for nothing.
        if any_admin(&self.db).await? {
            return Ok(None);
        }
        let email = Email::parse(email.unwrap_or(EMAIL))?;
        let (password, generated) = match password {
            Some(given) => (given.to_owned(), false),
            None => (random_text::<18>()?, true),
        };
        check_rules(&password)?;
        let hash = self.hasher.hash(&password).await?;

        let mut tx = self.db.begin().await?;
        // Of several processes that start at once, one makes the user; the
        // others wait here and then see it.
        sqlx::query!("lock table app_user in share row exclusive mode").execute(&mut *tx).await?;
        if any_admin(&mut *tx).await? {
            return Ok(None);
        }
        user::insert(&mut tx, (&email, &hash), Role::Admin, now).await?;
        tx.commit().await?;
        Ok(generated.then_some(Generated { email, password }))
    }
}

async fn any_admin(db: impl sqlx::PgExecutor<'_>) -> Result<bool, IdentityError> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from app_user where role = 'admin') as "found!""#,
    )
    .fetch_one(db)
    .await?;
    Ok(found)
}
