//! The one timer of a socket that is about its session: when it must have begun, and when it ends.

use std::{pin::Pin, time::Duration};

use chrono::{DateTime, Utc};
use tokio::time::{Instant, Sleep, sleep};

/// What it is time for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bell {
    /// To have been initialised.
    Init,
    /// To be told to renew the session.
    Notice(DateTime<Utc>),
    /// To end.
    Expiry,
}

/// Rings once for what it is set to.
pub(super) struct Alarm {
    bell: Option<Bell>,
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    pub(super) fn until_init(within: Duration) -> Self {
        Self { bell: Some(Bell::Init), sleep: Box::pin(sleep(within)) }
    }

    /// Follows a session that was valid at `now`.
    pub(super) fn follow(
        &mut self,
        expires_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        notice: Duration,
    ) {
        let Some(expires_at) = expires_at else {
            self.bell = None;
            return;
        };
        let left = (expires_at - now).to_std().unwrap_or_default();
        match left.checked_sub(notice).filter(|it| !it.is_zero()) {
            Some(until_notice) => self.set(Bell::Notice(expires_at), until_notice),
            None => self.set(Bell::Expiry, left),
        }
    }

    /// After the notice comes the end.
    pub(super) fn await_expiry(&mut self, notice: Duration) {
        self.set(Bell::Expiry, notice);
    }

    pub(super) async fn ring(&mut self) -> Bell {
        match self.bell {
            None => std::future::pending().await,
            Some(bell) => {
                self.sleep.as_mut().await;
                bell
            }
        }
    }

    fn set(&mut self, bell: Bell, after: Duration) {
        self.bell = Some(bell);
        self.sleep.as_mut().reset(Instant::now() + after);
    }
}
