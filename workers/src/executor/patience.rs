//! What is out of reach for a moment costs no attempt.

use std::time::Duration;

use artifacts::ArtifactError;
use commands::CommandError;
use projections::feed::FeedError;
use tokio::time::{Instant, sleep};

use super::attempt::Handle;

/// How long one waits for what is out of reach. If that is the database, the
/// lease is in doubt by then, and given back. If it is the store alone, the
/// attempt has failed: the pauses between attempts are longer.
const AWAY_MAX: Duration = Duration::from_secs(20);

/// How long one waits before the second try. Others may just have been faster.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// The longest time between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// An error that may pass by itself.
pub(crate) trait Passing: std::error::Error + 'static {
    /// Whether it passes by itself: what is needed is out of reach.
    fn passes(&self) -> bool;
}

impl Passing for CommandError {
    fn passes(&self) -> bool {
        CommandError::passes(self)
    }
}

impl Passing for FeedError {
    fn passes(&self) -> bool {
        FeedError::passes(self)
    }
}

impl Passing for ArtifactError {
    fn passes(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl Handle {
    /// Does something again and again while what it needs is out of reach, and
    /// until the attempt is to stop. It must not matter how often it is done.
    pub(crate) async fn patiently<T, E: Passing, F: Future<Output = Result<T, E>>>(
        &self,
        what: impl Fn() -> F,
    ) -> Result<T, E> {
        let (begun, stopping) = (Instant::now(), self.stopping());
        let mut pause = TRY_AGAIN_AFTER;
        loop {
            let error = match what().await {
                Err(error) if error.passes() && begun.elapsed() < AWAY_MAX => error,
                done => return done,
            };
            told(&error);
            tokio::select! {
                biased;
                () = stopping.cancelled() => return Err(error),
                () = sleep(pause) => pause = PAUSE_MAX.min(pause * 2),
            }
        }
    }
}

fn told(error: &impl Passing) {
    let cause: &(dyn std::error::Error + 'static) = error;
    tracing::warn!(error = cause, "an attempt waits for what is out of reach");
}
