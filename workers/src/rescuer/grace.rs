//! How long leases are let be after nobody could beat.

use std::time::Duration;

use chrono::TimeDelta;
use domain::Timestamp;

/// How much later than it is due an answer may come. After that, whoever beats
/// may have been kept from it too: the database was away, or the machine asleep.
const LATE: TimeDelta = TimeDelta::seconds(2);

/// Leases are let be for a while from the first answer of the database on, and
/// from each that is late.
#[derive(Debug)]
pub(super) struct Grace {
    length: TimeDelta,
    /// The longest time between two answers, if nothing stands in the way.
    silence_max: TimeDelta,
    /// When the database last answered.
    answered: Option<Timestamp>,
    until: Timestamp,
}

impl Grace {
    /// Of such a length, if the database is asked that often.
    pub(super) fn new(length: Duration, every: Duration) -> Self {
        let delta = |it| TimeDelta::from_std(it).unwrap_or(TimeDelta::MAX);
        let silence_max = delta(every).checked_add(&LATE).unwrap_or(TimeDelta::MAX);
        Self { length: delta(length), silence_max, answered: None, until: Timestamp::MIN_UTC }
    }

    /// The database has answered. Each answer counts, also in the middle of a
    /// round: one that has much to do is not taken for one that was kept.
    pub(super) fn answered(&mut self, now: Timestamp) {
        // A clock that was set back says nothing of how late it is.
        let in_time = |then| (TimeDelta::zero()..=self.silence_max).contains(&(now - then));
        if !self.answered.is_some_and(in_time) {
            self.until = now.checked_add_signed(self.length).unwrap_or(Timestamp::MAX_UTC);
        }
        self.answered = Some(now);
    }

    /// Whether leases are to be let be.
    pub(super) fn holds(&self) -> bool {
        self.answered.is_none_or(|now| now < self.until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta};
    use domain::Timestamp;

    use super::Grace;

    fn t(seconds: i64) -> Timestamp {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    /// Whether leases are let be at each of these seconds, at which the database
    /// answers. It is asked each second.
    fn held(grace: u64, answers: impl IntoIterator<Item = i64>) -> Vec<bool> {
        let mut grace = Grace::new(Duration::from_secs(grace), Duration::from_secs(1));
        let answer = |it| {
            grace.answered(t(it));
            grace.holds()
        };
        answers.into_iter().map(answer).collect()
    }

    #[test]
    fn leases_are_let_be_after_a_start() {
        assert_eq!(held(3, 10..15), [true, true, true, false, false]);
    }

    #[test]
    fn leases_are_let_be_until_the_database_answers() {
        assert!(Grace::new(Duration::ZERO, Duration::from_secs(1)).holds());
    }

    #[test]
    fn leases_are_let_be_again_when_the_database_did_not_answer() {
        assert_eq!(held(2, [0, 1, 2, 60, 61, 62]), [true, true, false, true, true, false]);
    }

    /// Or after a mass loss every round would be followed by another grace.
    #[test]
    fn a_long_round_in_which_the_database_answers_lets_nothing_be() {
        assert_eq!(held(1, 0..60)[1..], [false; 59]);
    }

    #[test]
    fn a_clock_that_is_set_back_ends_no_lease_and_holds_none_for_long() {
        assert_eq!(held(2, [100, 101, 50, 51, 52]), [true, true, true, true, false]);
    }

    #[test]
    fn without_grace_nothing_is_let_be() {
        assert_eq!(held(0, [0, 1, 60, 30]), [false; 4]);
    }
}
