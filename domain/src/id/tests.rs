use proptest::prelude::*;
use uuid::Uuid;

use super::{JobId, LeaseId, NotALease};

const JOB: &str = "00000000-0000-0000-0000-000000000007";

#[test]
fn a_lease_is_written_as_job_and_fence() {
    let lease = LeaseId { job: JobId(Uuid::from_u128(7)), fence: 12 };
    assert_eq!(lease.to_string(), format!("{JOB}.12"));
}

#[test]
fn what_names_no_lease_is_refused() {
    for text in [
        "",
        ".",
        JOB,
        "12",
        &format!("{JOB}."),
        &format!("{JOB}.x"),
        &format!("{JOB}.-1"),
        &format!("{JOB}.1.2"),
        &format!("{JOB}. 1"),
        &format!("{JOB}.18446744073709551616"),
        ".12",
        "job.12",
    ] {
        assert_eq!(text.parse::<LeaseId>(), Err(NotALease), "{text}");
    }
}

proptest! {
    #[test]
    fn every_lease_is_read_back(job in any::<u128>(), fence in any::<u64>()) {
        let lease = LeaseId { job: JobId(Uuid::from_u128(job)), fence };
        prop_assert_eq!(lease.to_string().parse(), Ok(lease));
    }

    #[test]
    fn no_text_is_too_strange_to_be_refused(text in ".*") {
        if let Ok(lease) = text.parse::<LeaseId>() {
            prop_assert_eq!(lease.to_string().parse(), Ok(lease));
        }
    }
}
