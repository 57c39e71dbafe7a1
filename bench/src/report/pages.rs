//! What the sources say: pages of plain sentences on thirty subjects, always
//! the same.

use std::fmt::Write;

/// What the fields of the report are about, and the sources too.
pub(super) const SUBJECTS: [&str; 30] = [
    "apprenticeship",
    "archive",
    "balance",
    "bridge",
    "budget",
    "carpentry",
    "certificate",
    "committee",
    "drainage",
    "election",
    "engineering",
    "fishery",
    "forestry",
    "grammar",
    "hospital",
    "insurance",
    "irrigation",
    "laboratory",
    "library",
    "mechanics",
    "navigation",
    "orchard",
    "pension",
    "quarry",
    "railway",
    "schooling",
    "surveying",
    "tannery",
    "vineyard",
    "workshop",
];

const QUALITIES: [&str; 8] =
    ["early", "public", "careful", "northern", "lasting", "ordinary", "regular", "common"];

const PLACES: [&str; 7] = [
    "the valley",
    "the lower town",
    "the island",
    "the port",
    "the plain",
    "the hills",
    "the city",
];

const DEEDS: [&str; 6] = ["was extended by", "employed", "counted", "paid for", "trained", "lost"];

const THINGS: [&str; 6] = ["workers", "families", "students", "visitors", "members", "buildings"];

/// Of one page.
const LINES: u32 = 46;

/// The text of one page, a sentence a line. Each subject comes up on every
/// third page or so.
pub(super) fn text(page: u32) -> String {
    let mut text = String::with_capacity(4_000);
    for line in 0..LINES {
        let nth = page * LINES + line;
        // Numbers without a common factor: combinations hardly ever repeat.
        let subject = pick(&SUBJECTS, page * 7 + line / 5);
        let quality = pick(&QUALITIES, nth);
        let place = pick(&PLACES, nth / 3);
        let deed = pick(&DEEDS, nth / 2);
        let thing = pick(&THINGS, nth / 5);
        let (year, count) = (1850 + nth % 150, 3 + nth % 911);
        writeln!(
            text,
            "The {quality} {subject} of {place} {deed} {count} {thing} in {year}, it says."
        )
        .expect("a string takes all that is written");
    }
    text
}

fn pick<'a>(from: &[&'a str], nth: u32) -> &'a str {
    from[nth as usize % from.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_comes_up_in_the_fewest_pages_that_are_measured() {
        let all: String = (0..50).map(text).collect();
        for subject in SUBJECTS {
            assert!(all.contains(subject), "{subject}");
        }
    }

    #[test]
    fn a_page_is_as_long_as_a_page() {
        for page in 0..200 {
            let chars = text(page).len();
            assert!((2_800..4_000).contains(&chars), "{chars}");
        }
    }
}
