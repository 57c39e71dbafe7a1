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
            Err(CommandError::Contended) => Err(IdentityError::Contended),
            Err(error) if error.passes() => Err(IdentityError::Unavailable(error.into())),
            Err(error) => Err(IdentityError::Broken(error.into())),
        }
    }

    async fn after(&self, subject: Subject, version: u64) -> Result<Vec<Told>, IdentityError> {
        let subject = match subject {
            Subject::Account(id) => projections::Subject::Account(UserId(id)),
            Subject::Client(id) => projections::Subject::Client(ClientId(id)),
        };
        let facts = self.feed.events_of(subject, version, PAGE).await;
        let facts = facts.map_err(|error| {
            let passes = error.passes();
            let why = if passes { IdentityError::Unavailable } else { IdentityError::Broken };
            why(error.into())
        })?;
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

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use commands::Services;
    use identity::Happening;
    use journal::postgres::PostgresJournal;
    use projections::dispatch::inline_folds;
    use sqlx::{Connection, PgConnection};
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_journal_out_of_reach_is_not_a_damaged_one() {
        let database = postgres::testing::Database::create().await;
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        sqlx::migrate!("../migrations").run(&mut connection).await.unwrap();
        let settings = journal::postgres::Settings::default();
        let journal = PostgresJournal::connect(database.url(), settings, inline_folds());
        let journal = Arc::new(journal.await.unwrap());
        journal.close().await;
        let at = DateTime::UNIX_EPOCH;
        let (clock, ids) = (Arc::new(move || at), Arc::new(Uuid::nil));
        let services = Services::try_new(Vec::new()).unwrap();
        let commands = Commands::new(Arc::clone(&journal) as _, services, clock, ids);
        let recording = Recording { commands, feed: Arc::new(Feed::new(journal)) };
        let subject = Subject::Account(Uuid::nil());
        let entry = Entry { by: Author::Console, subject, what: Happening::Disabled, at };
        let recorded = recording.record(entry).await;
        assert!(matches!(recorded, Err(IdentityError::Unavailable(_))), "{recorded:?}");
        let read = recording.after(subject, 0).await;
        assert!(matches!(read, Err(IdentityError::Unavailable(_))), "{read:?}");
    }
}
