//! The one of each process who reads what others wrote, once for everybody.
//!
//! It is told by notifications. Should they fail, it looks for itself every
//! now and then, and nothing is lost but time.

use std::{sync::Arc, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::time;

use crate::{
    JournalError,
    postgres::{Settings, instruments::Instruments, rows, tail::Tail},
};

/// Where processes tell each other how far the journal goes.
pub(super) const CHANNEL: &str = "journal_head";

/// Events read at once.
const PAGE: usize = 2000;

/// Between two attempts to do what just failed.
const PAUSE: Duration = Duration::from_millis(500);

/// Reads whatever has been heard of, for ever.
pub(super) async fn follow(tail: Arc<Tail>, pool: PgPool, settings: Arc<Settings>) {
    let instruments = Instruments::new();
    let mut heard = tail.heard();
    let mut ticks = time::interval(settings.poll_every);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        let look = tokio::select! {
            news = heard.changed() => {
                if news.is_err() {
                    return;
                }
                false
            }
            _ = ticks.tick() => true,
        };
        heard.mark_unchanged();
        if let Err(error) = catch_up(&tail, &pool, look, settings.read_bytes_max).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot follow the journal");
            time::sleep(PAUSE).await;
            heard.mark_changed();
        }
        instruments.tail_lag(tail.lag());
        time::sleep(settings.read_every).await;
    }
}

async fn catch_up(
    tail: &Tail,
    pool: &PgPool,
    look: bool,
    bytes_max: usize,
) -> Result<(), JournalError> {
    if look {
        tail.hear(in_time(rows::head(pool)).await?);
    }
    while 0 < tail.lag() {
        let after = *tail.head().borrow();
        let events = in_time(rows::after(pool, after, PAGE, bytes_max)).await?;
        if events.is_empty() {
            break;
        }
        tail.extend(after, events.into_iter().map(Arc::new).collect());
    }
    Ok(())
}

/// A database that takes this long has gone without a word.
const SILENCE_MAX: Duration = Duration::from_secs(30);

async fn in_time<T>(
    reading: impl Future<Output = Result<T, JournalError>>,
) -> Result<T, JournalError> {
    let read = time::timeout(SILENCE_MAX, reading).await;
    read.unwrap_or_else(|silence| Err(JournalError::Unavailable(silence.into())))
}

/// Listens to other processes, for ever.
pub(super) async fn listen(tail: Arc<Tail>, options: PgConnectOptions) {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(options.application_name("greffe journal listener"));
    loop {
        if let Err(error) = listen_once(&tail, &pool).await {
            tracing::warn!(%error, "cannot listen to other processes, looking every second");
        }
        time::sleep(PAUSE).await;
    }
}

async fn listen_once(tail: &Tail, pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    while let Some(notification) = listener.try_recv().await? {
        let payload = notification.payload();
        if let Ok(head) = payload.parse() {
            tail.hear(head);
        } else {
            tracing::warn!(payload, "somebody else notifies on the journal's channel");
        }
    }
    Ok(())
}
