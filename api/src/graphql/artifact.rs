//! A file, as whoever may see its job sees it.

use async_graphql::SimpleObject;
use domain::artifact;

use super::scalar::Long;

/// A file that a job was given, or made. For whoever may see the job.
#[derive(SimpleObject)]
pub(super) struct Artifact {
    /// Names it, by what is in it: 64 hexadecimal digits.
    sha256: String,
    /// What the job calls it.
    name: String,
    /// Its length in bytes.
    bytes: Long,
    /// Where it is read, on this server, with the same access token.
    url: String,
}

impl From<artifact::Artifact> for Artifact {
    fn from(it: artifact::Artifact) -> Self {
        Self {
            url: format!("/api/artifacts/{}", it.sha256),
            sha256: it.sha256.to_string(),
            name: it.name,
            bytes: Long(it.bytes),
        }
    }
}
