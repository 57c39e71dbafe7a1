//! What is not written but follows: from the form of what stands in a source,
//! or from the request.

use chrono::NaiveDate;

/// Where the first number of a Swiss social insurance stands in a text, and how
/// it is usually written: 756, then ten digits, whatever stands between them.
pub(in crate::report) fn avs_number(text: &str) -> Option<(usize, String)> {
    text.match_indices("756").find_map(|(at, _)| {
        let alone = !text[..at].ends_with(|it: char| it.is_ascii_digit() || it == '.');
        let digits = alone.then(|| thirteen_digits(&text[at..])).flatten()?;
        let (country, rest) = digits.split_at(3);
        Some((at, format!("{country}.{}.{}.{}", &rest[..4], &rest[4..8], &rest[8..])))
    })
}

/// The thirteen digits that a text begins with, no more and no fewer.
fn thirteen_digits(text: &str) -> Option<String> {
    let mut digits = String::with_capacity(13);
    let mut letters = text.chars().peekable();
    while digits.len() < 13 {
        match letters.next()? {
            it if it.is_ascii_digit() => digits.push(it),
            // One sign between two digits.
            '.' | ' ' | '-' | '\u{A0}' | '\u{202F}' => {
                letters.peek().filter(|it| it.is_ascii_digit())?;
            }
            _ => return None,
        }
    }
    letters.peek().is_none_or(|it| !it.is_ascii_digit()).then_some(digits)
}

/// Where and when, as a letter begins.
pub(in crate::report) fn place_and_date(place: &str, date: NaiveDate) -> String {
    format!("{}, le {}", place.trim(), date.format("%d/%m/%Y"))
}
