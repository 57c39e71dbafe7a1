//! What a writer may say, and what becomes of it.

use domain::report::{FieldKind, ReportInput};

use super::*;
use crate::report::fields::fields;

fn field(key: &str) -> Field {
    fields(&[key.to_owned()], &ReportInput::default()).remove(0)
}

#[test]
fn an_answer_is_taken_out_of_what_it_was_wrapped_in() {
    let of = |said: &str| unwrapped(said, &field("PROFESSION"));
    assert_eq!(of("  Menuisier \n\n qualifié "), "Menuisier\nqualifié");
    assert_eq!(of("```text\nMenuisier\n```"), "Menuisier");
    assert_eq!(of("```\nMenuisier"), "Menuisier");
    assert_eq!(of("JSON: Menuisier"), "Menuisier");
    assert_eq!(of("Profession : Menuisier"), "Menuisier");
    assert_eq!(of("« Menuisier »"), "Menuisier");
    assert_eq!(of("Horaire : 8h"), "Horaire : 8h");
    for nothing in ["", "__VIDE__", "  __VIDE__. ", "VIDE", "Profession: __VIDE__"] {
        assert_eq!(of(nothing), "", "{nothing}");
    }
}

#[test]
fn what_may_not_stand_in_a_document_is_refused() {
    check("Il est arrivé à 8:30 : tout va bien.").unwrap();
    assert_eq!(check("{{NAME}}"), Err(Unfit::Trace(Trace::Placeholder)));
    assert_eq!(check("NAME}}"), Err(Unfit::Trace(Trace::Placeholder)));
    assert_eq!(check(r#"{"a": 1}"#), Err(Unfit::Trace(Trace::Json)));
    assert_eq!(check("Selon la source 3, oui."), Err(Unfit::Trace(Trace::SourceReference)));
    assert_eq!(check("Un : deux : trois"), Err(Unfit::Labels));
    for markup in ["# Titre", "du **gras**", "* un", "a\n```", "| a | b |", "__x__"] {
        assert_eq!(check(markup), Err(Unfit::Markup), "{markup}");
    }
}

#[test]
fn a_text_is_cut_by_lines_and_then_by_characters() {
    let short = Field { chars_max: 10, lines_max: 2, ..field("STAGE") };
    assert_eq!(fitted("un\ndeux", &short), "un\ndeux");
    assert_eq!(fitted("un\ndeux\ntrois", &short), "un\ndeux…");
    assert_eq!(fitted("exactement", &short), "exactement");
    assert_eq!(fitted("un peu, trop long", &short), "un peu, t…");
    assert_eq!(fitted("un peu , , trop long", &short), "un peu…");
    assert_eq!(fitted("été été été été", &short).chars().count(), 10);
}

#[test]
fn an_allowed_value_is_known_whatever_its_case_and_accents() {
    let test = field("TEST_ATTENTION");
    assert_eq!(test.kind, FieldKind::Constrained);
    assert_eq!(allowed("a renforcer.", &test), Some("À renforcer"));
    assert_eq!(allowed("NON  ÉVALUÉ", &test), Some("Non évalué"));
    assert_eq!(allowed("excellent", &test), None);
    assert_eq!(allowed("", &test), None);
}
