//! The table `artifact_reference`: on whose behalf a file is kept, and what
//! they call it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{ArtifactError, Artifacts};

/// What keeps a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Somebody uploaded it, and may take it back.
    Upload(Uuid),
    /// A job was given it, or made it. Jobs are never forgotten, and neither are their files.
    Job(Uuid),
}

impl Subject {
    fn columns(self) -> (&'static str, Uuid) {
        match self {
            Subject::Upload(id) => ("upload", id),
            Subject::Job(id) => ("job", id),
        }
    }
}

/// Why a file is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Who may read it because of this.
    pub owner: Uuid,
    /// What keeps it.
    pub subject: Subject,
    /// What they call it.
    pub name: String,
    /// What they say it is, such as `text/csv`. Not looked into.
    pub media_type: String,
}

/// What there is to know of a file for somebody who may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// What is in it.
    pub sha256: [u8; 32],
    /// Its length.
    pub bytes: u64,
    /// What it is called.
    pub name: String,
    /// What it is said to be.
    pub media_type: String,
}

impl Artifacts {
    /// Keeps a file that is stored. Referring to it once more under the same name changes nothing.
    pub async fn refer(
        &self,
        sha256: &[u8; 32],
        reference: Reference,
        now: DateTime<Utc>,
    ) -> Result<(), ArtifactError> {
        let Reference { owner, subject, name, media_type } = reference;
        let (kind, subject) = subject.columns();
        let written = sqlx::query!(
            "insert into artifact_reference
                 (subject_kind, subject, sha256, name, owner, media_type, created_at)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict do nothing",
            kind,
            subject,
            sha256,
            name,
            owner,
            media_type,
            now,
        )
        .execute(&self.db)
        .await;
        match written {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
                Err(ArtifactError::NotStored)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Drops every reference of `subject`, if it is the owner's, or anybody's if none is named.
    /// Whether there was one. The files go with the next sweep, unless something else keeps them.
    pub async fn release(
        &self,
        subject: Subject,
        owner: Option<Uuid>,
    ) -> Result<bool, ArtifactError> {
        let (kind, subject) = subject.columns();
        let dropped = sqlx::query!(
            "delete from artifact_reference
             where subject_kind = $1 and subject = $2 and ($3::uuid is null or owner = $3)",
            kind,
            subject,
            owner,
        )
        .execute(&self.db)
        .await?;
        Ok(0 < dropped.rows_affected())
    }

    /// Drops the references of `subject` by this name that came before that to `than`, all of them
    /// if it is not said. Those to `except` stay, whatever they are called.
    pub async fn release_named(
        &self,
        subject: Subject,
        name: &str,
        than: Option<&[u8; 32]>,
        except: &[[u8; 32]],
    ) -> Result<(), ArtifactError> {
        let (kind, subject) = subject.columns();
        sqlx::query!(
            "delete from artifact_reference
             where subject_kind = $1 and subject = $2 and name = $3 and sha256 <> all($5)
                 and ($4::bytea is null or created_at < (
                     select max(newer.created_at) from artifact_reference newer
                     where newer.subject_kind = $1 and newer.subject = $2 and newer.name = $3
                         and newer.sha256 = $4
                 ))",
            kind,
            subject,
            name,
            than as Option<&[u8; 32]>,
            except as _,
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// Every reference of `subject` is somebody else's from now on. Those who owned one before read
    /// the files no more, unless they own another.
    pub async fn give(&self, subject: Subject, to: Uuid) -> Result<(), ArtifactError> {
        let (kind, subject) = subject.columns();
        sqlx::query!(
            "update artifact_reference set owner = $3
             where subject_kind = $1 and subject = $2 and owner <> $3",
            kind,
            subject,
            to,
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// What somebody uploaded up to a moment is somebody else's from now on.
    pub async fn give_uploads(
        &self,
        from: Uuid,
        to: Uuid,
        until: DateTime<Utc>,
    ) -> Result<(), ArtifactError> {
        sqlx::query!(
            "update artifact_reference set owner = $2
             where subject_kind = 'upload' and owner = $1 and created_at <= $3",
            from,
            to,
            until,
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// The file, as its reader knows it, if a reference is the owner's, or anybody's if none is
    /// named. Where several are, the oldest gives its name.
    pub async fn readable(
        &self,
        sha256: &[u8; 32],
        owner: Option<Uuid>,
    ) -> Result<Option<Info>, ArtifactError> {
        let row = sqlx::query!(
            "select bytes, name, media_type
             from artifact_reference join artifact using (sha256)
             where sha256 = $1 and ($2::uuid is null or owner = $2)
             order by created_at, subject_kind, subject, name
             limit 1",
            sha256,
            owner,
        )
        .fetch_optional(&self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let bytes = u64::try_from(row.bytes).map_err(ArtifactError::damaged)?;
        let (name, media_type) = (row.name, row.media_type);
        Ok(Some(Info { sha256: *sha256, bytes, name, media_type }))
    }

    /// Whether `subject` keeps the file.
    pub async fn refers(&self, subject: Subject, sha256: &[u8; 32]) -> Result<bool, ArtifactError> {
        let (kind, subject) = subject.columns();
        let found = sqlx::query_scalar!(
            r#"select exists (
                   select from artifact_reference
                   where subject_kind = $1 and subject = $2 and sha256 = $3
               ) as "found!""#,
            kind,
            subject,
            sha256,
        )
        .fetch_one(&self.db)
        .await?;
        Ok(found)
    }
}
