//! What attempts log, line by line.

use async_graphql::{Context, Object};
use serde_json::json;

use super::{
    budget,
    fault::{Fault, Result},
    scalar::{DateTime, Json, Long},
};

/// A line of a job's log.
pub(super) struct LogLine(projections::kept::logs::LogLine);

/// The place of a line: the fence of its attempt's lease, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogCursor {
    fence: u64,
    line: u64,
}

impl LogCursor {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let number = |it: &str| it.parse::<u64>().ok().filter(|it| i64::try_from(*it).is_ok());
        text.split_once('.')
            .and_then(|(fence, line)| Some(Self { fence: number(fence)?, line: number(line)? }))
            .ok_or_else(|| Fault::bad_input("after", "a cursor of this log"))
    }

    pub(super) fn place(self) -> (u64, u64) {
        (self.fence, self.line)
    }
}

impl From<projections::kept::logs::LogLine> for LogLine {
    fn from(line: projections::kept::logs::LogLine) -> Self {
        Self(line)
    }
}

/// A line of a job's log.
#[Object]
impl LogLine {
    /// To be sent back as `after`.
    async fn cursor(&self) -> String {
        format!("{}.{}", self.0.fence, self.0.line)
    }

    /// The fence of the lease that it was logged under: one for each attempt.
    async fn fence(&self) -> Long {
        Long(self.0.fence)
    }

    /// Its place in the log of that attempt, from 0.
    async fn line(&self) -> Long {
        Long(self.0.line)
    }

    /// When it came in.
    async fn logged_at(&self) -> DateTime {
        DateTime(self.0.logged_at)
    }

    /// What was logged, as the worker sent it: an object.
    #[expect(clippy::unused_async, reason = "a resolver is async, whether or not it waits")]
    async fn entry(&self, ctx: &Context<'_>) -> Result<Json> {
        budget::spend_bytes(ctx, self.0.entry.len() as u64)?;
        // The worker's line is kept as text; one that is no JSON is shown as the text that it is.
        match Json::try_read(&self.0.entry) {
            Ok(entry) => Ok(entry),
            Err(_) => Json::read(&json!(self.0.entry).to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_fence_and_a_line() {
        assert_eq!(LogCursor::parse("7.0").unwrap().place(), (7, 0));
        for text in ["", "7", "7.", ".7", "7.x", "-1.0", "9223372036854775808.0"] {
            assert!(LogCursor::parse(text).is_err(), "{text:?}");
        }
    }
}
