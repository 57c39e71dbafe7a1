//! The ledger of `identity`, over the two sides.

use std::sync::Arc;

use async_trait::async_trait;
use commands::{Asked, CommandError, Commands};
use domain::{Actor, ClientId, UserId, actor::Component};
use identity::{Author, Entry, IdentityError, Ledger, Refusal, Subject, Told};
use projections::feed::Feed;

use super::translation::{command, told};
use crate::viewer::role_of;

/// How many events of a subject are taken in at a time.
const PAGE: usize = 1_000;

/// Records by commands, and reads back what they led to.
#[derive(Clone)]
pub struct Recording {
    /// The way to the journal.
    pub commands: Commands,
    /// The way back.
    pub feed: Arc<Feed>,
}

#[async_trait]
impl Ledger for Recording {
    async fn record(&self, entry: Entry) -> Result<(), IdentityError> {
        let command = command(entry.subject, entry.what)?;
        let asked = Asked::by(actor(entry.by));
        match self.commands.execute(command, asked).await {
            Ok(_) => Ok(()),
            Err(CommandError::Refused(refusal)) => Err(Refusal::NotRecorded {
                code: refusal.code(),
                field: refusal.field().map(str::to_owned),
                message: refusal.to_string(),
            }
            .into()),
            Err(error) => Err(IdentityError::Broken(error.into())),
        }
    }

    async fn after(&self, subject: Subject, version: u64) -> Result<Vec<Told>, IdentityError> {
        let subject = match subject {
            Subject::Account(id) => projections::Subject::Account(UserId(id)),
            Subject::Client(id) => projections::Subject::Client(ClientId(id)),
        };
        let facts = self.feed.events_of(subject, version, PAGE).await;
        let facts = facts.map_err(|error| IdentityError::Broken(error.into()))?;
        facts.iter().map(|it| told(it)).collect()
    }
}

fn actor(author: Author) -> Actor {
    match author {
        Author::Console => Actor::System(Component::Console),
        Author::Registrar => Actor::System(Component::Registrar),
        Author::User { id, role } => Actor::User { id: UserId(id), role: role_of(role) },
    }
}
