//! Words, as they are compared: without case, without accents, one for many, and
//! without the small words that every sentence has.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A text without case and accents.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for it in text.nfkd().filter(|it| !is_combining_mark(*it)).flat_map(char::to_lowercase) {
        match it {
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            'ß' => folded.push_str("ss"),
            // An apostrophe is typed in several ways.
            '’' | 'ʼ' => folded.push('\''),
            _ => folded.push(it),
        }
    }
    folded
}

/// The words of a text that tell it from others.
pub(super) fn tokens(text: &str) -> Vec<String> {
    folded(text)
        .split(|it: char| !it.is_alphanumeric())
        .filter(|it| 1 < it.chars().count() && !is_common(it))
        .map(|it| singular(it).to_owned())
        .collect()
}

/// Two texts that differ in case, accents, spaces or punctuation at most.
pub(super) fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let text = folded(text);
        let words = text.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
        words.collect::<Vec<_>>().join(" ")
    };
    plain(one) == plain(other)
}

/// Several are looked for as one: what French and English put after a word.
pub(super) fn singular(word: &str) -> &str {
    match word.strip_suffix(['s', 'x']) {
        Some(one) if 3 < one.len() && !one.ends_with('s') => one,
        _ => word,
    }
}

fn is_common(word: &str) -> bool {
    COMMON.binary_search(&word).is_ok()
}

/// What French and English sentences are held together by, folded and sorted.
const COMMON: &[&str] = &[
    "about", "afin", "ai", "ainsi", "alors", "also", "an", "and", "any", "apres", "are", "as",
    "at", "au", "aucun", "aucune", "aussi", "autre", "autres", "aux", "avait", "avant", "avec",
    "avoir", "be", "been", "but", "by", "can", "car", "ce", "cela", "celle", "celui", "ces", "cet",
    "cette", "chez", "comme", "could", "dans", "de", "depuis", "des", "did", "do", "does", "donc",
    "dont", "du", "elle", "elles", "en", "entre", "es", "est", "et", "etaient", "etait", "ete",
    "etre", "eu", "eux", "fait", "for", "from", "fut", "had", "has", "have", "he", "her", "his",
    "ici", "il", "ils", "in", "into", "is", "it", "its", "je", "jusqu", "la", "le", "les", "leur",
    "leurs", "lors", "lorsque", "lui", "ma", "mais", "me", "meme", "mes", "moi", "mon", "my", "ne",
    "ni", "no", "nos", "not", "notre", "nous", "of", "on", "ont", "or", "ou", "our", "par", "pas",
    "pendant", "peu", "peut", "plus", "pour", "puis", "qu", "quand", "que", "quel", "quelle",
    "qui", "sa", "sans", "se", "selon", "sera", "ses", "she", "si", "so", "soit", "son", "sont",
    "sous", "such", "sur", "ta", "te", "tes", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "to", "toi", "ton", "tous", "tout", "toute",
    "toutes", "tres", "tu", "un", "une", "vos", "votre", "vous", "was", "we", "were", "which",
    "who", "will", "with", "would", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_without_case_and_accents() {
        assert_eq!(folded("Évaluation ÇA Cœur straße"), "evaluation ca coeur strasse");
        assert_eq!(
            tokens("L’évaluation de la COMPÉTENCE à 100 %"),
            ["evaluation", "competence", "100"]
        );
        assert_eq!(
            tokens("les Métiers, un métier, le stress, des avis, jeux"),
            ["metier", "metier", "stress", "avis", "jeux"]
        );
        assert!(same(" Très  bon. ", "tres bon"));
        assert!(!same("Bon", "Très bon"));
    }

    #[test]
    fn common_words_are_in_the_order_they_are_searched_in() {
        assert!(COMMON.is_sorted_by(|one, other| one < other));
    }
}
