//! How people come to have an account: unasked, where anybody may, or by an
//! invitation.

use chrono::{DateTime, TimeDelta, Utc};

use crate::email::Email;
use crate::error::{IdentityError, Refusal};
use crate::ledger::{Author, Happening, Registration, Subject};
use crate::letter::{Language, Purpose};
use crate::role::Role;
use crate::secret::LetterToken;
use crate::throttle::{self, Door};
use crate::user::{self, User};
use crate::{Admission, Identity};

/// How long an invitation waits for its reader.
const INVITATION_LIFETIME: TimeDelta = TimeDelta::days(7);

impl Identity {
    /// An account for whoever asks, where anybody may have one.
    pub async fn sign_up(
        &self,
        email: &str,
        password: &str,
        now: DateTime<Utc>,
    ) -> Result<User, IdentityError> {
        if self.settings.registration != Admission::Open {
            return Err(Refusal::RegistrationClosed.into());
        }
        if let Some(address) = self.address {
            throttle::count(&self.db, Door::Address(address), now).await?;
        }
        let role = Role::Member;
        let user = self.write_ahead(email, password, role, now).await?;
        let what = Happening::Registered { role, by: Registration::Open };
        let by = Author::User { id: user.id, role };
        self.record(by, Subject::Account(user.id), what, now).await?;
        Ok(user)
    }

    /// Asks somebody to join, by mail; again, if they have not come yet.
    pub async fn invite(
        &self,
        email: &str,
        role: Role,
        language: Language,
        now: DateTime<Utc>,
    ) -> Result<User, IdentityError> {
        if self.settings.registration == Admission::Closed {
            return Err(Refusal::RegistrationClosed.into());
        }
        let email = Email::parse(email)?;
        let mut tx = postgres::begin(&self.db).await?;
        let waiting = sqlx::query_as!(
            User,
            r#"select u.id, u.email as "email: Email", u.role as "role: Role", u.created_at,
                   u.disabled_at
               from app_user u left join password p on p.user_id = u.id
               where u.email = $1 and u.activated_at is null and p.user_id is null"#,
            email.as_str(),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let invited = match waiting {
            Some(user) => user,
            None => user::insert(&mut tx, &email, role, now).await?,
        };
        let letter = (Purpose::Invitation, language, now + INVITATION_LIFETIME);
        let invitation = self.write_letter(&mut tx, invited.id, letter, now).await?;
        tx.commit().await?;
        let what = Happening::Invited { invitation, role };
        self.record(self.author, Subject::Account(invited.id), what, now).await?;
        self.known(invited.id).await
    }

    /// The account of who was invited, with the password that they choose.
    pub async fn accept_invitation(
        &self,
        token: &LetterToken,
        password: &str,
        now: DateTime<Utc>,
    ) -> Result<User, IdentityError> {
        if self.settings.registration == Admission::Closed {
            return Err(Refusal::RegistrationClosed.into());
        }
        let shown = self.open_letter(token, Purpose::Invitation, now).await?;
        let invited = self.known(shown.user).await?;
        let password = self.stage_password(invited.id, password, now).await?;
        let by = Registration::Invitation { invitation: shown.letter, password };
        let what = Happening::Registered { role: invited.role, by };
        let author = Author::User { id: invited.id, role: invited.role };
        self.record(author, Subject::Account(invited.id), what, now).await.map_err(used_up)?;
        self.known(invited.id).await
    }
}

/// To who shows a letter, every refusal is about the letter.
pub(crate) fn used_up(error: IdentityError) -> IdentityError {
    match error {
        IdentityError::Refused(_) => Refusal::TokenInvalid.into(),
        IdentityError::Contended | IdentityError::Unavailable(_) | IdentityError::Broken(_) => {
            error
        }
    }
}
