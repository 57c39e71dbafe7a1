//! Looks after accounts unasked, in every process that answers or schedules.
//!
//! It follows the journal from where anybody has kept it last. What happened to
//! an account takes effect, if the process that had it recorded has not seen
//! to it; whoever came in by what has ended is told. Beside that it has letters
//! written and sent, an event first, then the mail: however long a mail server
//! takes, nobody stays in for it.

use std::{error::Error, time::Duration};

use commands::Clock;
use domain::{Timestamp, UserId, account::AccountEvent, client::ClientEvent, decode::Event};
use identity::{Identity, IdentityError};
use projections::{
    Fact, Subject,
    feed::{Feed, FeedError},
};
use std::sync::Arc;
use tokio::time::{Instant, error::Elapsed, timeout};
use tokio_util::sync::CancellationToken;

use super::{Endings, Post};

/// How many events are read at a time.
const BATCH: usize = 1_000;

/// How often one looks for letters, and keeps how far one has come.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often what is over is removed.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// Looks after accounts.
#[derive(Clone)]
pub struct Keeper {
    /// The tables.
    pub identity: Identity,
    /// What happens.
    pub feed: Arc<Feed>,
    /// Who is to hear of it.
    pub endings: Endings,
    /// Who sends letters; nobody in a process that does not act unasked.
    pub post: Option<Post>,
    /// Tells the time.
    pub clock: Clock,
    /// How long the database may take for a round. A connection to one that is
    /// gone without a word is not waited for longer.
    pub round_takes_max: Duration,
}

/// Why it has to try again.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error("the database does not answer")]
    Silent(#[from] Elapsed),
}

impl Keeper {
    /// Keeps on until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        tokio::join!(self.follow(&stop), self.write(&stop));
    }

    async fn follow(&self, stop: &CancellationToken) {
        let mut at = None;
        let mut swept_at = Instant::now();
        let mut head = self.feed.head();
        while !stop.is_cancelled() {
            let round = timeout(self.round_takes_max, self.round(&mut at, &mut swept_at)).await;
            noted("accounts", round.unwrap_or_else(|silence| Err(silence.into())));
            tokio::select! {
                () = stop.cancelled() => return,
                woken = timeout(LOOK_EVERY, head.changed()) => drop(woken),
            }
        }
    }

    async fn write(&self, stop: &CancellationToken) {
        let Some(post) = &self.post else { return };
        while !stop.is_cancelled() {
            noted("letters", self.send_letters(post, stop).await);
            drop(timeout(LOOK_EVERY, stop.cancelled()).await);
        }
    }

    async fn round(&self, at: &mut Option<u64>, swept_at: &mut Instant) -> Result<(), Interrupted> {
        let mut position = match *at {
            Some(position) => position,
            None => self.identity.checkpoint().await?,
        };
        loop {
            let facts = self.feed.read(position, BATCH).await?;
            let Some(last) = facts.last() else { break };
            for fact in &facts {
                self.take_in(fact).await?;
                // However the round ends: the next one goes on from here.
                *at = Some(fact.position());
            }
            position = last.position();
            self.identity.keep_checkpoint(position).await?;
        }
        *at = Some(position);
        if self.post.is_some() && SWEEP_EVERY <= swept_at.elapsed() {
            self.identity.sweep(self.now()).await?;
            *swept_at = Instant::now();
        }
        Ok(())
    }

    async fn take_in(&self, fact: &Fact) -> Result<(), Interrupted> {
        let subject = match fact.subject {
            Subject::Account(id) => identity::Subject::Account(id.0),
            Subject::Client(id) => identity::Subject::Client(id.0),
            Subject::Job(_) | Subject::Worker(_) | Subject::Land(_) => return Ok(()),
        };
        if !self.identity.has_taken_in(subject, fact.recorded.version).await? {
            self.identity.follow(subject).await?;
        }
        self.tell(fact);
        Ok(())
    }

    /// What this process believed is forgotten before anybody is told, so that
    /// nobody comes in again by what has ended.
    fn tell(&self, fact: &Fact) {
        let Some(ended) = ended(fact) else { return };
        self.identity.forget();
        match ended {
            Ended::Nobody => {}
            Ended::One(user, through) => self.endings.end(user, through),
            Ended::All(user, but) => self.endings.end_all(user, but),
        }
    }

    async fn send_letters(&self, post: &Post, stop: &CancellationToken) -> Result<(), Interrupted> {
        let takes_max = self.round_takes_max;
        timeout(takes_max, self.identity.answer_wishes(self.now())).await??;
        for letter in timeout(takes_max, self.identity.take_letters(self.now())).await?? {
            // What was taken and is not sent is taken again.
            if stop.is_cancelled() {
                break;
            }
            match post.send(&letter).await {
                Ok(()) => {
                    timeout(takes_max, self.identity.letter_sent(letter.id, self.now())).await??;
                }
                Err(error) => {
                    let error: &(dyn Error + Send + Sync) = &error;
                    tracing::warn!(letter = %letter.id, error, "a letter is tried again later");
                }
            }
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// Says that a round was not done to its end.
fn noted(part: &'static str, round: Result<(), Interrupted>) {
    let Err(error) = round else { return };
    let error: &(dyn Error + Send + Sync) = &error;
    metrics::counter!("greffe_rounds_interrupted_total", "part" => part).increment(1);
    tracing::warn!(error, part, "accounts are not looked after just now");
}

/// Whose way in has ended.
enum Ended {
    /// Nobody's, but something is to be looked at anew.
    Nobody,
    One(UserId, uuid::Uuid),
    All(UserId, Option<uuid::Uuid>),
}

fn ended(fact: &Fact) -> Option<Ended> {
    match (&fact.subject, &fact.event) {
        (Subject::Account(user), Event::Account(event)) => of_account(*user, event),
        (Subject::Client(client), Event::Client(event)) => {
            // What a client does is done as by a user of its id.
            let user = UserId(client.0);
            Some(match event {
                ClientEvent::ClientRegistered(_) | ClientEvent::ClientQuotasChanged(_) => {
                    return None;
                }
                ClientEvent::ClientChanged(_)
                | ClientEvent::SecretRotated(_)
                | ClientEvent::ClientDisabled(_) => Ended::All(user, None),
            })
        }
        _ => None,
    }
}

fn of_account(user: UserId, event: &AccountEvent) -> Option<Ended> {
    match event {
        AccountEvent::UserInvited(_)
        | AccountEvent::UserRegistered(_)
        | AccountEvent::PasswordResetRequested(_)
        | AccountEvent::SessionStarted(_)
        | AccountEvent::TokenGranted(_)
        | AccountEvent::OwnershipTransferred(_) => None,
        AccountEvent::UserEnabled(_) => Some(Ended::Nobody),
        // Whoever talks under another role must come in anew.
        AccountEvent::RoleChanged(_)
        | AccountEvent::UserDisabled(_)
        | AccountEvent::SessionsEnded(_) => Some(Ended::All(user, None)),
        AccountEvent::PasswordChanged(it) => Some(Ended::All(user, it.kept)),
        AccountEvent::SessionEnded(it) => Some(Ended::One(user, it.session)),
        AccountEvent::TokenRevoked(it) => Some(Ended::One(user, it.token)),
    }
}
