//! The score of a page, case by case.

use crate::crawl::relevance::Dictionary;

fn score(terms: &[&str], language: &str, title: &str, body: &str) -> u32 {
    let terms: Vec<String> = terms.iter().map(|it| (*it).to_owned()).collect();
    Dictionary::new(&terms, &[]).relevance(title, body, Some(language)).score
}

#[test]
fn the_title_counts_ten_times_and_every_occurrence_counts() {
    for (title, body, expected) in [
        ("", "", 0),
        ("Soup", "Of leeks and potatoes.", 0),
        ("Soup", "A lighthouse.", 1),
        ("Soup", "Lighthouses, lighthouse; LIGHTHOUSE!", 3),
        ("The lighthouse", "", 10),
        ("The lighthouse", "Of a lighthouse and its keeper.", 12),
        ("Lighthouse keepers", "No more.", 20),
    ] {
        assert_eq!(
            score(&["lighthouse", "keeper"], "en", title, body),
            expected,
            "{title}: {body}"
        );
    }
}

/// No bonus for several terms, none for a language: a page with one term in the
/// title and two in the body is 12 and not 13.2; with two in the body it is 2
/// and not 3.3.
#[test]
fn a_score_is_a_count_and_nothing_is_added_to_it() {
    let terms = ["phare", "gardien"];
    assert_eq!(score(&terms, "fr", "Le phare", "Le gardien du phare."), 12);
    assert_eq!(score(&terms, "fr", "La soupe", "Le gardien du phare."), 2);
}

/// Must never: terms of several words that match nothing.
#[test]
fn terms_of_several_words_are_found_as_they_stand_in_any_form() {
    let terms = ["gilets jaunes"];
    assert_eq!(score(&terms, "fr", "Un gilet jaune", "Les Gilets jaunes, un gilet-jaune."), 12);
    assert_eq!(score(&terms, "fr", "", "jaunes gilets, gilets bleus et jaunes"), 0);
    assert_eq!(score(&["gilet", "gilets jaunes"], "fr", "", "gilets jaunes"), 2);
}

#[test]
fn stems_are_those_of_the_language_of_the_page() {
    assert_eq!(score(&["cheval"], "fr", "", "chevaux"), 1);
    assert_eq!(score(&["cheval"], "en", "", "chevaux"), 0);
    assert_eq!(score(&["running"], "en", "", "he runs, they run"), 2);
    assert_eq!(score(&["наука"], "ru", "", "науки науке"), 2);
    assert_eq!(score(&["phare"], "xx", "", "Phare phares"), 1, "words as they are");
}

#[test]
fn two_spellings_of_one_term_count_once() {
    assert_eq!(score(&["lighthouse", "Lighthouses"], "en", "", "lighthouse"), 1);
    assert_eq!(score(&["...", ""], "en", "...", "nothing to look for"), 0);
}

#[test]
fn the_dictionary_tells_the_stems_of_each_term() {
    let terms = ["phares du nord".to_owned()];
    let dictionary = Dictionary::new(&terms, &["fr".to_owned(), "en".to_owned()]);
    let stems = dictionary.stems();
    assert_eq!(stems["fr"]["phares du nord"], ["phar", "du", "nord"]);
    assert!(stems.contains_key("en"));
}

/// Must never: terms that nothing can contain.
#[test]
fn terms_are_found_where_no_spaces_stand_between_words() {
    for (term, language, body) in [
        ("灯塔", "zh", "海边的灯塔很高，灯塔的光很亮。"),
        ("灯台", "ja", "岬の灯台に登る。灯台の光。"),
        ("カメラ", "ja", "古いカメラとカメラ店"),
        ("ประภาคาร", "th", "ประภาคารอยู่ที่ประภาคาร"),
        ("ປະພາຄານ", "lo", "ປະພາຄານແລະປະພາຄານ"),
        ("ភ្លើង", "km", "ភ្លើងនិងភ្លើង"),
        ("မီးပြတိုက်", "my", "မီးပြတိုက်နှင့်မီးပြတိုက်"),
    ] {
        assert_eq!(score(&[term], language, "", body), 2, "{term}");
    }
    assert_eq!(score(&["灯塔"], "zh", "", "塔灯，灯与塔"), 0, "in this order, and together");
    assert_eq!(score(&["iPhone手机"], "zh", "", "新的iphone手机"), 1);
}

/// Must never: a horse that is taken for something that comes.
#[test]
fn a_sign_above_or_below_a_letter_makes_another_word_of_it() {
    for (term, language, other) in [
        ("ม้า", "th", "มา"),
        ("ມ້າ", "lo", "ມາ"),
        ("ក្រ", "km", "ករ"),
        ("ကန်", "my", "ကန"),
        ("က္က", "my", "ကက"),
    ] {
        assert_eq!(score(&[term], language, "", other), 0, "{term}: {other}");
        assert_eq!(score(&[other], language, "", term), 0, "{other}: {term}");
        assert_eq!(score(&[term], language, "", &format!("{other}{term}{other}")), 1, "{term}");
        assert_eq!(score(&[term], language, term, term), 11, "{term}");
    }
}

#[test]
fn an_accent_is_an_accent_however_it_is_written() {
    let (composed, decomposed) = ("\u{E9}t\u{E9}", "e\u{301}te\u{301}");
    assert_eq!(score(&[composed], "fr", "", decomposed), 1);
    assert_eq!(score(&[decomposed], "fr", composed, ""), 10);
}
