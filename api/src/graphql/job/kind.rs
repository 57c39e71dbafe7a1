//! The words for where a job stands and what it is.

use async_graphql::Enum;

/// Where a job stands. The last four are final.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::job::JobState")]
pub(in crate::graphql) enum JobState {
    /// Not before a time.
    Scheduled,
    /// A worker may take it.
    Queued,
    /// A worker holds it.
    Running,
    /// Waits for its next attempt.
    Retrying,
    /// Done. May carry errors: see `succeededWithErrors`.
    Succeeded,
    /// No attempt succeeded, and there will be no other.
    Failed,
    /// Somebody had it stopped.
    Cancelled,
    /// Its time passed.
    Expired,
}

/// What is to be done, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::job::JobKind")]
pub(in crate::graphql) enum JobKind {
    /// Work of a named service.
    Task,
    /// Web pages to fetch.
    Crawl,
    /// A document to write.
    Report,
}

#[cfg(test)]
mod tests {
    use async_graphql::{Name, Value};

    use super::{JobKind, JobState};

    /// Must never: one state that tables, logs and front ends know by several words.
    #[test]
    fn states_and_kinds_are_called_what_the_domain_calls_them() {
        for state in domain::job::JobState::ALL {
            let shown = Value::from(JobState::from(state));
            assert_eq!(shown, Value::Enum(Name::new(state.as_str())));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for kind in ["TASK", "CRAWL", "REPORT"] {
            let known = domain::job::JobKind::parse(kind).unwrap();
            assert_eq!(Value::from(JobKind::from(known)), Value::Enum(Name::new(kind)));
        }
    }
}
