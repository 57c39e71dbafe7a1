//! How times are spread: a histogram of fixed buckets, each an eighth of its
//! times wide at most.

use std::collections::BTreeMap;

/// How many buckets there are for each doubling: a power of two.
const BUCKETS: u64 = 8;

/// The bucket of a time: exact below 16 ms, then eight to each doubling.
pub(super) fn bucket(ms: u64) -> i16 {
    let doublings = ms.max(BUCKETS).ilog2() - BUCKETS.ilog2();
    let within = ms >> doublings;
    let bucket = u64::from(doublings) * BUCKETS + within;
    i16::try_from(bucket).unwrap_or(i16::MAX)
}

/// How the times of some jobs are spread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread(BTreeMap<i16, Times>);

/// The times of one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) jobs: u64,
    pub(super) sum_ms: u64,
    pub(super) min_ms: u64,
    pub(super) max_ms: u64,
}

impl Times {
    pub(super) fn of(ms: u64) -> Self {
        Self { jobs: 1, sum_ms: ms, min_ms: ms, max_ms: ms }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.jobs += other.jobs;
        self.sum_ms += other.sum_ms;
        self.min_ms = self.min_ms.min(other.min_ms);
        self.max_ms = self.max_ms.max(other.max_ms);
    }
}

impl Spread {
    pub(super) fn add(&mut self, bucket: i16, times: Times) {
        self.0.entry(bucket).and_modify(|it| it.add(times)).or_insert(times);
    }

    /// How many jobs were timed.
    pub fn jobs(&self) -> u64 {
        self.0.values().map(|it| it.jobs).sum()
    }

    /// The mean time; none if nobody was timed.
    pub fn mean_ms(&self) -> Option<u64> {
        let sum: u64 = self.0.values().map(|it| it.sum_ms).sum();
        sum.checked_div(self.jobs())
    }

    /// The shortest time.
    pub fn min_ms(&self) -> Option<u64> {
        self.0.values().map(|it| it.min_ms).min()
    }

    /// The longest time.
    pub fn max_ms(&self) -> Option<u64> {
        self.0.values().map(|it| it.max_ms).max()
    }

    /// A time that `per_cent` of the jobs did not exceed, and that one of them
    /// took: no less than the least such time, and less than an eighth more.
    pub fn quantile_ms(&self, per_cent: u64) -> Option<u64> {
        let rank = (self.jobs() * per_cent).div_ceil(100).max(1);
        let mut counted = 0;
        self.0.values().find_map(|times| {
            counted += times.jobs;
            (rank <= counted).then_some(times.max_ms)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spread(times: &[u64]) -> Spread {
        let mut spread = Spread::default();
        for time in times {
            spread.add(bucket(*time), Times::of(*time));
        }
        spread
    }

    #[test]
    fn short_times_are_exact_and_buckets_follow_each_other() {
        let buckets: Vec<i16> = (0..=40).map(bucket).collect();
        assert_eq!(buckets[..16], (0..16).collect::<Vec<_>>());
        assert_eq!(buckets[16..24], [16, 16, 17, 17, 18, 18, 19, 19]);
        assert_eq!(buckets[31..34], [23, 24, 24]);
        assert_eq!(bucket(u64::MAX), 495);
    }

    #[test]
    fn who_was_not_timed_has_no_times() {
        let none = Spread::default();
        assert_eq!((none.jobs(), none.mean_ms(), none.quantile_ms(50)), (0, None, None));
    }

    proptest! {
        #[test]
        fn quantiles_are_told_to_an_eighth(
            mut times in prop::collection::vec(0..10_000_000_u64, 1..300),
            per_cent in 1..=100_u64,
        ) {
            let spread = spread(&times);
            times.sort_unstable();
            let rank = (times.len() * usize::try_from(per_cent).unwrap()).div_ceil(100);
            let exact = times[rank - 1];
            let told = spread.quantile_ms(per_cent).unwrap();
            prop_assert!(exact <= told && (told - exact) * BUCKETS <= exact, "{told} for {exact}");
            prop_assert!(times.contains(&told));
            prop_assert_eq!(spread.quantile_ms(100), times.last().copied());
            prop_assert_eq!(spread.max_ms(), times.last().copied());
            prop_assert_eq!(spread.min_ms(), times.first().copied());
            let mean = times.iter().sum::<u64>() / times.len() as u64;
            prop_assert_eq!(spread.mean_ms(), Some(mean));
        }

        #[test]
        fn longer_times_are_never_in_an_earlier_bucket(one in any::<u64>(), other in any::<u64>()) {
            prop_assert!(bucket(one.min(other)) <= bucket(one.max(other)));
        }
    }
}
