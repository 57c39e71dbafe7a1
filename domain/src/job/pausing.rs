//! Leaving a job alone for a while, and going on with it.
//!
//! A pause is a flag beside the phase. It keeps the job from being handed out
//! and does nothing else: time passes, a time to be queued comes, and whoever
//! holds the job is asked to give it back, but may as well finish.

use super::{JobEvent, JobPaused, JobResumed, Present, limit};
use crate::Refusal;

impl Present {
    /// The first reason is the one that is kept.
    pub(super) fn pause(&self, reason: Option<String>) -> Result<Vec<JobEvent>, Refusal> {
        limit::text("reason", reason.as_deref().unwrap_or_default(), 1_024)?;
        self.not_ended()?;
        Ok(match self.paused {
            Some(_) => Vec::new(),
            None => vec![JobPaused { reason }.into()],
        })
    }

    pub(super) fn resume(&self) -> Result<Vec<JobEvent>, Refusal> {
        self.not_ended()?;
        Ok(match self.paused {
            Some(_) => vec![JobResumed {}.into()],
            None => Vec::new(),
        })
    }

    fn not_ended(&self) -> Result<(), Refusal> {
        let state = self.state();
        if state.is_final() { Err(Refusal::Ended { state }) } else { Ok(()) }
    }
}
