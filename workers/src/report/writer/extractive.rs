//! Greffe as a writer: it says nothing of its own, but picks what the sources
//! say best. The same sources give the same words.

use std::{collections::HashSet, ops::Range};

use domain::report::FieldKind;

use super::{
    super::{
        bm25::{Hit, Index},
        clean,
        fields::Field,
        sentences::{item, locate, sentences},
        words,
    },
    Taken,
};

/// What is worth less than this part of the best is left out.
const WORTH_MIN: f64 = 0.5;

/// What cannot be said in so many characters is not said well.
const UNIT_CHARS_MAX: usize = 600;

/// How long a heading is at most, in words.
const HEADING_WORDS: usize = 6;

/// How far a value may stand from the word that it is looked for by, in words.
const NEAR_WORDS: usize = 12;

/// Something that can be cited alone.
#[derive(Debug)]
struct Unit {
    text: String,
    /// How much of what is looked for it speaks of.
    worth: f64,
    /// Which passage it stands in, and where.
    hit: usize,
    part: Range<usize>,
}

/// What is written, and what it was taken from.
type Picked<'a> = (String, Vec<&'a Unit>);

/// The words of the sources that fit the field, and where they stand; empty if
/// none do.
pub(super) fn write(field: &Field, index: &Index, hits: &[Hit<'_>]) -> (String, Vec<Taken>) {
    let mut wanted = words::tokens(&field.query);
    // French says last what tells it from others: `langue anglais`, `test d'attention`.
    let last = wanted.last().cloned().unwrap_or_default();
    wanted.sort_unstable();
    wanted.dedup();
    let mut units = units(&wanted, index, hits);
    if matches!(field.kind, FieldKind::Short | FieldKind::Narrative) {
        units.retain(|it| !is_heading(&it.text));
    }
    let (text, units): Picked<'_> = match field.kind {
        FieldKind::Deterministic => Picked::default(),
        FieldKind::Constrained => near(field, &last, &units).unwrap_or_default(),
        FieldKind::Short => labelled(field, &wanted, &units)
            .or_else(|| best(&units).map(|it| (it.text.clone(), it)))
            .map(|(text, unit)| (text, vec![unit]))
            .unwrap_or_default(),
        FieldKind::List => items(field, &wanted, &units),
        FieldKind::Narrative => narrative(field, &wanted, &units),
    };
    let taken = units.iter().map(|it| Taken { hit: it.hit, part: it.part.clone() });
    (text, taken.collect())
}

/// What the passages consist of, in their order, each thing once.
fn units(wanted: &[String], index: &Index, hits: &[Hit<'_>]) -> Vec<Unit> {
    let (mut units, mut seen) = (Vec::new(), HashSet::new());
    for (number, hit) in hits.iter().enumerate() {
        let said = sentences(&hit.passage.text);
        let places = locate(&hit.passage.text, &said);
        let last = said.len().saturating_sub(1);
        for (at, (text, part)) in said.into_iter().zip(places).enumerate() {
            // Passages are cut wherever they are long enough.
            let cut_before = at == 0 && text.starts_with(char::is_lowercase);
            let cut_after = at == last && 0 < at && !text.ends_with(['.', '!', '?', '…', ';']);
            let is_line = text.chars().count() < 80;
            if cut_before || (cut_after && !is_line) || UNIT_CHARS_MAX < text.chars().count() {
                continue;
            }
            if clean::check(&text).is_err_and(|it| it != clean::Unfit::Labels) {
                continue;
            }
            let said: HashSet<String> = words::tokens(&text).into_iter().collect();
            let worth = wanted.iter().filter(|it| said.contains(*it));
            let worth = worth.map(|it| index.weight(it)).sum();
            if seen.insert(words::folded(&text)) {
                units.push(Unit { text, worth, hit: number, part });
            }
        }
    }
    units
}

/// What announces a text and is none.
fn is_heading(text: &str) -> bool {
    let ends = text.ends_with(['.', '!', '?', '…', ';']);
    !ends && !text.contains([':', '|']) && text.split_whitespace().count() <= HEADING_WORDS
}

/// The unit that says most; of equals, the first.
fn best(units: &[Unit]) -> Option<&Unit> {
    let worthy = units.iter().filter(|it| 0.0 < it.worth);
    worthy.fold(None, |best: Option<&Unit>, it| match best {
        Some(best) if it.worth <= best.worth => Some(best),
        _ => Some(it),
    })
}

/// What follows the field's own name and a colon.
fn labelled<'a>(field: &Field, wanted: &[String], units: &'a [Unit]) -> Option<(String, &'a Unit)> {
    units.iter().find_map(|unit| {
        let (label, rest) = unit.text.split_once(':')?;
        let named = words::same(label, &field.label) || {
            let label = words::tokens(label);
            !label.is_empty() && label.len() <= 4 && wanted.iter().all(|it| label.contains(it))
        };
        let rest = rest.trim();
        (named && !rest.is_empty()).then(|| (rest.to_owned(), unit))
    })
}

