//! The tables `letter` and `reset_wish`: what is sent by mail, and for whom.
//!
//! A letter is written ahead, sent after its event, and brings a token that is
//! good once. The token is made when the letter is sent: until then it is
//! nowhere, afterwards its hash is here. A letter that is sent again brings
//! another, and the one before is good no more.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Identity;
use crate::email::Email;
use crate::error::{IdentityError, Refusal};
use crate::ledger::{Author, Happening, Subject};
use crate::secret::LetterToken;
use crate::throttle::{self, Door};

/// How long a letter about a password is good.
const RESET_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// How often it is tried to send a letter, and how soon for the second time.
const ATTEMPTS_MAX: i32 = 8;
const AGAIN_FIRST: TimeDelta = TimeDelta::seconds(10);

/// What a letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Invitation,
    Reset,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Purpose::Invitation => "invitation",
            Purpose::Reset => "reset",
        }
    }
}

/// What a letter is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    French,
}

impl Language {
    fn as_str(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::French => "fr",
        }
    }

    fn stored(text: &str) -> Self {
        if text == "fr" { Language::French } else { Language::English }
    }
}

/// A letter that is to be sent now.
#[derive(Debug)]
pub struct Letter {
    pub id: Uuid,
    pub to: Email,
    pub purpose: Purpose,
    pub language: Language,
    pub token: LetterToken,
    pub expires_at: DateTime<Utc>,
}

/// Whose a token is, and which letter brought it.
pub(crate) struct Opened {
    pub(crate) letter: Uuid,
    pub(crate) user: Uuid,
}

impl Identity {
    /// Takes down that somebody has forgotten their password. The answer is the
    /// same, and takes as long, whether anybody has that e-mail.
    pub async fn request_password_reset(
        &self,
        email: &str,
        language: Language,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        if let Some(address) = self.address {
            throttle::count(&self.db, Door::Address(address), now).await?;
        }
        let Ok(email) = Email::parse(email) else { return Ok(()) };
        match throttle::count(&self.db, Door::Letters(&email), now).await {
            Ok(()) => {}
            // A letter is on its way already, if one ever will be.
            Err(IdentityError::Refused(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
        sqlx::query!(
            "insert into reset_wish (id, email, language, asked_at) values ($1, $2, $3, $4)",
            crate::new_id(now),
            email.as_str(),
            language.as_str(),
            now,
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// Has letters written to those who have forgotten their password and have
    /// an account.
    pub async fn answer_wishes(&self, now: DateTime<Utc>) -> Result<(), IdentityError> {
        let wishes = sqlx::query!(
            r#"select w.id, w.language, u.id as "user?" from reset_wish w
               left join app_user u on u.email = w.email
                   and u.activated_at is not null and u.disabled_at is null
               order by w.asked_at limit 100"#,
        )
        .fetch_all(&self.db)
        .await?;
        for wish in wishes {
            if let Some(user) = wish.user {
                self.write_reset(user, Language::stored(&wish.language), now).await?;
            }
            sqlx::query!("delete from reset_wish where id = $1", wish.id).execute(&self.db).await?;
        }
        Ok(())
    }

    async fn write_reset(
        &self,
        user: Uuid,
        language: Language,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        let mut tx = postgres::begin(&self.db).await?;
        let letter = (Purpose::Reset, language, now + RESET_LIFETIME);
        let reset = self.write_letter(&mut tx, user, letter, now).await?;
        tx.commit().await?;
        let what = Happening::ResetRequested { reset };
        match self.record(Author::Registrar, Subject::Account(user), what, now).await {
            // Disabled in the meantime: nothing is sent.
            Err(IdentityError::Refused(_)) => Ok(()),
            recorded => recorded,
        }
    }

    /// A letter that is sent once it is recorded.
    pub(crate) async fn write_letter(
        &self,
        tx: &mut PgConnection,
        user: Uuid,
        (purpose, language, expires_at): (Purpose, Language, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Result<Uuid, IdentityError> {
        let id = crate::new_id(now);
        sqlx::query!(
            "insert into letter (id, user_id, purpose, language, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6)",
            id,
            user,
            purpose.as_str(),
            language.as_str(),
            now,
            expires_at,
        )
        .execute(tx)
        .await?;
        Ok(id)
    }

    /// Takes the letters that are due, each with a new token. Whoever does not
    /// say [`Identity::letter_sent`] in time has them sent again.
    pub async fn take_letters(&self, now: DateTime<Utc>) -> Result<Vec<Letter>, IdentityError> {
        let due = sqlx::query!(
            r#"select id from letter
               where due_at <= $1 and sent_at is null and given_up_at is null
               order by due_at limit 20"#,
            now,
        )
        .fetch_all(&self.db)
        .await?;
        let mut letters = Vec::new();
        for it in due {
            letters.extend(self.take_letter(it.id, now).await?);
        }
        Ok(letters)
    }

    /// `None`: another process has taken it, or it is given up.
    async fn take_letter(
        &self,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<Letter>, IdentityError> {
        let token = LetterToken::generate()?;
        let row = sqlx::query!(
            r#"update letter l set
                   sha256 = $3, attempts = attempts + 1,
                   due_at = $2 + power(2, attempts) * $4::bigint * interval '1 second',
                   given_up_at = case
                       when expires_at <= $2 or $5 <= attempts then $2 end
               from app_user u
               where l.id = $1 and u.id = l.user_id
                   and due_at <= $2 and sent_at is null and given_up_at is null
               returning u.email as "email: Email", l.purpose, l.language, l.expires_at,
                   l.given_up_at is not null as "given_up!""#,
            id,
            now,
            &token.hash()?,
            AGAIN_FIRST.num_seconds(),
            ATTEMPTS_MAX,
        )
        .fetch_optional(&self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        if row.given_up {
            tracing::error!(letter = %id, "a letter could not be sent and is given up");
            return Ok(None);
        }
        let invitation = row.purpose == Purpose::Invitation.as_str();
        Ok(Some(Letter {
            id,
            to: row.email,
            purpose: if invitation { Purpose::Invitation } else { Purpose::Reset },
            language: Language::stored(&row.language),
            token,
            expires_at: row.expires_at,
        }))
    }

    /// It is on its way.
    pub async fn letter_sent(&self, id: Uuid, now: DateTime<Utc>) -> Result<(), IdentityError> {
        sqlx::query!("update letter set sent_at = $2 where id = $1", id, now)
            .execute(&self.db)
            .await?;
        Ok(())
    }

    /// The letter that brought a token. That it is good only once is for the
    /// ledger to say.
    pub(crate) async fn open_letter(
        &self,
        token: &LetterToken,
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Result<Opened, IdentityError> {
        if let Some(address) = self.address {
            throttle::count(&self.db, Door::Address(address), now).await?;
        }
        let hash = token.hash()?;
        let letter = sqlx::query!(
            "select id, user_id, expires_at from letter where sha256 = $1 and purpose = $2",
            &hash,
            purpose.as_str(),
        )
        .fetch_optional(&self.db)
        .await?
        .ok_or(Refusal::TokenInvalid)?;
        if letter.expires_at <= now {
            return Err(Refusal::TokenExpired.into());
        }
        Ok(Opened { letter: letter.id, user: letter.user_id })
    }
}
