//! Answers of the last moments, so that a busy client is not a query a request.
//!
//! What was learnt is believed for [`BELIEVED`] and no longer: within that time
//! every process hears that a user was disabled, a role changed or a token
//! revoked. The process that does such a thing forgets what it knew; only an
//! answer that was on its way at that moment still lives for as long.

use std::hash::Hash;

use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;

pub(crate) const BELIEVED: TimeDelta = TimeDelta::seconds(2);

/// Enough for all who are busy at once; beyond it the idle are forgotten.
const ENTRIES_MAX: u64 = 50_000;

/// A bounded memory that goes by the time it is told.
#[derive(Clone)]
pub(crate) struct Recent<K: Hash + Eq, V> {
    entries: Cache<K, (DateTime<Utc>, V)>,
}

impl<K, V> Recent<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Self {
        Self { entries: Cache::new(ENTRIES_MAX) }
    }

    pub(crate) fn get(&self, key: &K, now: DateTime<Utc>) -> Option<V> {
        let (learnt_at, value) = self.entries.get(key)?;
        // Also when the clock was set back: what comes from later is unknown.
        (learnt_at <= now && now - learnt_at < BELIEVED).then_some(value)
    }

    pub(crate) fn put(&self, key: K, value: V, now: DateTime<Utc>) {
        self.entries.insert(key, (now, value));
    }

    pub(crate) fn forget(&self, key: &K) {
        self.entries.invalidate(key);
    }

    pub(crate) fn forget_all(&self) {
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
        recent.put(1, "a", at);
        assert_eq!(recent.get(&1, at + BELIEVED - TimeDelta::milliseconds(1)), Some("a"));
        assert_eq!(recent.get(&1, at + BELIEVED), None);
        assert_eq!(recent.get(&1, at - TimeDelta::milliseconds(1)), None);
    }

    #[test]
    fn what_was_forgotten_is_asked_again() {
        let at = DateTime::UNIX_EPOCH;
        let recent = Recent::new();
        for key in 1..=3 {
            recent.put(key, "a", at);
        }
        recent.forget(&1);
        assert_eq!((recent.get(&1, at), recent.get(&2, at)), (None, Some("a")));
        recent.forget_all();
        assert_eq!((recent.get(&2, at), recent.get(&3, at)), (None, None));
    }
}
