//! What has to be done unasked: how far the journal was followed, what was
//! written ahead and never recorded, and accounts from before there were
//! events.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::Identity;
use crate::client::Quotas;
use crate::error::IdentityError;
use crate::ledger::{Author, ClientKind, Happening, Registration, Subject};
use crate::role::Role;
use crate::throttle;
use crate::worker_token::WorkerServices;

/// How long what was written ahead waits for its event. Nothing takes that
/// long to be recorded.
const STAGED_FOR: TimeDelta = TimeDelta::hours(1);

/// How long an admin may be about to leave.
pub(crate) const LEAVING_FOR: TimeDelta = TimeDelta::minutes(1);

/// One process at a time does what is done at a start.
const STARTING: i64 = 0x67_7265_6666;

impl Identity {
    /// How far the journal has been followed.
    pub async fn checkpoint(&self) -> Result<u64, IdentityError> {
        let checkpoint = sqlx::query_scalar!("select checkpoint from account_keeper where one")
            .fetch_one(&self.db)
            .await?;
        Ok(checkpoint.cast_unsigned())
    }

    /// Keeps how far the journal has been followed. Of several who do, the
    /// furthest counts: what one of them has let take effect has done so for
    /// all.
    pub async fn keep_checkpoint(&self, position: u64) -> Result<(), IdentityError> {
        sqlx::query!(
            "update account_keeper set checkpoint = greatest(checkpoint, $1)",
            position.cast_signed(),
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// Removes what is over, and what was written ahead and never recorded. To
    /// be called now and then by who has followed the journal to its end;
    /// nothing depends on when.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<(), IdentityError> {
        let staged = now - STAGED_FOR;
        sqlx::query!(
            "delete from session
             where expires_at <= $1 or (activated_at is null and created_at <= $2)",
            now,
            staged,
        )
        .execute(&self.db)
        .await?;
        sqlx::query!(
            "delete from letter where expires_at <= $1 or (due_at is null and created_at <= $2)",
            now,
            staged,
        )
        .execute(&self.db)
        .await?;
        sqlx::query!("delete from staged_password where staged_at <= $1", staged)
            .execute(&self.db)
            .await?;
        sqlx::query!("delete from staged_secret where staged_at <= $1", staged)
            .execute(&self.db)
            .await?;
        sqlx::query!(
            "delete from personal_token where activated_at is null and created_at <= $1",
            staged,
        )
        .execute(&self.db)
        .await?;
        sqlx::query!(
            "delete from app_user where applied_version = 0 and activated_at is null
                 and created_at <= $1",
            staged,
        )
        .execute(&self.db)
        .await?;
        sqlx::query!(
            "update app_user set leaving_at = null where leaving_at <= $1",
            now - LEAVING_FOR,
        )
        .execute(&self.db)
        .await?;
        self.sweep_clients(staged).await?;
        throttle::sweep(&self.db, now).await
    }

    /// Tells the ledger of the accounts and worker tokens that were there
    /// before it was told of any. Does nothing when it has been done.
    pub async fn migrate(&self, now: DateTime<Utc>) -> Result<(), IdentityError> {
        let starting = self.starting().await?;
        let users = sqlx::query!(
            r#"select id, role as "role: Role", disabled_at is not null as "disabled!"
               from app_user where applied_version = 0 and activated_at is not null
               order by created_at"#,
        )
        .fetch_all(&self.db)
        .await?;
        for user in users {
            let by = Registration::Migration;
            let registered = Happening::Registered { role: user.role, by };
            self.tell(Subject::Account(user.id), registered, now).await?;
            if user.disabled {
                self.tell(Subject::Account(user.id), Happening::Disabled, now).await?;
            }
        }
        let tokens = sqlx::query!(
            r#"select id, all_services, services, revoked_at is not null as "revoked!"
               from worker_token where applied_version = 0 and activated_at is not null
               order by created_at"#,
        )
        .fetch_all(&self.db)
        .await?;
        for token in tokens {
            let services = WorkerServices::stored(token.all_services, token.services);
            let (kind, quotas) = (ClientKind::Workers, Quotas::default());
            let registered = Happening::ClientRegistered { kind, services, quotas };
            self.tell(Subject::Client(token.id), registered, now).await?;
            if token.revoked {
                self.tell(Subject::Client(token.id), Happening::ClientDisabled, now).await?;
            }
        }
        starting.commit().await?;
        Ok(())
    }

    /// What has been told already is none the worse for it.
    async fn tell(
        &self,
        subject: Subject,
        what: Happening,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        match self.record(Author::Registrar, subject, what, now).await {
            Err(IdentityError::Refused(refusal)) if refusal.code() == "ALREADY_EXISTS" => {
                self.follow(subject).await
            }
            told => told,
        }
    }

    /// For as long as the transaction is open, no other process is starting.
    pub(crate) async fn starting(&self) -> Result<Transaction<'static, Postgres>, IdentityError> {
        let mut tx = postgres::begin(&self.db).await?;
        sqlx::query_scalar!(r#"select pg_advisory_xact_lock($1)::text as "locked""#, STARTING)
            .fetch_one(&mut *tx)
            .await?;
        Ok(tx)
    }

    /// Passwords that somebody is about to have: answers the name that the
    /// event gives it.
    pub(crate) async fn stage_password(
        &self,
        user: Uuid,
        password: &str,
        now: DateTime<Utc>,
    ) -> Result<Uuid, IdentityError> {
        crate::password::check_rules(password)?;
        let hash = self.hasher.hash(password).await?;
        let id = crate::new_id(now);
        let written = sqlx::query!(
            "insert into staged_password (id, user_id, hash, staged_at)
             select $1, id, $3, $4 from app_user where id = $2",
            id,
            user,
            hash,
            now,
        )
        .execute(&self.db)
        .await?;
        if written.rows_affected() == 0 {
            return Err(crate::Refusal::UserNotFound.into());
        }
        Ok(id)
    }
}