/// Sentences that speak of the field, in the order of the sources.
fn narrative<'a>(field: &Field, wanted: &[String], units: &'a [Unit]) -> Picked<'a> {
    let labelled = labelled(field, wanted, units);
    let (mut chosen, mut from): (Vec<&str>, Vec<&Unit>) =
        labelled.iter().map(|(text, unit)| (text.as_str(), *unit)).unzip();
    let mut left =
        field.chars_max.saturating_sub(labelled.as_ref().map_or(0, |it| it.0.chars().count()));
    for unit in worthy(units) {
        let told = labelled.as_ref().is_some_and(|it| unit.text.contains(it.0.as_str()));
        let length = unit.text.chars().count() + 1;
        if !told && (chosen.is_empty() || length <= left) && chosen.len() < field.lines_max.max(1) {
            left = left.saturating_sub(length);
            chosen.push(&unit.text);
            from.push(unit);
        }
    }
    (capitalised(&chosen.join(" ")), from)
}

/// As a sentence begins.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |it| it.to_uppercase().chain(letters).collect())
}

/// Items, one a line: those of a list in the sources, or what a label is
/// followed by, or sentences.
fn items<'a>(field: &Field, wanted: &[String], units: &'a [Unit]) -> Picked<'a> {
    if let Some((listed, unit)) = labelled(field, wanted, units) {
        let parts = listed.split([',', ';']).map(|it| it.trim().trim_end_matches('.'));
        let parts = parts.filter(|it| !it.is_empty()).take(field.lines_max);
        return (parts.collect::<Vec<_>>().join("\n"), vec![unit]);
    }
    let (mut chosen, mut from) = (Vec::<&str>::new(), Vec::new());
    let mut left = field.chars_max;
    for unit in worthy(units) {
        let text = item(&unit.text).unwrap_or(&unit.text);
        let length = text.chars().count() + 1;
        if chosen.len() < field.lines_max && (chosen.is_empty() || length <= left) {
            left = left.saturating_sub(length);
            chosen.push(text);
            from.push(unit);
        }
    }
    (chosen.join("\n"), from)
}

/// The units that say enough, compared with the best, in the order of the
/// sources.
fn worthy(units: &[Unit]) -> impl Iterator<Item = &Unit> {
    let enough = best(units).map_or(f64::INFINITY, |it| it.worth * WORTH_MIN);
    units.iter().filter(move |it| enough <= it.worth)
}

/// The allowed value that stands nearest to the word that tells what is looked
/// for. Where that word is not, a value is about something else; and so it is
/// where a number is not, such as that of a level.
fn near<'a>(field: &Field, last: &str, units: &'a [Unit]) -> Option<Picked<'a>> {
    let mut found: Option<(f64, usize, usize, &str, &Unit)> = None;
    let mut numbers = plain(&field.query);
    numbers.retain(|it| it.chars().all(|it| it.is_ascii_digit()));
    for unit in units.iter().filter(|it| 0.0 < it.worth) {
        let said = plain(&unit.text);
        if !numbers.iter().all(|it| said.contains(it)) {
            continue;
        }
        let anchors: Vec<usize> =
            (0..said.len()).filter(|at| words::singular(&said[*at]) == last).collect();
        for value in &field.allowed {
            let value_words = plain(value);
            for at in places(&said, &value_words) {
                let distance = |anchor: &usize| match anchor.cmp(&at) {
                    // A value usually follows what it is the value of.
                    std::cmp::Ordering::Greater => 2 * (anchor - at) + 1,
                    std::cmp::Ordering::Less | std::cmp::Ordering::Equal => at - anchor,
                };
                let Some(distance) = anchors.iter().map(distance).min() else { continue };
                let longer = value_words.len();
                let better = found.is_none_or(|(worth, near, words, ..)| {
                    (unit.worth, near, longer) > (worth, distance, words)
                });
                if distance <= NEAR_WORDS && better {
                    found = Some((unit.worth, distance, longer, value, unit));
                }
            }
        }
    }
    found.map(|it| (it.3.to_owned(), vec![it.4]))
}

/// Where `value` stands in `said`, and is not part of a longer allowed value's
/// words in between.
fn places(said: &[String], value: &[String]) -> Vec<usize> {
    if value.is_empty() || said.len() < value.len() {
        return Vec::new();
    }
    (0..=said.len() - value.len()).filter(|at| said[*at..*at + value.len()] == *value).collect()
}

/// All words of a text, common ones too: a value may consist of them.
fn plain(text: &str) -> Vec<String> {
    let folded = words::folded(text);
    let words = folded.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
    words.map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests;
