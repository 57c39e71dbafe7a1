//! One answer for each request for work: who asks again under the same id has
//! given up on the first answer, and gets it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::WorkerId;
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A worker, and how it calls its request.
type Key = (WorkerId, Uuid);

/// The requests for work that are being answered.
#[derive(Default)]
pub(super) struct Requests(Mutex<HashMap<Key, Request>>);

#[derive(Default)]
struct Request {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Whoever has asked last.
    newest: CancellationToken,
    askers: usize,
}

/// The right to answer a request. Kept until all that is granted is written.
pub(super) struct Turn {
    requests: Arc<Requests>,
    key: Key,
    held: Option<OwnedMutexGuard<()>>,
    /// Cancelled once nobody waits for this answer any more.
    pub(super) given_up: CancellationToken,
}

impl Requests {
    /// Waits until the one who asked earlier under the same id is through.
    pub(super) async fn turn(self: &Arc<Self>, worker: WorkerId, request: Uuid) -> Turn {
        let key = (worker, request);
        let given_up = CancellationToken::new();
        let turn = {
            let mut requests = self.lock();
            let request = requests.entry(key).or_default();
            request.askers += 1;
            std::mem::replace(&mut request.newest, given_up.clone()).cancel();
            Arc::clone(&request.turn)
        };
        let mut mine = Turn { requests: Arc::clone(self), key, held: None, given_up };
        mine.held = Some(turn.lock_owned().await);
        mine
    }

    /// Nothing more is granted to `worker` by those who are asking now.
    pub(super) async fn give_up(self: &Arc<Self>, worker: WorkerId) {
        let asking: Vec<Key> =
            self.lock().keys().filter(|(it, _)| *it == worker).copied().collect();
        for (worker, request) in asking {
            drop(self.turn(worker, request).await);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Request>> {
        // Nothing here is left half-done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.held = None;
        let mut requests = self.requests.lock();
        if let Some(request) = requests.get_mut(&self.key) {
            request.askers -= 1;
            if request.askers == 0 {
                requests.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_asks_again_ends_the_first_asking_and_waits_for_it() {
        let requests = Arc::new(Requests::default());
        let (worker, request) = (WorkerId(Uuid::from_u128(1)), Uuid::from_u128(2));
        let first = requests.turn(worker, request).await;
        let other = requests.turn(worker, Uuid::from_u128(3)).await;
        let mut second = Box::pin(requests.turn(worker, request));
        assert!(futures::poll!(&mut second).is_pending());
        assert!(first.given_up.is_cancelled() && !other.given_up.is_cancelled());
        drop(first);
        assert!(!second.await.given_up.is_cancelled());
        drop(other);
        assert!(requests.lock().is_empty());
    }

    #[tokio::test]
    async fn one_that_gave_up_waiting_for_its_turn_leaves_nothing_behind() {
        let requests = Arc::new(Requests::default());
        let (worker, request) = (WorkerId(Uuid::from_u128(1)), Uuid::from_u128(2));
        let first = requests.turn(worker, request).await;
        let mut second = Box::pin(requests.turn(worker, request));
        assert!(futures::poll!(&mut second).is_pending());
        drop(second);
        drop(first);
        assert!(requests.lock().is_empty());
    }
}
