//! What is printed: one line a figure, the same for all.

use std::io::{self, Write};

use crate::machine::{Machine, Quiet};

/// Ours beside a peer's, measured in turn.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) ours: f64,
    pub(crate) peer: &'static str,
    pub(crate) theirs: f64,
    /// Ours over theirs where more is better, theirs over ours where less is.
    pub(crate) ratio: f64,
    /// What the ratio is to be, at least.
    pub(crate) goal: f64,
}

impl Figure {
    /// Where more is better.
    pub(crate) fn rate(
        name: &'static str,
        ours: f64,
        peer: (&'static str, f64),
        goal: f64,
    ) -> Self {
        let (peer, theirs) = peer;
        Self { name, unit: "events/s", ours, peer, theirs, ratio: ours / theirs, goal }
    }

    /// Where less is better.
    pub(crate) fn delay(
        name: &'static str,
        ours: f64,
        peer: (&'static str, f64),
        goal: f64,
    ) -> Self {
        let (peer, theirs) = peer;
        Self { name, unit: "ms", ours, peer, theirs, ratio: theirs / ours, goal }
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, unit, ours, peer, theirs, ratio, goal: _ } = self;
        let (ours, theirs) = (rounded(*ours), rounded(*theirs));
        write!(f, "{name} ours={ours} {unit} peer={peer}:{theirs} ratio={ratio:.2}")
    }
}

/// Prints the figures, and remembers whether the machine was quiet.
pub(crate) struct Report {
    was_quiet: bool,
}

impl Report {
    pub(crate) fn begin(machine: &Machine) -> Self {
        print(&machine.to_string());
        Self { was_quiet: true }
    }

    /// The machine was looked at while nothing was measured.
    pub(crate) fn note(&mut self, quiet: &Quiet) {
        self.was_quiet &= quiet.is_quiet();
    }

    /// A figure that falls short on a busy machine says nothing.
    pub(crate) fn add(&self, figure: &Figure) {
        let verdict = match (figure.goal <= figure.ratio, self.was_quiet) {
            (true, _) => "ok",
            (false, true) => "short",
            (false, false) => "noisy",
        };
        print(&format!("figure {figure} goal={:.2} {verdict}", figure.goal));
    }

    /// Beside a peer that no goal was set with.
    pub(crate) fn compare(figure: &Figure) {
        print(&format!("beside {figure}"));
    }

    /// What helps to understand the figures.
    pub(crate) fn remark(text: &str) {
        print(&format!("  {text}"));
    }
}

/// Three digits for small numbers, none after the point for large ones.
fn rounded(number: f64) -> String {
    if number < 100.0 { format!("{number:.2}") } else { format!("{number:.0}") }
}

/// Half of the values are below.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn print(line: &str) {
    // Whoever reads has gone away: the measurements go on, to no harm.
    writeln!(io::stdout(), "{line}").ok();
}
