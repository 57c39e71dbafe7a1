//! Lengths of time on the command line.

use std::{ops::RangeInclusive, time::Duration};

/// Reads a number of seconds within a range. Fractions are allowed.
pub(super) fn seconds(
    range: RangeInclusive<f64>,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync {
    move |text| {
        let number = text.parse().ok();
        // What is no number is in no range, and neither is NaN.
        let within = number.filter(|it| range.contains(it));
        let read = within.and_then(|it| Duration::try_from_secs_f64(it).ok());
        read.ok_or_else(|| format!("not a number from {} to {}", range.start(), range.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Serve;

    /// Must never: a panic once the database runs, or another time than the operator says.
    #[test]
    fn what_is_no_length_of_time_is_refused_by_the_name_of_its_setting() {
        let settings = [
            ("--rescue-grace-s", "0", "3600"),
            ("--crawl-delay-s", "0", "3600"),
            ("--ollama-deadline-s", "1", "3600"),
        ];
        for (name, least, most) in settings {
            let read = |value| Serve::with(&[&format!("{name}={value}")]);
            for good in [least, most, "7.5"] {
                read(good).unwrap();
            }
            for bad in ["nan", "inf", "-1", "3600.5", "7200", "soon", ""] {
                let why = read(bad).unwrap_err().to_string();
                assert!(why.contains(name), "{why}");
                assert!(why.contains(&format!("a number from {least} to {most}")), "{why}");
            }
        }
    }
}
