//! How long leases are let be after nobody could beat.

use chrono::TimeDelta;
use domain::Timestamp;

/// How long after a round the next one is so late that nobody may have been
/// able to beat either: the database was away, or the machine asleep.
const LATE: TimeDelta = TimeDelta::seconds(5);

/// Leases are let be for a while after the first round, and after each that is
/// late.
#[derive(Debug)]
pub(super) struct Grace {
    length: TimeDelta,
    round: Option<Timestamp>,
    ends: Timestamp,
}

impl Grace {
    pub(super) fn new(length: TimeDelta) -> Self {
        Self { length, round: None, ends: Timestamp::MIN_UTC }
    }

    /// Whether leases are to be let be in the round that is made at `now`, when
    /// the database has just answered.
    pub(super) fn holds(&mut self, now: Timestamp) -> bool {
        // A clock that was set back says nothing of how late it is.
        let in_time = |round| (TimeDelta::zero()..=LATE).contains(&(now - round));
        if !self.round.is_some_and(in_time) {
            self.ends = now.checked_add_signed(self.length).unwrap_or(Timestamp::MAX_UTC);
        }
        self.round = Some(now);
        now < self.ends
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use domain::Timestamp;

    use super::Grace;

    fn t(seconds: i64) -> Timestamp {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    /// What is answered at each of these seconds.
    fn answers(grace: i64, rounds: impl IntoIterator<Item = i64>) -> Vec<bool> {
        let mut grace = Grace::new(TimeDelta::seconds(grace));
        rounds.into_iter().map(|it| grace.holds(t(it))).collect()
    }

    #[test]
    fn leases_are_let_be_after_a_start() {
        assert_eq!(answers(3, 10..15), [true, true, true, false, false]);
    }

    #[test]
    fn leases_are_let_be_again_when_rounds_could_not_be_made() {
        assert_eq!(answers(2, [0, 1, 2, 60, 61, 62]), [true, true, false, true, true, false]);
    }

    #[test]
    fn a_round_that_is_a_little_late_lets_nothing_be() {
        assert_eq!(answers(1, [0, 1, 6, 11]), [true, false, false, false]);
    }

    #[test]
    fn a_clock_that_is_set_back_ends_no_lease_and_holds_none_for_long() {
        assert_eq!(answers(2, [100, 102, 50, 51, 52]), [true, false, true, true, false]);
    }

    #[test]
    fn without_grace_nothing_is_let_be() {
        assert_eq!(answers(0, [0, 1, 60, 30]), [false; 4]);
    }
}
