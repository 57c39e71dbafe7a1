//! The one of each process who tells the others that it has written: at most
//! every few milliseconds, never within an append, and only how far.

use std::{sync::Arc, time::Duration};

use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use tokio::time;

use crate::postgres::{Settings, link::Link, tail::Tail, tailer::CHANNEL};

/// Tells of what this process wrote, for ever.
pub(super) async fn notify(tail: Arc<Tail>, options: PgConnectOptions, settings: Arc<Settings>) {
    let options = options
        .application_name("greffe journal notifier")
        // What it tells of is durable already.
        .options([("synchronous_commit", "off")])
        .disable_statement_logging();
    let mut link = Link::new(options, CONNECT_TIMEOUT);
    let mut written = tail.written();
    while written.changed().await.is_ok() {
        let head = *written.borrow_and_update();
        // If it fails, the others look for themselves, and the next
        // notification tells of this one too.
        if let Err(error) = tell(&mut link, head).await {
            tracing::debug!(%error, "cannot notify other processes");
            link.lose();
        }
        time::sleep(settings.notify_every).await;
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

async fn tell(link: &mut Link, head: u64) -> Result<(), sqlx::Error> {
    let connection = link.get().await?;
    sqlx::query!("select pg_notify($1, $2)", CHANNEL, head.to_string())
        .fetch_all(connection)
        .await?;
    Ok(())
}
