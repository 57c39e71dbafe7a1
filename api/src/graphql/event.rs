//! Events, as they stand in the journal: for those who want to know exactly.

use async_graphql::{Context, ID, Object};
use projections::fact::Entry;

use super::{
    access, budget,
    fault::{Result, internal},
    paging::{count, limit},
    scalar::{DateTime, Json, Long, Position},
    sides,
};

/// An event, and where it stands.
pub(super) struct Event(pub(super) Entry);

/// Something that happened, as it was recorded: never changed, never deleted.
#[Object]
impl Event {
    /// Names it; a UUID.
    async fn id(&self) -> ID {
        self.0.event_id.into()
    }

    /// Its place in the journal.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }

    /// What it happened to: a category and an id, such as `job-0192f1c4-…`.
    async fn stream(&self) -> &str {
        self.0.stream.as_str()
    }

    /// Its place in its stream, from 1.
    async fn version(&self) -> Long {
        Long(self.0.version)
    }

    /// What kind of thing happened, such as `LeaseGranted`.
    #[graphql(name = "type")]
    async fn event_type(&self) -> &str {
        &self.0.event_type
    }

    /// Which shape its payload has, from 1.
    async fn schema_version(&self) -> i32 {
        self.0.schema_version.into()
    }

    /// When the journal took it in; never earlier than the event before it.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.0.recorded_at)
    }

    /// On whose behalf: `user:…`, `client:…`, `worker:…` or `system:…`.
    #[expect(clippy::unused_async, reason = "a resolver is async, whether or not it waits")]
    async fn actor(&self) -> Result<String> {
        self.0.actor().map_err(|it| internal(&it))
    }

    /// What happened. Of one answer, it costs one item of a list for every 4 KiB.
    #[expect(clippy::unused_async, reason = "a resolver is async, whether or not it waits")]
    async fn payload(&self, ctx: &Context<'_>) -> Result<Json> {
        read(ctx, &self.0.payload)
    }

    /// Who asked, and why: actor, correlation, cause. For admins and operators; null for others.
    #[expect(clippy::unused_async, reason = "a resolver is async, whether or not it waits")]
    async fn metadata(&self, ctx: &Context<'_>) -> Result<Option<Json>> {
        if access::auditor(ctx).is_err() {
            return Ok(None);
        }
        read(ctx, &self.0.metadata).map(Some)
    }

    /// The SHA-256 over stream, version, id, type, schema version, metadata and payload, as they
    /// are stored.
    async fn hash(&self) -> String {
        hex::encode(self.0.hash.0)
    }

    /// Whether those still are the bytes that the hash was made of.
    async fn intact(&self) -> bool {
        self.0.is_intact()
    }
}

fn read(ctx: &Context<'_>, text: &str) -> Result<Json> {
    budget::spend_bytes(ctx, text.len() as u64)?;
    Json::read(text)
}

/// What these take.
pub(super) fn bytes(events: &[Entry]) -> u64 {
    events.iter().map(Entry::bytes).sum()
}

/// Questions about the journal.
#[derive(Default)]
pub(super) struct EventQueries;

#[Object]
impl EventQueries {
    /// All events, oldest first, whatever they happened to. Fewer come where they are large; none
    /// only if there is none. For admins and operators.
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
        let after = after.map_or(0, |it| it.0);
        let feed = &sides(ctx).feed;
        let events = async { Ok(feed.recorded(after, limit as usize).await?) };
        let events = budget::spend_on_read(ctx, events, |it| bytes(it)).await?;
        Ok(events.into_iter().map(Event).collect())
    }
}
