//! What makes the repetition of an append harmless.

use crate::StreamId;

/// A key under which an append is carried out once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose key this is, and for what: two scopes may use the same key.
    pub scope: String,
    /// The caller's key.
    pub key: String,
    /// The SHA-256 of the input: the same key with another input is refused.
    pub digest: [u8; 32],
}

/// What the first append under a key led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The digest of the input that it came with.
    pub digest: [u8; 32],
    /// The stream that it wrote to.
    pub stream: StreamId,
    /// The stream's version after it.
    pub version: u64,
    /// The position of its last event.
    pub position: u64,
}
