//! What a batch of facts adds to the counts: sums, whatever the order.

use std::collections::BTreeMap;

use domain::{Timestamp, job::JobState};

use super::{
    spread::{Times, bucket},
    standing::{Move, Standing, Transfer, Whose},
};

/// Where something is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) whose: Whose,
    pub(super) hour: Timestamp,
    pub(super) state: JobState,
}

/// How jobs came to be in a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entries {
    pub(super) created: i64,
    pub(super) entered: i64,
    pub(super) with_errors: i64,
}

/// Which of the two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Measure {
    Waiting,
    Running,
}

impl Measure {
    /// As tables write it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Running => "RUNNING",
        }
    }
}

/// What a batch adds to the counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) entries: BTreeMap<Place, Entries>,
    pub(super) durations: BTreeMap<(Place, Measure, i16), Times>,
    /// A state that was entered and left has an entry also, of zero: which rows
    /// there are does not depend on the batches.
    pub(super) gauge: BTreeMap<(Whose, JobState), i64>,
}

impl Counts {
    pub(super) fn of(standings: &[Standing]) -> Self {
        let mut counts = Self::default();
        for standing in standings {
            for it in &standing.moves {
                counts.add(&standing.whose.of(it.owner), it);
            }
            for it in &standing.transfers {
                counts.hand_over(&standing.whose, *it);
            }
        }
        counts
    }

    fn hand_over(&mut self, whose: &Whose, it: Transfer) {
        *self.gauge.entry((whose.of(it.from), it.state)).or_default() -= 1;
        *self.gauge.entry((whose.of(it.to), it.state)).or_default() += 1;
    }

    fn add(&mut self, whose: &Whose, it: &Move) {
        let place = Place { whose: whose.clone(), hour: it.hour, state: it.to };
        let entries = self.entries.entry(place.clone()).or_default();
        entries.entered += 1;
        entries.created += i64::from(it.from.is_none());
        entries.with_errors += i64::from(it.with_errors);
        if let Some(from) = it.from {
            *self.gauge.entry((whose.clone(), from)).or_default() -= 1;
        }
        *self.gauge.entry((whose.clone(), it.to)).or_default() += 1;
        let Some(times) = it.times else { return };
        let measured = [(Measure::Waiting, times.waited_ms), (Measure::Running, times.ran_ms)];
        for (measure, ms) in measured {
            let Some(ms) = ms else { continue };
            let times = Times::of(ms);
            self.durations
                .entry((place.clone(), measure, bucket(ms)))
                .and_modify(|it| it.add(times))
                .or_insert(times);
        }
    }
}
