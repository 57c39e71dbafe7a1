//! Whose turn it is to send a file: only so many come in at once, and only some
//! of them from one sender, so that nobody keeps the others out. A sender is a
//! user, or a token of workers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use uuid::Uuid;

/// How many files come in at once; each may hold some mebibytes of memory.
const TURNS_MAX: usize = 16;

/// How many of them from one sender.
const TURNS_OF_ONE_MAX: usize = 4;

/// How long others wait for their turn.
const WAITS_AT_MOST: Duration = Duration::from_secs(10);

/// How many senders there may be before those that send nothing are dropped.
const PURGE_AT_FIRST: usize = 1_024;

/// Whose turn it is.
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    of: Mutex<Senders>,
}

#[derive(Default)]
struct Senders {
    by: HashMap<Uuid, Weak<Semaphore>>,
    purge_at: usize,
}

/// Somebody's turn, until it is dropped.
pub(crate) struct Turn {
    _of_all: OwnedSemaphorePermit,
    _of_one: OwnedSemaphorePermit,
}

/// Others send too much just now.
#[derive(Debug)]
pub(crate) struct Busy;

impl Default for Turns {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(TURNS_MAX)), of: Mutex::default() }
    }
}

impl Turns {
    /// Waits for a turn, though not for ever. Who waits for one of their own takes nobody's place.
    pub(crate) async fn take(&self, sender: Uuid) -> Result<Turn, Busy> {
        let own = self.of(sender);
        let turn = async {
            let of_one = own.acquire_owned().await.map_err(|_| Busy)?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.map_err(|_| Busy)?;
            Ok(Turn { _of_all: of_all, _of_one: of_one })
        };
        timeout(WAITS_AT_MOST, turn).await.unwrap_or(Err(Busy))
    }

    /// The turns of a sender, for as long as somebody holds or waits for one.
    fn of(&self, sender: Uuid) -> Arc<Semaphore> {
        // A map of weak references holds no state that a panic could leave half-done.
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = of.by.get(&sender).and_then(Weak::upgrade) {
            return own;
        }
        if of.purge_at.max(PURGE_AT_FIRST) <= of.by.len() {
            of.by.retain(|_, it| 0 < it.strong_count());
            of.purge_at = 2 * of.by.len();
        }
        let own = Arc::new(Semaphore::new(TURNS_OF_ONE_MAX));
        of.by.insert(sender, Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    async fn taken(turns: &Turns, user: u128, count: usize) -> Vec<Turn> {
        let mut taken = Vec::new();
        for _ in 0..count {
            taken.push(turns.take(Uuid::from_u128(user)).await.expect("a turn"));
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_takes_every_turn() {
        let turns = Turns::default();
        let mut anns = taken(&turns, 1, TURNS_OF_ONE_MAX).await;
        let begun = Instant::now();
        assert!(turns.take(Uuid::from_u128(1)).await.is_err(), "Ann has all she can have");
        assert_eq!(begun.elapsed(), WAITS_AT_MOST);
        drop(taken(&turns, 2, 1).await);
        anns.pop();
        taken(&turns, 1, 1).await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_turn_is_told_so_in_time() {
        let turns = Turns::default();
        let mut held = Vec::new();
        for user in 0..TURNS_MAX {
            held.extend(taken(&turns, user as u128, 1).await);
        }
        let begun = Instant::now();
        assert!(turns.take(Uuid::from_u128(99)).await.is_err(), "there is none");
        assert_eq!(begun.elapsed(), WAITS_AT_MOST);
        held.pop();
        taken(&turns, 99, 1).await;
    }
}
