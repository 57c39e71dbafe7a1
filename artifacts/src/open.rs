//! How a file is read: as a stream, whole or in part, or into memory.

use std::ops::Range;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

use crate::{ArtifactError, Artifacts, location};

/// A file, or a part of it, on its way.
pub struct Opened {
    /// How long the whole file is.
    pub bytes: u64,
    /// What is on its way.
    pub range: Range<u64>,
    /// The bytes. Ends in an error if they are not to be had to the end.
    pub content: BoxStream<'static, Result<Bytes, ArtifactError>>,
}

impl Artifacts {
    /// Opens the file, whole or in part. A part that reaches beyond the end is cut there; one that
    /// begins beyond it is not the caller's to ask for, and is answered as if nothing were stored.
    pub async fn open(
        &self,
        sha256: &[u8; 32],
        range: Option<Range<u64>>,
    ) -> Result<Opened, ArtifactError> {
        let bytes = self.length(sha256).await?.ok_or(ArtifactError::NotStored)?;
        let range = range.unwrap_or(0..bytes);
        let range = range.start..range.end.min(bytes);
        if range.is_empty() {
            let nothing = futures::stream::empty().boxed();
            return Ok(Opened { bytes, range: range.start..range.start, content: nothing });
        }
        let options = GetOptions::new().with_range(Some(GetRange::Bounded(range.clone())));
        let got = self.store.get_opts(&location(sha256), options).await.map_err(lost)?;
        if got.meta.size != bytes {
            let found = got.meta.size;
            return Err(ArtifactError::damaged(format!("{found} bytes instead of {bytes}")));
        }
        let content = got.into_stream().map_err(lost).boxed();
        Ok(Opened { bytes, range, content })
    }

    /// The whole file, if it has no more than `bytes_max`, and is what its name says.
    pub async fn read(&self, sha256: &[u8; 32], bytes_max: u64) -> Result<Bytes, ArtifactError> {
        let bytes = self.length(sha256).await?.ok_or(ArtifactError::NotStored)?;
        if bytes_max < bytes {
            return Err(ArtifactError::TooLarge { bytes_max });
        }
        let got = self.store.get(&location(sha256)).await.map_err(lost)?;
        let content = got.bytes().await.map_err(lost)?;
        if Sha256::digest(&content)[..] != sha256[..] {
            return Err(ArtifactError::damaged("a file is not what its name says"));
        }
        Ok(content)
    }

    /// How long the file with this hash is; `None` if it is not stored. For those who cite it:
    /// whether somebody may read it, [`readable`](Self::readable) tells.
    pub async fn length(&self, sha256: &[u8; 32]) -> Result<Option<u64>, ArtifactError> {
        let bytes = sqlx::query_scalar!("select bytes from artifact where sha256 = $1", sha256)
            .fetch_optional(&self.db)
            .await?;
        bytes.map(|it| u64::try_from(it).map_err(ArtifactError::damaged)).transpose()
    }
}

/// The index names it, so it must be there.
fn lost(error: object_store::Error) -> ArtifactError {
    if matches!(error, object_store::Error::NotFound { .. }) {
        return ArtifactError::damaged(error);
    }
    error.into()
}
