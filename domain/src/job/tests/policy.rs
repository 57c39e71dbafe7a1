//! How soon again, and what no policy may say.

use chrono::Duration;
use proptest::prelude::*;

use super::fixture::{POLICY, create, order, rescuer, t};
use crate::{
    Refusal,
    job::{Job, Order, Policy},
    testing::given,
};

const YEAR_MS: u64 = 366 * 24 * 3_600 * 1_000;

#[test]
fn patience_doubles_up_to_a_point() {
    let longest = |failures| {
        let waits =
            (0..100_000).map(|us| POLICY.backoff(failures, t(0) + Duration::microseconds(us)));
        waits.max().unwrap().num_milliseconds()
    };
    assert_eq!([1, 2, 3, 4, 5].map(longest), [10_000, 20_000, 40_000, 60_000, 60_000]);
}

#[test]
fn patience_never_runs_over() {
    // Doubled 32 times, this is exactly one more than a number can hold.
    let first = 1 << 32;
    let policy = Policy { backoff_first_ms: first, backoff_max_ms: u64::MAX, ..POLICY };
    let wait = policy.backoff(33, t(0)).num_milliseconds().cast_unsigned();
    assert_eq!(wait, YEAR_MS);
}

#[test]
fn jobs_that_failed_together_do_not_come_back_together() {
    let waits: std::collections::BTreeSet<_> =
        (0..100).map(|us| POLICY.backoff(1, t(0) + Duration::microseconds(us))).collect();
    assert!(50 < waits.len(), "only {} different waits", waits.len());
}

proptest! {
    /// Never longer than the policy says, never shorter than three quarters
    /// of it, and never more than a number can hold.
    #[test]
    fn a_wait_keeps_within_its_bounds(
        first in any::<u64>(),
        max in any::<u64>(),
        failures in any::<u32>(),
        micros in -62_135_596_800_000_000_i64..253_402_300_799_000_000,
    ) {
        let policy = Policy { backoff_first_ms: first, backoff_max_ms: max, ..POLICY };
        let now = chrono::DateTime::from_timestamp_micros(micros).unwrap();
        let doubled = u128::from(first) << failures.saturating_sub(1).min(32);
        let full = doubled.min(u128::from(max)).min(u128::from(YEAR_MS));
        let wait = u128::try_from(policy.backoff(failures, now).num_milliseconds()).unwrap();
        prop_assert!(wait <= full, "{wait} of {full}");
        prop_assert!(full - full / 4 <= wait, "{wait} of {full}");
    }
}

#[test]
fn a_policy_under_which_no_job_could_run_is_refused() {
    let day = 86_400_000;
    for (policy, field, rule) in [
        (Policy { attempts_max: 0, ..POLICY }, "attempts_max", "at least 1"),
        (Policy { deliveries_max: 0, ..POLICY }, "deliveries_max", "at least 1"),
        (Policy { lease_ms: 999, ..POLICY }, "lease_ms", "between 1000 and 86400000"),
        (Policy { lease_ms: day + 1, ..POLICY }, "lease_ms", "between 1000 and 86400000"),
        (Policy { backoff_first_ms: YEAR_MS + 1, ..POLICY }, "backoff_first_ms", "at most a year"),
        (Policy { backoff_max_ms: YEAR_MS + 1, ..POLICY }, "backoff_max_ms", "at most a year"),
        (Policy { run_timeout_ms: Some(0), ..POLICY }, "run_timeout_ms", "at least 1"),
        (
            Policy { run_timeout_ms: Some(YEAR_MS + 1), ..POLICY },
            "run_timeout_ms",
            "at most a year",
        ),
    ] {
        given::<Job>([])
            .when(create(Order { policy, ..order() }), &rescuer(0))
            .refused(&Refusal::invalid(field, rule));
    }
}

#[test]
fn the_bounds_of_a_policy_are_inside() {
    let least = Policy {
        attempts_max: 1,
        deliveries_max: 1,
        backoff_first_ms: 0,
        backoff_max_ms: 0,
        lease_ms: 1_000,
        run_timeout_ms: Some(1),
    };
    let most = Policy {
        attempts_max: u32::MAX,
        deliveries_max: u32::MAX,
        backoff_first_ms: YEAR_MS,
        backoff_max_ms: YEAR_MS,
        lease_ms: 86_400_000,
        run_timeout_ms: Some(YEAR_MS),
    };
    for policy in [least, most, Policy::default()] {
        assert_eq!(policy.check(), Ok(()));
    }
}

#[test]
fn an_attempt_has_a_deadline_only_if_the_policy_sets_one() {
    assert_eq!(POLICY.run_deadline(t(10)), None);
    let policy = Policy { run_timeout_ms: Some(5_000), ..POLICY };
    assert_eq!(policy.run_deadline(t(10)), Some(t(15)));
}
