//! Files, each kept once and named by the SHA-256 of its bytes, and the index
//! that says on whose behalf they are kept.
//!
//! The bytes lie in a folder or in a bucket; the index is two tables that are
//! kept, not rebuilt. Who may read a file is answered here by who owns a
//! reference to it; who somebody is, and what a job is, is known elsewhere.
//! Nothing here reads a clock.
//!
//! A file is there before anything names it: [`put`](Artifacts::put) returns
//! when the bytes are durable and indexed, [`refer`](Artifacts::refer) keeps
//! them, and [`sweep`](Artifacts::sweep) removes what nothing refers to.

mod error;
mod place;
mod put;
mod open;
mod reference;
mod sweep;
mod adopt;

use std::sync::Arc;

use chrono::TimeDelta;
use object_store::{ObjectStore, path::Path};
use sqlx::PgPool;

pub use error::{ArtifactError, ConnectError};
pub use open::Opened;
pub use put::Stored;
pub use reference::{Info, Reference, Subject};
pub use sweep::Swept;

/// What an operator can decide.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a file stays that nothing refers to, or that was left unfinished.
    pub grace: TimeDelta,
    /// What a bucket wants to know besides its URL, such as `AWS_REGION`. Names that it does not
    /// know are passed over.
    pub options: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { grace: TimeDelta::hours(24), options: Vec::new() }
    }
}

/// The way to all files. Clones share one store and one pool.
#[derive(Clone, Debug)]
pub struct Artifacts {
    db: PgPool,
    store: Arc<dyn ObjectStore>,
    /// The folder, if the store is one.
    folder: Option<Arc<std::path::Path>>,
    grace: TimeDelta,
}

impl Artifacts {
    /// Opens the store at `place`, the path of a folder or a URL such as `s3://bucket/path`, and
    /// makes sure that it can be written to.
    pub async fn connect(
        db: PgPool,
        place: &str,
        settings: Settings,
    ) -> Result<Self, ConnectError> {
        let place::Place { store, folder } = place::open(place, settings.options, place::BUILT_IN)?;
        let artifacts = Self { db, store, folder: folder.map(Arc::from), grace: settings.grace };
        artifacts.try_out().await.map_err(|source| ConnectError::NotWritable {
            place: place.to_owned(),
            source: source.into(),
        })?;
        Ok(artifacts)
    }
}

/// Where files lie until it is known what is in them.
const INCOMING: &str = "incoming";

/// Where the file with this hash lies: two levels of folders, so that none grows too long.
fn location(sha256: &[u8; 32]) -> Path {
    let hex = hex::encode(sha256);
    Path::from_iter([&hex[..2], &hex[2..4], &hex])
}

/// The hash of the file that lies there, if it is a place for one.
fn hash_at(path: &Path) -> Option<[u8; 32]> {
    let mut sha256 = [0; 32];
    hex::decode_to_slice(path.filename()?, &mut sha256).ok()?;
    (location(&sha256) == *path).then_some(sha256)
}

/// A name that nobody else has.
fn incoming() -> Path {
    Path::from_iter([INCOMING, &hex::encode(rand::random::<[u8; 16]>())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_a_file_belongs_is_it_taken_for_one() {
        let hash = [0xAB; 32];
        let path = location(&hash);
        assert_eq!(path.as_ref(), format!("ab/ab/{}", "ab".repeat(32)));
        assert_eq!(hash_at(&path), Some(hash));
        let elsewhere = format!("ab/cd/{}", "ab".repeat(32));
        for strange in [elsewhere.as_str(), "ab/ab/notes.txt", "incoming/ab", ""] {
            assert_eq!(hash_at(&Path::from(strange)), None, "{strange}");
        }
    }
}
