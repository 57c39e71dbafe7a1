//! Which part of a file is asked for: one range of bytes, as RFC 9110 has it.
//!
//! Several ranges at once are answered with the whole file, as is what cannot
//! be read as a range: the standard allows it, and everybody understands it.

use std::ops::Range;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it.
    Whole,
    /// These bytes, of which there is at least one.
    Part(Range<u64>),
    /// Bytes that the file does not have.
    Nowhere,
}

/// Reads the `Range` header of a request for a file of `length` bytes.
pub(super) fn asked(header: Option<&str>, length: u64) -> Asked {
    match header.and_then(|it| range(it, length)) {
        None => Asked::Whole,
        Some(range) if range.is_empty() => Asked::Nowhere,
        Some(range) => Asked::Part(range),
    }
}

/// The range that is meant, empty if the file has nothing there.
fn range(header: &str, length: u64) -> Option<Range<u64>> {
    let (unit, range) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    match (first, last) {
        ("", last) => Some(length.saturating_sub(number(last)?)..length),
        (first, "") => Some(number(first)?.min(length)..length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            // A range that runs backwards is none.
            (first <= last).then(|| first.min(length)..last.saturating_add(1).min(length))
        }
    }
}

/// Digits alone: `+1` is a number to Rust, and none to HTTP. More of them than fit are more than
/// any file has.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_is_cut_at_the_end_of_the_file() {
        for (header, expected) in [
            ("bytes=0-3", Asked::Part(0..4)),
            ("bytes=4-", Asked::Part(4..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("Bytes = 8-99999999999999999999999", Asked::Part(8..10)),
            ("bytes=10-", Asked::Nowhere),
            ("bytes=10-20", Asked::Nowhere),
            ("bytes=-0", Asked::Nowhere),
        ] {
            assert_eq!(asked(Some(header), 10), expected, "{header}");
        }
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Nowhere);
    }

    #[test]
    fn what_is_no_range_asks_for_the_whole_file() {
        let bad = ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=3-1", "bytes=+1-2"];
        for header in bad.into_iter().chain(["lines=1-2", "bytes=0-1,3-4", "bytes=--1"]) {
            assert_eq!(asked(Some(header), 10), Asked::Whole, "{header}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
    }

    proptest! {
        #[test]
        fn no_header_reaches_beyond_the_file(header in "bytes=[0-9]{0,22}-[0-9]{0,22}", length: u64) {
            if let Asked::Part(range) = asked(Some(&header), length) {
                prop_assert!(range.start < range.end && range.end <= length);
            }
        }
    }
}
