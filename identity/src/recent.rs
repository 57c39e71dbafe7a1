//! Answers of the last moments, so that a busy client is not a query a request.
//!
//! What was learnt is believed for [`BELIEVED`] and no longer: within that time
//! every process hears that a user was disabled, a role changed or a token
//! revoked. The process that does such a thing forgets what it knew, also an
//! answer that is on its way at that moment.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;

pub(crate) const BELIEVED: TimeDelta = TimeDelta::seconds(2);

/// Enough for all who are busy at once; beyond it the idle are forgotten.
const ENTRIES_MAX: u64 = 50_000;

/// A bounded memory that goes by the time it is told.
#[derive(Clone)]
pub(crate) struct Recent<K: Hash + Eq, V> {
    entries: Cache<K, (DateTime<Utc>, V)>,
    /// How often something was forgotten.
    forgotten: Arc<AtomicU64>,
}

/// That nothing was forgotten since one began to ask.
#[derive(Clone, Copy)]
pub(crate) struct Asking(u64);

impl<K, V> Recent<K, V>
where
    K: Clone + Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Self {
        Self { entries: Cache::new(ENTRIES_MAX), forgotten: Arc::default() }
    }

    pub(crate) fn get(&self, key: &K, now: DateTime<Utc>) -> Option<V> {
        let (learnt_at, value) = self.entries.get(key)?;
        // Also when the clock was set back: what comes from later is unknown.
        (learnt_at <= now && now - learnt_at < BELIEVED).then_some(value)
    }

    /// To be called before one asks for what will be put.
    pub(crate) fn asking(&self) -> Asking {
        Asking(self.forgotten.load(Ordering::SeqCst))
    }

    pub(crate) fn put(&self, asking: Asking, key: &K, value: V, now: DateTime<Utc>) {
        self.entries.insert(key.clone(), (now, value));
        // Also if it was forgotten between the two lines.
        if self.asking().0 != asking.0 {
            self.entries.invalidate(key);
        }
    }

    pub(crate) fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.entries.invalidate_all();
    }
}

impl<K: Hash + Eq, V> std::fmt::Debug for Recent<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_believed_for_a_moment_only() {
        let at = DateTime::UNIX_EPOCH;
        let recent = Recent::new();
        recent.put(recent.asking(), &1, "a", at);
        assert_eq!(recent.get(&1, at + BELIEVED - TimeDelta::milliseconds(1)), Some("a"));
        assert_eq!(recent.get(&1, at + BELIEVED), None);
        assert_eq!(recent.get(&1, at - TimeDelta::milliseconds(1)), None);
    }

    #[test]
    fn what_was_forgotten_is_asked_again() {
        let at = DateTime::UNIX_EPOCH;
        let recent = Recent::new();
        for key in 1..=3 {
            recent.put(recent.asking(), &key, "a", at);
        }
        let asking = recent.asking();
        recent.forget_all();
        assert_eq!((recent.get(&2, at), recent.get(&3, at)), (None, None));
        recent.put(asking, &2, "late", at);
        assert_eq!(recent.get(&2, at), None, "it was on its way");
        recent.put(recent.asking(), &2, "b", at);
        assert_eq!(recent.get(&2, at), Some("b"));
    }
}
