//! Who asks, and what else is known of the asking.

use domain::{Actor, Context, Timestamp, UserId};
use journal::Idempotency;
use serde::Serialize;
use uuid::Uuid;

/// Who asks, and what else is known of the asking. All of it ends up in the
/// metadata of the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// On whose behalf.
    pub actor: Actor,
    /// What this belongs to: shared by all that one request leads to.
    pub correlation: Option<Uuid>,
    /// The position of the event that led to it, for those who answer events.
    pub causation: Option<u64>,
    /// The W3C trace context, `traceparent`.
    pub trace: Option<String>,
    /// Makes a repetition harmless.
    pub idempotency: Option<IdempotencyKey>,
}

/// A key, and what it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As the caller gave it.
    pub key: String,
    /// The SHA-256 of the caller's input: the same key with another input is
    /// refused.
    pub digest: [u8; 32],
}

/// The longest key, in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 255;

impl Asked {
    /// By `actor`, and nothing else is known.
    pub fn by(actor: Actor) -> Self {
        Self { actor, correlation: None, causation: None, trace: None, idempotency: None }
    }

    /// Under an idempotency key.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>, digest: [u8; 32]) -> Self {
        self.idempotency = Some(IdempotencyKey { key: key.into(), digest });
        self
    }

    pub(crate) fn user(&self) -> Option<UserId> {
        match &self.actor {
            Actor::User { id, .. } | Actor::Client { id, .. } => Some(*id),
            Actor::Worker { .. } | Actor::System(_) => None,
        }
    }

    pub(crate) fn context(&self, now: Timestamp) -> Context {
        Context { actor: self.actor.clone(), now }
    }

    /// Keys are the actor's own, for one kind of command.
    pub(crate) fn idempotency(&self, command: &'static str) -> Option<Idempotency> {
        let IdempotencyKey { key, digest } = self.idempotency.clone()?;
        Some(Idempotency { scope: format!("{}/{command}", self.actor), key, digest })
    }

    /// The JSON text that events carry.
    pub(crate) fn metadata(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Metadata {
            actor: self.actor.to_string(),
            correlation_id: self.correlation,
            causation_id: self.causation,
            idempotency_key: self.idempotency.as_ref().map(|it| it.key.as_str()),
            trace: self.trace.as_deref(),
        })
    }
}

/// Part of the format of events: add optional fields, change nothing else.
#[derive(Serialize)]
struct Metadata<'a> {
    actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
}

#[cfg(test)]
mod tests;
