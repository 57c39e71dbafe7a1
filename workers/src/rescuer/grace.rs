//! How long leases are let be after nobody could beat.

use std::time::Duration;

use chrono::TimeDelta;
use domain::Timestamp;

/// How much later than it is due a round may begin. After that, whoever beats
/// may have been kept from it too: the database was away, or the machine asleep.
const LATE: TimeDelta = TimeDelta::seconds(2);

/// Leases are let be for a while from the first round on, and from each that is
/// late.
#[derive(Debug)]
pub(super) struct Grace {
    length: TimeDelta,
    /// The longest time between the end of a round and the beginning of the
    /// next, if nothing stands in the way.
    pause_max: TimeDelta,
    /// When the last round ended.
    ended: Option<Timestamp>,
    until: Timestamp,
}

impl Grace {
    pub(super) fn new(length: Duration, every: Duration) -> Self {
        let delta = |it| TimeDelta::from_std(it).unwrap_or(TimeDelta::MAX);
        let pause_max = delta(every).checked_add(&LATE).unwrap_or(TimeDelta::MAX);
        Self { length: delta(length), pause_max, ended: None, until: Timestamp::MIN_UTC }
    }

    /// Whether leases are to be let be in the round that is made at `now`, when
    /// the database has just answered.
    pub(super) fn holds(&mut self, now: Timestamp) -> bool {
        // A clock that was set back says nothing of how late it is.
        let in_time = |ended| (TimeDelta::zero()..=self.pause_max).contains(&(now - ended));
        if !self.ended.is_some_and(in_time) {
            self.until = now.checked_add_signed(self.length).unwrap_or(Timestamp::MAX_UTC);
        }
        now < self.until
    }

    /// The round has ended; one that is cut short has not. That it took long
    /// itself makes the next one no later.
    pub(super) fn ended(&mut self, now: Timestamp) {
        self.ended = Some(now);
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

    /// What is answered at each of these seconds; the rounds take no time, and
    /// one is due each second.
    fn answers(grace: u64, rounds: impl IntoIterator<Item = i64>) -> Vec<bool> {
        let mut grace = Grace::new(Duration::from_secs(grace), Duration::from_secs(1));
        let answer = |it| {
            let holds = grace.holds(t(it));
            grace.ended(t(it));
            holds
        };
        rounds.into_iter().map(answer).collect()
    }

    #[test]
    fn leases_are_let_be_after_a_start() {
        assert_eq!(answers(3, 10..15), [true, true, true, false, false]);
    }

    #[test]
    fn leases_are_let_be_again_when_rounds_could_not_be_made() {
        assert_eq!(answers(2, [0, 1, 2, 60, 61, 62]), [true, true, false, true, true, false]);
    }

    /// Or after a mass loss every round would be followed by another grace.
    #[test]
    fn a_round_that_takes_long_makes_the_next_one_no_later() {
        let mut grace = Grace::new(Duration::from_secs(1), Duration::from_secs(1));
        assert!(grace.holds(t(0)));
        grace.ended(t(0));
        assert!(!grace.holds(t(1)));
        grace.ended(t(40));
        assert!(!grace.holds(t(41)));
    }

    #[test]
    fn a_round_that_is_cut_short_has_not_been_made() {
        let mut grace = Grace::new(Duration::from_secs(2), Duration::from_secs(1));
        assert!(grace.holds(t(0)));
        assert!(grace.holds(t(3)), "nobody said that the first one has ended");
        grace.ended(t(3));
        assert!(grace.holds(t(4)));
        grace.ended(t(4));
        assert!(!grace.holds(t(5)));
    }

    #[test]
    fn a_clock_that_is_set_back_ends_no_lease_and_holds_none_for_long() {
        assert_eq!(answers(2, [100, 101, 50, 51, 52]), [true, true, true, true, false]);
    }

    #[test]
    fn without_grace_nothing_is_let_be() {
        assert_eq!(answers(0, [0, 1, 60, 30]), [false; 4]);
    }
}
