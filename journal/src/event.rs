//! Events, before and after they are written.

use std::{fmt, str::FromStr, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Names a stream: the category of an aggregate and its id, written
/// `category-id`, for example `job-0192f1c4-…`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(Arc<str>);

impl StreamId {
    /// The stream of one aggregate. A category holds no hyphen.
    pub fn new(category: &str, id: impl fmt::Display) -> Self {
        debug_assert!(!category.contains('-'), "a category holds no hyphen");
        Self(format!("{category}-{id}").into())
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first hyphen.
    pub fn category(&self) -> &str {
        self.0.split_once('-').map_or(&*self.0, |(category, _)| category)
    }

    /// The part after the first hyphen.
    pub fn id(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, id)| id)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<String> for StreamId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl FromStr for StreamId {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.into()))
    }
}

/// An event about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Names it, for good. Made by whoever writes it.
    pub event_id: Uuid,
    /// The name of its type. Once written, a name never changes meaning.
    pub event_type: &'static str,
    /// Which shape of the payload this is, from 1.
    pub schema_version: u16,
    /// JSON text, kept byte for byte.
    pub payload: String,
    /// JSON text about who and why, kept byte for byte.
    pub metadata: String,
}

impl NewEvent {
    /// What its bytes hash to at its place in a stream.
    pub fn hash(&self, stream: &StreamId, version: u64) -> EventHash {
        EventHash::of(
            stream,
            version,
            self.event_id,
            self.event_type,
            self.schema_version,
            &self.metadata,
            &self.payload,
        )
    }
}

/// An event as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the whole journal.
    pub position: u64,
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// Names it.
    pub event_id: Uuid,
    /// The name of its type.
    pub event_type: String,
    /// Which shape of the payload this is.
    pub schema_version: u16,
    /// JSON text, as it was given.
    pub payload: String,
    /// JSON text, as it was given.
    pub metadata: String,
    /// When the store took it in, by the store's clock. Never goes back as
    /// positions go on.
    pub recorded_at: DateTime<Utc>,
    /// What its bytes hashed to when it was written.
    pub hash: EventHash,
}

impl Recorded {
    /// Whether the bytes still are those that were written.
    pub fn is_intact(&self) -> bool {
        self.hash
            == EventHash::of(
                &self.stream,
                self.version,
                self.event_id,
                &self.event_type,
                self.schema_version,
                &self.metadata,
                &self.payload,
            )
    }
}

/// The SHA-256 of an event's own bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventHash(pub [u8; 32]);

impl EventHash {
    /// Over stream, version, event id, type, schema version, metadata and
    /// payload, each preceded by its length in bytes as a 64-bit big-endian
    /// number. Numbers are hashed as 64-bit big-endian.
    #[expect(clippy::too_many_arguments, reason = "one for each field that is bound")]
    pub fn of(
        stream: &StreamId,
        version: u64,
        event_id: Uuid,
        event_type: &str,
        schema_version: u16,
        metadata: &str,
        payload: &str,
    ) -> Self {
        let mut hasher = Sha256::new();
        let parts: [&[u8]; 7] = [
            stream.as_str().as_bytes(),
            &version.to_be_bytes(),
            event_id.as_bytes(),
            event_type.as_bytes(),
            &u64::from(schema_version).to_be_bytes(),
            metadata.as_bytes(),
            payload.as_bytes(),
        ];
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

impl fmt::Debug for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// If this fails, every recorded event seems to have been tampered with.
    #[test]
    fn the_hash_of_an_event_is_what_it_has_always_been() {
        let event = NewEvent {
            event_id: Uuid::from_u128(7),
            event_type: "Noted",
            schema_version: 1,
            payload: r#"{"note":"é"}"#.to_owned(),
            metadata: "{}".to_owned(),
        };
        let hash = event.hash(&StreamId::new("job", 1), 258);
        expect![["f10fa7c3b65d93e3226f01616877faabbf1ae3c53495bde9bf1dfbf31548bc34"]]
            .assert_eq(&format!("{hash:?}"));
    }

    #[test]
    fn bytes_cannot_move_from_one_field_to_the_next() {
        let hash = |event_type, metadata, payload| {
            let stream = StreamId::new("job", 1);
            EventHash::of(&stream, 1, Uuid::nil(), event_type, 1, metadata, payload)
        };
        assert_ne!(hash("ab", "c", "d"), hash("a", "bc", "d"));
        assert_ne!(hash("a", "bc", "d"), hash("a", "b", "cd"));
    }

    #[test]
    fn a_stream_has_a_category_and_an_id() {
        let stream = StreamId::new("job", "0192-f1c4");
        assert_eq!((stream.category(), stream.id()), ("job", "0192-f1c4"));
        let odd = StreamId::from("odd".to_owned());
        assert_eq!((odd.category(), odd.id()), ("odd", ""));
    }
}
