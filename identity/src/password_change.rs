//! Another password: by its owner, by a letter, or by an administrator.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::Identity;
use crate::error::IdentityError;
use crate::joining::used_up;
use crate::ledger::{Author, Happening, PasswordChange, Subject};
use crate::letter::Purpose;
use crate::secret::LetterToken;
use crate::user::User;

impl Identity {
    /// Ends every session and every token of the user: whoever knew the old password is out.
    pub async fn set_password(
        &self,
        id: Uuid,
        password: &str,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        let password = self.stage_password(id, password, now).await?;
        let what = Happening::PasswordChanged { password, by: PasswordChange::Admin, kept: None };
        self.record(self.author, Subject::Account(id), what, now).await
    }

    /// By its owner, who shows the one of now. Ends every other session.
    pub async fn change_password(
        &self,
        (id, session): (Uuid, Uuid),
        current: &str,
        password: &str,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        crate::password::check_rules(password)?;
        self.check_password(id, current, now).await?;
        let User { role, .. } = self.known(id).await?;
        let password = self.stage_password(id, password, now).await?;
        let (by, kept) = (PasswordChange::Owner, Some(session));
        let what = Happening::PasswordChanged { password, by, kept };
        self.record(Author::User { id, role }, Subject::Account(id), what, now).await
    }

    /// By who was sent a letter. Ends every session and every token of theirs.
    pub async fn reset_password(
        &self,
        token: &LetterToken,
        password: &str,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        let opened = self.open_letter(token, Purpose::Reset, now).await?;
        let User { id, role, .. } = self.known(opened.user).await?;
        let password = self.stage_password(id, password, now).await?;
        let by = PasswordChange::Reset { reset: opened.letter };
        let what = Happening::PasswordChanged { password, by, kept: None };
        let author = Author::User { id, role };
        self.record(author, Subject::Account(id), what, now).await.map_err(used_up)
    }
}
