//! What may be decided about the journal on Postgres.

use std::time::Duration;

use crate::limits::READ_BYTES_MAX;

/// The defaults serve everybody; tests shrink some of them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Appends of one batch, at most.
    pub batch_max: usize,
    /// Payload and metadata of one batch, at most, unless one append alone
    /// takes more.
    pub batch_bytes_max: usize,
    /// Appends waiting for the next batch, at most. Further ones wait outside.
    pub queue_max: usize,
    /// What they may take. At least what the largest append takes.
    pub queue_bytes_max: usize,
    /// How long an append waits for a database that is out of reach.
    pub unavailable_after: Duration,
    /// How long an append waits for the lock on the head of the journal.
    pub lock_timeout: Duration,
    /// How long Postgres lets a process that went silent keep the lock.
    pub idle_in_transaction_timeout: Duration,
    /// How long the appender waits for Postgres to answer before it takes the
    /// connection for dead.
    pub answer_timeout: Duration,
    /// Positions in one partition.
    pub partition_size: u64,
    /// Recent events kept in memory, at most.
    pub recent_events_max: usize,
    /// What they may take.
    pub recent_bytes_max: usize,
    /// What is read from the database at a time may take, at most, unless one
    /// event alone takes more.
    pub read_bytes_max: usize,
    /// Between two reads of what others wrote, at least: few large ones cost
    /// less than many small ones.
    pub read_every: Duration,
    /// Between two notifications of other processes, at least.
    pub notify_every: Duration,
    /// Between two looks at the head when nothing was heard.
    pub poll_every: Duration,
    /// Connections for reading, at most.
    pub readers_max: u32,
    /// Connections for replays, at most: however slow these are, other reads
    /// do not wait for them.
    pub replayers_max: u32,
    /// Positions that a replay reads under one snapshot. A long snapshot
    /// would keep all versions of the head's row alive, and each append would
    /// walk along them.
    pub replay_window: u64,
    /// Where the tables of the folds are looked for. It must contain the
    /// schema of the journal's own.
    pub search_path: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_max: 512,
            batch_bytes_max: 1024 * 1024,
            queue_max: 4096,
            queue_bytes_max: 64 * 1024 * 1024,
            unavailable_after: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            idle_in_transaction_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            partition_size: 5_000_000,
            recent_events_max: 65_536,
            recent_bytes_max: 64 * 1024 * 1024,
            read_bytes_max: READ_BYTES_MAX,
            read_every: Duration::from_millis(5),
            notify_every: Duration::from_millis(10),
            poll_every: Duration::from_secs(1),
            readers_max: 8,
            replayers_max: 8,
            replay_window: 100_000,
            search_path: None,
        }
    }
}
