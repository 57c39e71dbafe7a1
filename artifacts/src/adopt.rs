//! How a file comes back into an index that has lost it: a database that was
//! made anew beside the old files, from the journal alone.

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use sha2::{Digest, Sha256};

use crate::{ArtifactError, Artifacts, Stored, location};

impl Artifacts {
    /// Takes a file into the index that lies in the store, if it is what its name says. `false`:
    /// there is none.
    pub async fn adopt(
        &self,
        sha256: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<bool, ArtifactError> {
        let mut tx = postgres::begin(&self.db).await?;
        // Nobody removes it meanwhile.
        self.lock(&mut tx, sha256).await?;
        let got = match self.store.get(&location(sha256)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            got => got?,
        };
        let mut content = got.into_stream();
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        while let Some(chunk) = content.try_next().await? {
            hash.update(&chunk);
            bytes += chunk.len() as u64;
        }
        if hash.finalize()[..] != sha256[..] {
            return Err(ArtifactError::damaged("a file is not what its name says"));
        }
        self.index(&mut tx, Stored { sha256: *sha256, bytes }, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}
