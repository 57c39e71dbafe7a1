//! Events, as they stand in the journal: for those who want to know exactly.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use projections::Fact;
use serde_json::Value;

use super::{
    access, budget,
    fault::{Result, internal},
    paging::{count, limit},
    scalar::{DateTime, Long, Position},
    sides,
};

/// An event, and where it stands.
pub(super) struct Event(pub(super) Arc<Fact>);

/// Something that happened, as it was recorded: never changed, never deleted.
#[Object]
impl Event {
    /// Names it; a UUID.
    async fn id(&self) -> ID {
        self.0.recorded.event_id.into()
    }

    /// Its place in the journal.
    async fn position(&self) -> Position {
        Position(self.0.position())
    }

    /// What it happened to: a category and an id, such as `job-0192f1c4-…`.
    async fn stream(&self) -> &str {
        self.0.recorded.stream.as_str()
    }

    /// Its place in its stream, from 1.
    async fn version(&self) -> Long {
        Long(self.0.recorded.version)
    }

    /// What kind of thing happened, such as `LeaseGranted`.
    #[graphql(name = "type")]
    async fn event_type(&self) -> &str {
        &self.0.recorded.event_type
    }

    /// Which shape its payload has, from 1.
    async fn schema_version(&self) -> i32 {
        self.0.recorded.schema_version.into()
    }

    /// When the journal took it in; never earlier than the event before it.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.0.at())
    }

    /// On whose behalf: `user:…`, `client:…`, `worker:…` or `system:…`.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// What happened.
    #[expect(clippy::unused_async, reason = "a resolver is async, whether or not it waits")]
    async fn payload(&self) -> Result<Value> {
        parsed(&self.0.recorded.payload)
    }

    /// Who asked, and why: actor, correlation, cause. For admins and operators; null for others.
    #[expect(clippy::unused_async, reason = "a resolver is async, whether or not it waits")]
    async fn metadata(&self, ctx: &Context<'_>) -> Result<Option<Value>> {
        if access::auditor(ctx).is_err() {
            return Ok(None);
        }
        parsed(&self.0.recorded.metadata).map(Some)
    }

    /// The SHA-256 over stream, version, id, type, schema version, metadata and payload, as they
    /// are stored.
    async fn hash(&self) -> String {
        hex::encode(self.0.recorded.hash.0)
    }

    /// Whether those still are the bytes that the hash was made of.
    async fn intact(&self) -> bool {
        self.0.recorded.is_intact()
    }
}

fn parsed(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|it| internal(&it))
}

/// Questions about the journal.
#[derive(Default)]
pub(super) struct EventQueries;

#[Object]
impl EventQueries {
    /// All events, oldest first, whatever they happened to. For admins and operators.
    #[graphql(complexity = "count(first, None) * child_complexity + 1")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those after this position; from the beginning, if it is not said.")]
        after: Option<Position>,
        #[graphql(desc = "How many at most: 50, or up to 100.")] first: Option<i32>,
    ) -> Result<Vec<Event>> {
        access::auditor(ctx)?;
        let limit = limit("first", first)?;
        budget::spend(ctx, limit)?;
        let facts = sides(ctx).feed.read(after.map_or(0, |it| it.0), limit as usize).await?;
        Ok(facts.into_iter().map(Event).collect())
    }
}
