//! Who is to hear that what they came in by has ended.
//!
//! A socket is let in once and then talks for minutes. When its session, its
//! token or its user ends, it hears so here, at the latest a moment after the
//! journal does.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::UserId;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many entries there may be before those that nobody holds are dropped.
const PURGE_AT_FIRST: usize = 1_024;

/// Tells those who came in that they are out. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Endings(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Known>,
    /// How often anything has ended.
    told: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    /// By user, and by what they came in through.
    by: HashMap<(UserId, Uuid), Weak<CancellationToken>>,
    purge_at: usize,
}

impl Endings {
    /// How often anything has ended: who was looked at before it moved must be
    /// looked at again.
    pub(crate) fn told(&self) -> u64 {
        self.0.told.load(Ordering::SeqCst)
    }

    /// Is cancelled when this way in ends. It is known for as long as somebody
    /// holds it.
    pub(crate) fn of(&self, user: UserId, through: Uuid) -> Arc<CancellationToken> {
        let mut known = self.known();
        if let Some(ending) = known.by.get(&(user, through)).and_then(Weak::upgrade) {
            return ending;
        }
        if known.purge_at.max(PURGE_AT_FIRST) <= known.by.len() {
            known.by.retain(|_, it| 0 < it.strong_count());
            known.purge_at = 2 * known.by.len();
        }
        let ending = Arc::new(CancellationToken::new());
        known.by.insert((user, through), Arc::downgrade(&ending));
        ending
    }

    /// One way in has ended.
    pub(crate) fn end(&self, user: UserId, through: Uuid) {
        self.end_where(|key| key == (user, through));
    }

    /// Every way in of a user has ended, but one.
    pub(crate) fn end_all(&self, user: UserId, but: Option<Uuid>) {
        self.end_where(|(owner, through)| owner == user && Some(through) != but);
    }

    fn end_where(&self, which: impl Fn((UserId, Uuid)) -> bool) {
        self.0.told.fetch_add(1, Ordering::SeqCst);
        self.known().by.retain(|key, ending| {
            if !which(*key) {
                return true;
            }
            if let Some(ending) = ending.upgrade() {
                ending.cancel();
            }
            false
        });
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // A map of weak references holds no state that a panic could leave half-done.
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));
    const PHONE: Uuid = Uuid::from_u128(3);
    const LAPTOP: Uuid = Uuid::from_u128(4);

    #[test]
    fn those_hear_of_an_end_whom_it_concerns() {
        let endings = Endings::default();
        let of = |user, through| endings.of(user, through);
        let (phone, laptop, bob) = (of(ADA, PHONE), of(ADA, LAPTOP), of(BOB, PHONE));
        endings.end(ADA, PHONE);
        assert!(phone.is_cancelled() && !laptop.is_cancelled() && !bob.is_cancelled());
        let again = of(ADA, PHONE);
        endings.end_all(ADA, Some(LAPTOP));
        assert!(again.is_cancelled() && !laptop.is_cancelled() && !bob.is_cancelled());
        endings.end_all(ADA, None);
        assert!(laptop.is_cancelled() && !bob.is_cancelled());
        assert_eq!(endings.told(), 3);
    }

    #[test]
    fn those_who_have_left_are_forgotten() {
        let endings = Endings::default();
        for one in 0..3 * PURGE_AT_FIRST as u128 {
            drop(endings.of(ADA, Uuid::from_u128(one)));
        }
        assert!(endings.known().by.len() <= PURGE_AT_FIRST);
    }
}
