//! How a request finds its jobs: look, take, and else wait to be woken.
//!
//! What is found is a hint, and who comes too late looks again. A request never
//! falls asleep while there may be something that nobody has claimed.

use std::{collections::HashSet, sync::Arc, time::Duration};

use commands::{Asked, CommandError, lease::Granted};
use domain::{LeaseId, WorkerId};
use futures::future::join_all;
use projections::dispatch::{Claim, Waiting};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;
use uuid::Uuid;

use super::super::{Shared, WorkerApi, caller::Entry, refused, requests::Turn};
use crate::problem::Problem;

/// How long a waiting request trusts that it would be woken.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(4);

/// How far apart those who look again at the same time are spread.
const LOOK_AGAIN_SPREAD_MS: u128 = 2_000;

/// How often a request looks at once when others were faster.
const ROUNDS_MAX: u32 = 5;

/// How long it then lets the others go first.
const AFTER_YOU: Duration = Duration::from_millis(50);

/// Work that is looked for.
pub(super) struct Wanted {
    pub(super) worker: WorkerId,
    pub(super) services: Arc<[String]>,
    pub(super) max: usize,
    pub(super) request: Uuid,
    pub(super) asked: Asked,
    pub(super) until: Instant,
    pub(super) entry: Entry,
}

/// What a look has found.
enum Look {
    Granted(Vec<Granted>),
    /// There is nothing that nobody has claimed.
    Nothing,
    /// Others were faster, and there may be more.
    TooSlow,
}

/// What became of some claims.
#[derive(Default)]
struct Round {
    granted: Vec<Granted>,
    /// Those that cannot be granted, or not any more.
    passed: Vec<Claim>,
    /// How many cannot be read, and were set aside.
    aside: usize,
    problem: Option<Problem>,
}

impl WorkerApi {
    /// Looks for work, and waits for it. A worker that was given up on while
    /// it waited may be frozen, with its connection open: it gets nothing until
    /// it asks again. Neither does one whose token was revoked while it waited, or
    /// is for other services now.
    pub(super) async fn find(
        &self,
        wanted: Arc<Wanted>,
        turn: Turn,
    ) -> Result<Vec<Granted>, Problem> {
        let (waiting, drain) = (&self.0.around.waiting, &self.0.around.drain);
        let turn = Arc::new(turn);
        let mut woken: Option<Waiting> = None;
        let mut held: Option<HashSet<LeaseId>> = None;
        loop {
            let mut next = waiting.wait(Arc::clone(&wanted.services));
            if let Some(held) = &held
                && self.0.lost_any(wanted.worker, held).await?
            {
                return Ok(Vec::new());
            }
            if !self.0.still_lets_in(&wanted.entry).await? {
                return Ok(Vec::new());
            }
            let look = self.look(&wanted, &turn).await?;
            if let Some(woken) = woken.take() {
                woken.answered();
            }
            let pause = match look {
                Look::Granted(granted) => return Ok(granted),
                Look::Nothing => LOOK_AGAIN_AFTER + wanted.spread(),
                Look::TooSlow => AFTER_YOU,
            };
            if held.is_none() {
                held = Some(self.0.held_by(wanted.worker).await?);
            }
            tokio::select! {
                () = next.woken() => woken = Some(next),
                () = sleep_until(wanted.until.min(Instant::now() + pause)) => {}
                () = turn.given_up.cancelled() => return Ok(Vec::new()),
                () = drain.cancelled() => return Ok(Vec::new()),
            }
            if wanted.until <= Instant::now() || turn.given_up.is_cancelled() {
                return Ok(Vec::new());
            }
        }
    }

    /// Takes what there is. What it has begun to grant is granted, even if
    /// whoever asked has gone: who asks again finds it. What cannot be granted
    /// is seen past: jobs that are broken do not keep the others waiting, however
    /// many they are.
    async fn look(&self, wanted: &Arc<Wanted>, turn: &Arc<Turn>) -> Result<Look, Problem> {
        let (reader, waiting) = (&self.0.around.reader, &self.0.around.waiting);
        // Claimed until the look is over, so that it finds others.
        let mut passed: Vec<Claim> = Vec::new();
        let mut problem = None;
        let mut rounds = 0;
        while rounds < ROUNDS_MAX {
            rounds += 1;
            let limit = wanted.max + waiting.claimed();
            let rows = u32::try_from(limit).unwrap_or(u32::MAX);
            let candidates = reader.candidates(&wanted.services, rows).await;
            let candidates = candidates.map_err(|error| refused::unavailable(&error))?;
            let all_seen = candidates.len() < limit;
            let claims = candidates.into_iter().filter_map(|it| waiting.claim(it));
            let claims: Vec<Claim> = claims.take(wanted.max).collect();
            match (claims.is_empty(), all_seen) {
                (true, true) => return Ok(Look::Nothing),
                (true, false) => continue,
                (false, _) => {}
            }
            let (api, wanted, turn) = (self.clone(), Arc::clone(wanted), Arc::clone(turn));
            let span = tracing::Span::current();
            let grant = async move {
                let granted = api.0.grant_all(claims, &wanted).await;
                drop(turn);
                granted
            };
            let round = self.0.grants.spawn(grant.instrument(span)).await;
            let round = round.map_err(|panic| refused::unavailable(&panic))?;
            if !round.granted.is_empty() {
                return Ok(Look::Granted(round.granted));
            }
            if 0 < round.aside && round.problem.is_none() {
                // It was not in vain: those are out of the way.
                rounds -= 1;
            }
            passed.extend(round.passed);
            problem = round.problem.or(problem);
        }
        // Not so many are broken: something is that all of them need.
        problem.map_or(Ok(Look::TooSlow), Err)
    }
}

impl Wanted {
    /// The same for one worker, another for the next: they do not look at the
    /// same moment.
    fn spread(&self) -> Duration {
        let ms = u64::try_from(self.worker.0.as_u128() % LOOK_AGAIN_SPREAD_MS);
        Duration::from_millis(ms.unwrap_or_default())
    }
}

impl Shared {
    /// Grants all at once, so that they are written together. What was granted
    /// is worth more than what went wrong.
    async fn grant_all(&self, claims: Vec<Claim>, wanted: &Wanted) -> Round {
        let commands = &self.around.commands;
        let grant = async |claim: &Claim| {
            commands.grant(claim.job(), wanted.worker, Some(wanted.request), &wanted.asked).await
        };
        let outcomes = join_all(claims.iter().map(grant)).await;
        let mut round = Round::default();
        for (claim, outcome) in claims.into_iter().zip(outcomes) {
            match outcome {
                Ok(Some(lease)) => round.granted.push(lease),
                Ok(None) => round.passed.push(claim),
                Err(CommandError::Contended) => {}
                Err(error @ (CommandError::Refused(_) | CommandError::Broken(_))) => {
                    metrics::counter!("greffe_grants_failed_total").increment(1);
                    let job = claim.job();
                    tracing::error!(%job, error = %error, "a job that is queued cannot be granted");
                    let claim = if error.is_damage() { claim.set_aside() } else { Err(claim) };
                    match claim {
                        Ok(()) => round.aside += 1,
                        Err(claim) => {
                            round.problem = Some(refused::command(&error));
                            round.passed.push(claim);
                        }
                    }
                }
            }
        }
        for it in &round.granted {
            let service = it.spec.service().to_string();
            metrics::counter!("greffe_leases_granted_total", "service" => service).increment(1);
        }
        round
    }
}
