//! The first administrator: somebody must be able to let the others in.

use chrono::{DateTime, Utc};

use crate::Identity;
use crate::email::Email;
use crate::error::IdentityError;
use crate::ledger::{Author, Happening, Registration, Subject};
use crate::role::Role;
use crate::secret::random_text;

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
        let email = email.unwrap_or(EMAIL);
        let (password, generated) = match password {
            Some(given) => (given.to_owned(), false),
            None => (random_text::<18>()?, true),
        };
        // Of several processes that start at once, one makes the user; the
        // others wait here and then see it.
        let starting = self.starting().await?;
        if any_admin(&self.db).await? {
            return Ok(None);
        }
        self.forget_unborn(email).await?;
        let user = self.write_ahead(email, &password, Role::Admin, now).await?;
        let what = Happening::Registered { role: Role::Admin, by: Registration::First };
        self.record(Author::Registrar, Subject::Account(user.id), what, now).await?;
        starting.commit().await?;
        Ok(generated.then_some(Generated { email: user.email, password }))
    }

    /// What a start has left behind that died before it could record it: the
    /// password was shown to nobody.
    async fn forget_unborn(&self, email: &str) -> Result<(), IdentityError> {
        let email = Email::parse(email)?;
        let unborn = sqlx::query_scalar!(
            "select id from app_user
             where email = $1 and activated_at is null and applied_version = 0",
            email.as_str(),
        )
        .fetch_optional(&self.db)
        .await?;
        let Some(unborn) = unborn else { return Ok(()) };
        self.follow(Subject::Account(unborn)).await?;
        sqlx::query!(
            "delete from app_user where id = $1 and activated_at is null and applied_version = 0",
            unborn,
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }
}

async fn any_admin(db: impl sqlx::PgExecutor<'_>) -> Result<bool, IdentityError> {
    let found = sqlx::query_scalar!(
        r#"select exists (
               select from app_user where role = 'admin' and activated_at is not null
           ) as "found!""#,
    )
    .fetch_one(db)
    .await?;
    Ok(found)
}
