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

impl Session {
    /// Takes what there is, at most `free` jobs. Not to be interrupted: what was
    /// granted is held by nobody then.
    pub(super) async fn look(&self, free: usize) -> Result<Look, Interrupted> {
        let (reader, waiting) = (&self.executor.reader, &self.executor.waiting);
        let services = [self.executor.execute.service().to_string()];
        for _ in 0..ROUNDS_MAX {
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
            let granted = self.grant_all(claims).await?;
            if !granted.is_empty() {
                return Ok(Look::Granted(granted));
            }
        }
        Ok(Look::TooSlow)
    }

    /// What was granted is worth more than what went wrong.
    async fn grant_all(&self, claims: Vec<Claim>) -> Result<Vec<Granted>, Interrupted> {
        let (mut granted, mut interrupted) = (Vec::new(), None);
        for claim in claims {
            let commands = &self.executor.commands;
            match commands.grant(claim.job(), self.worker, None, &self.asked).await {
                Ok(lease) => granted.extend(lease),
                Err(CommandError::Contended) => {}
                Err(error @ (CommandError::Refused(_) | CommandError::Broken(_))) => {
                    interrupted = Some(Interrupted::Command(error));
                }
            }
        }
        let service = self.executor.execute.service().to_string();
        metrics::counter!("greffe_leases_granted_total", "service" => service)
            .increment(granted.len() as u64);
        match interrupted {
            Some(interrupted) if granted.is_empty() => Err(interrupted),
            Some(_) | None => Ok(granted),
        }
    }
}
