//! How far the journal has come, and how far behind it what is computed from it.

use async_graphql::{Context, Object, SimpleObject};
use projections::schema;

use super::{
    access,
    fault::Result,
    scalar::{Long, Position},
    sides,
};

/// The journal, as a whole.
#[derive(SimpleObject)]
pub(super) struct Journal {
    /// The position of the last event.
    head: Position,
    /// What is computed from it.
    projections: Vec<ProjectionStatus>,
}

/// How far a projection has come.
#[derive(SimpleObject)]
pub(super) struct ProjectionStatus {
    /// What it is called.
    name: String,
    /// Which version of it is served.
    version: i32,
    /// Whether it moves with the journal itself, so that it is never behind.
    inline: bool,
    /// The position that it has taken in.
    checkpoint: Position,
    /// How many events it is behind.
    lag: Long,
}

/// Questions about the journal as a whole.
#[derive(Default)]
pub(super) struct JournalQueries;

#[Object]
impl JournalQueries {
    /// How far the journal has come, and what is computed from it. For those who have signed in.
    async fn journal(&self, ctx: &Context<'_>) -> Result<Journal> {
        access::signed_in(ctx)?;
        let checkpoints = &sides(ctx).checkpoints;
        let head = checkpoints.journal_head().await?;
        let mut projections = Vec::new();
        for tables in schema::ALL {
            let inline = schema::is_inline(&tables);
            let checkpoint = if inline { head } else { checkpoints.of(tables).await? };
            projections.push(ProjectionStatus {
                name: tables.name.to_owned(),
                version: tables.version.into(),
                inline,
                checkpoint: Position(checkpoint),
                lag: Long(head.saturating_sub(checkpoint)),
            });
        }
        Ok(Journal { head: Position(head), projections })
    }
}
