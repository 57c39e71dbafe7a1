//! What is said to whoever sits at the terminal. Everything else is logged.

use std::{
    fmt,
    io::{self, Write},
};

use chrono::{DateTime, Utc};

/// Says a line. A terminal that is gone is no reason to stop.
pub(crate) fn say(line: impl fmt::Display) {
    drop(writeln!(io::stdout().lock(), "{line}"));
}

/// A time as tables show it, in UTC.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.format("%F %T").to_string()
}

/// Says in one line why Greffe gives up.
pub(crate) fn give_up(error: &anyhow::Error) {
    drop(writeln!(io::stderr().lock(), "greffe: {}", in_one_line(error)));
}

/// An error and its causes, in one line, none of them twice.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let cause = cause.to_string().replace('\n', " ");
        if line.contains(&cause) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&cause);
    }
    line
}

/// Rows under a headline, in columns as wide as they need to be.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let padded: Vec<String> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    say(line(head));
    say(widths.map(|width| "─".repeat(width)).join("  "));
    for row in rows {
        say(line(row.each_ref().map(String::as_str)));
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::in_one_line;

    #[test]
    fn an_error_is_told_in_one_line_with_its_causes() {
        let error = anyhow!("port\ntaken").context("cannot start");
        assert_eq!(in_one_line(&error), "cannot start: port taken");
    }

    #[test]
    fn a_cause_that_is_told_already_is_not_told_again() {
        let error = anyhow!("no answer").context("database: no answer");
        assert_eq!(in_one_line(&error), "database: no answer");
    }
}
