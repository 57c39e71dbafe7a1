//! A file, as whoever may see its job sees it.

use async_graphql::{ComplexObject, Context, SimpleObject};
use domain::artifact;

use super::{
    access,
    fault::{Result, internal},
    scalar::Long,
    sides,
};

/// A file that a job was given, or made. For whoever may see the job.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct Artifact {
    /// Names it, by what is in it: 64 hexadecimal digits.
    sha256: String,
    /// What the job calls it.
    name: String,
    /// Its length in bytes.
    bytes: Long,
    /// Where it is read, on this server, with the same access token.
    url: String,
    #[graphql(skip)]
    file: artifact::Sha256,
}

#[ComplexObject]
impl Artifact {
    /// What kind of file it is, as `text/csv`, and as reading it answers; null if it is not stored
    /// any more.
    #[graphql(complexity = 5)]
    async fn media_type(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let user = access::signed_in(ctx)?;
        let owner = (!user.role.sees_all()).then_some(user.user.0);
        let found = sides(ctx).artifacts.readable(&self.file.bytes(), owner).await;
        Ok(found.map_err(|error| internal(&error))?.map(|it| it.media_type))
    }
}

impl From<artifact::Artifact> for Artifact {
    fn from(it: artifact::Artifact) -> Self {
        Self {
            url: format!("/api/artifacts/{}", it.sha256),
            sha256: it.sha256.to_string(),
            name: it.name,
            bytes: Long(it.bytes),
            file: it.sha256,
        }
    }
}
