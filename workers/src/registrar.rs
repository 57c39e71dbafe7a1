//! Gives what one person owned to another, when an administrator has said so:
//! every job, every land, every file that they sent.
//!
//! What they owned is what the journal says, up to the event that is answered.
//! What they have made since is theirs, and what somebody has given away
//! meanwhile is let be. Each thing is given under a key made of the event's
//! position and its own id, so that nothing goes twice, whoever dies.

use std::{sync::Arc, time::Duration};

use artifacts::Artifacts;
use commands::{Asked, Command, CommandError, Commands};
use domain::{
    Actor, JobId, LandId, UserId, account::AccountEvent, actor::Component, decode::Event,
    job::JobCommand, land::LandCommand,
};
use projections::{
    Fact, Projection, Reader, Subject, Viewer,
    checkpoint::Checkpoints,
    feed::Feed,
    job_list::{JobFilter, JobList, JobOrder, Paging},
    land::{LandFilter, LandOrder, LandPaging, Lands},
    schema::Tables,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::reactor::{Following, Held, Interrupted, Reactor};

/// How many things are looked at between two signs of life.
const PAGE: u32 = 100;

/// How long a table may take to get where the journal is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Gives what one person owned to another.
#[derive(Clone)]
pub struct Registrar {
    /// Where the files are.
    pub artifacts: Artifacts,
    /// The way to jobs and lands.
    pub commands: Commands,
    /// The journal, followed.
    pub feed: Arc<Feed>,
    /// Says what somebody may own.
    pub reader: Reader,
    /// Remembers how far it has come.
    pub checkpoints: Checkpoints,
    /// What this process calls itself.
    pub owner: Uuid,
}

/// What is to go from whom to whom.
#[derive(Clone, Copy)]
struct Transfer {
    from: UserId,
    to: UserId,
    /// Where somebody said so.
    position: u64,
}

impl Registrar {
    /// Follows the journal until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let (feed, checkpoints) = (Arc::clone(&self.feed), self.checkpoints.clone());
        Following { feed, checkpoints, owner: self.owner }.run(self, stop).await;
    }

    /// What is in the journal by now is in the table: also what an earlier
    /// transfer has brought.
    async fn caught_up(&self, tables: Tables, turn: &Held) -> Result<(), Interrupted> {
        let head = self.checkpoints.journal_head().await?;
        turn.still_ours().await?;
        Ok(self.checkpoints.reached(tables, head, PATIENCE).await??)
    }

    async fn give_jobs(&self, transfer: Transfer, turn: &Held) -> Result<(), Interrupted> {
        self.caught_up(JobList::TABLES, turn).await?;
        let filter = JobFilter { owner: Some(transfer.from), ..JobFilter::default() };
        let mut after = None;
        loop {
            let paging = Paging { limit: PAGE, after, before: None, from_end: false };
            let page = self.reader.jobs(&filter, JobOrder::Oldest, paging, Viewer::All).await?;
            for row in &page.rows {
                let job = row.id;
                self.give(Subject::Job(job), transfer, |from, to| job_to(job, from, to)).await?;
            }
            let Some(last) = page.rows.last().filter(|_| page.more) else { return Ok(()) };
            after = Some(last.created_position);
            turn.still_ours().await?;
        }
    }

    async fn give_lands(&self, transfer: Transfer, turn: &Held) -> Result<(), Interrupted> {
        self.caught_up(Lands::TABLES, turn).await?;
        let filter = LandFilter { owner: Some(transfer.from), ..LandFilter::default() };
        let mut after = None;
        loop {
            let paging = LandPaging { limit: PAGE, after };
            let found = self.reader.lands(&filter, LandOrder::Oldest, paging, Viewer::All).await?;
            for row in &found.rows {
                let land = row.id;
                self.give(Subject::Land(land), transfer, |from, to| land_to(land, from, to))
                    .await?;
            }
            let Some(last) = found.rows.last().filter(|_| found.more) else { return Ok(()) };
            after = Some(last.created_position);
            turn.still_ours().await?;
        }
    }

    /// Gives one thing, if it was theirs by then and still is.
    async fn give(
        &self,
        what: Subject,
        transfer: Transfer,
        command: impl FnOnce(UserId, UserId) -> (Uuid, Command),
    ) -> Result<(), Interrupted> {
        let Transfer { from, to, position } = transfer;
        let owned = self.feed.owned(what).await?;
        if !owned.is_some_and(|it| it.owner == from && it.since <= position) {
            return Ok(());
        }
        let (id, command) = command(from, to);
        let asked =
            Asked { causation: Some(position), ..Asked::by(Actor::System(Component::Registrar)) };
        let asked = asked.once(format!("registrar/{position}/{id}"), digest(to));
        match self.commands.execute(command, asked).await {
            Ok(_) => Ok(()),
            // It is gone, or another's by now.
            Err(CommandError::Refused(refusal)) => {
                tracing::info!(%id, position, %refusal, "is not given to somebody else");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Reactor for Registrar {
    const NAME: &'static str = "registrar";

    async fn answer(&mut self, fact: &Fact, turn: &Held) -> Result<(), Interrupted> {
        let (Subject::Account(from), Event::Account(AccountEvent::OwnershipTransferred(it))) =
            (fact.subject, &fact.event)
        else {
            return Ok(());
        };
        let (to, position) = (it.to, fact.position());
        let transfer = Transfer { from, to, position };
        self.give_jobs(transfer, turn).await?;
        self.give_lands(transfer, turn).await?;
        self.artifacts.give_uploads(from.0, to.0, fact.at()).await?;
        tracing::info!(%from, %to, position, "what somebody owned is another's now");
        Ok(())
    }

    async fn idle(&mut self) -> Result<(), Interrupted> {
        Ok(())
    }
}

fn job_to(job: JobId, from: UserId, to: UserId) -> (Uuid, Command) {
    (job.0, Command::Job(job, JobCommand::TransferJob { from: Some(from), to }))
}

fn land_to(land: LandId, from: UserId, to: UserId) -> (Uuid, Command) {
    (land.0, Command::Land(land, LandCommand::TransferLand { from: Some(from), to }))
}

/// What the key came with: the rest of the input is in the key.
fn digest(to: UserId) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(to.0.as_bytes());
    digest
}
