//! How an executor finds its jobs: what it sees is a hint, the journal alone
//! decides who gets one.

use commands::{CommandError, lease::Granted};
use projections::dispatch::Claim;

use super::session::Session;
use crate::patrol::Interrupted;

/// How often one looks at once when others were faster.
const ROUNDS_MAX: u32 = 5;

/// What a look has found.
pub(super) enum Look {
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
    broken: Option<CommandError>,
}

impl Session {
    /// Takes what there is, at most `free` jobs. Not to be interrupted: what was
    /// granted is held by nobody then. What cannot be granted is seen past: jobs
    /// that are broken do not keep the others waiting, however many they are.
    pub(super) async fn look(&self, free: usize) -> Result<Look, Interrupted> {
        let (reader, waiting) = (&self.executor.reader, &self.executor.waiting);
        let services = [self.executor.execute.service().to_string()];
        // Claimed until the look is over, so that it finds others.
        let mut passed: Vec<Claim> = Vec::new();
        let mut broken = None;
        let mut rounds = 0;
        while rounds < ROUNDS_MAX {
            rounds += 1;
            let limit = free + waiting.claimed();
            let rows = u32::try_from(limit).unwrap_or(u32::MAX);
            let candidates = reader.candidates(&services, rows).await?;
            let all_seen = candidates.len() < limit;
            let claims = candidates.into_iter().filter_map(|it| waiting.claim(it));
            let claims: Vec<Claim> = claims.take(free).collect();
            if claims.is_empty() {
                if all_seen {
                    return Ok(Look::Nothing);
                }
                continue;
            }
            let round = self.grant_all(claims).await;
            if !round.granted.is_empty() {
                return Ok(Look::Granted(round.granted));
            }
            if 0 < round.aside && round.broken.is_none() {
                // It was not in vain: those are out of the way.
                rounds -= 1;
            }
            passed.extend(round.passed);
            broken = round.broken.or(broken);
        }
        // Not so many are broken: something is that all of them need.
        broken.map_or(Ok(Look::TooSlow), |error| Err(Interrupted::Command(error)))
    }

    /// What was granted is worth more than what went wrong.
    async fn grant_all(&self, claims: Vec<Claim>) -> Round {
        let mut round = Round::default();
        for claim in claims {
            let (commands, job) = (&self.executor.commands, claim.job());
            match commands.grant(job, self.worker, None, &self.asked).await {
                Ok(Some(lease)) => round.granted.push(lease),
                Ok(None) => round.passed.push(claim),
                Err(CommandError::Contended) => {}
                Err(error @ (CommandError::Refused(_) | CommandError::Broken(_))) => {
                    metrics::counter!("greffe_grants_failed_total").increment(1);
                    let cause: &(dyn std::error::Error + 'static) = &error;
                    tracing::error!(%job, error = cause, "a job that is queued cannot be granted");
                    let claim = if error.is_damage() { claim.set_aside() } else { Err(claim) };
                    match claim {
                        Ok(()) => round.aside += 1,
                        Err(claim) => {
                            round.broken = Some(error);
                            round.passed.push(claim);
                        }
                    }
                }
            }
        }
        let service = self.executor.execute.service().to_string();
        metrics::counter!("greffe_leases_granted_total", "service" => service)
            .increment(round.granted.len() as u64);
        round
    }
}
