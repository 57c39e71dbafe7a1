//! What may go into a report, and what may not stand in it.

use super::{FieldKind, FieldSpec, GivenValue, ReportInput, Trace, traces};

fn found(text: &str) -> Vec<(Trace, &str)> {
    traces(text).collect()
}

#[test]
fn what_is_left_of_its_making_is_found_in_a_text() {
    assert_eq!(found("Madame {{NAME}}"), [(Trace::Placeholder, "{{")]);
    assert_eq!(found(r#"voici {"a":1}"#), [(Trace::Json, r#"{"a":"#)]);
    assert_eq!(found("voici { 'a' : 1 }"), [(Trace::Json, "{ 'a' :")]);
    assert_eq!(found(r#"[ {"a": 1} ]"#)[0], (Trace::Json, r#"[ {"a":"#));
    assert_eq!(found(r#"["un", "deux"]"#), [(Trace::Json, r#"["un","#)]);
    assert_eq!(found("selon la source 3."), [(Trace::SourceReference, "source 3")]);
    assert_eq!(found("(Source n° 12)"), [(Trace::SourceReference, "Source n° 12")]);
    assert_eq!(found("sources 1 et 2"), [(Trace::SourceReference, "sources 1")]);
    assert_eq!(found("SOURCE\u{A0}4"), [(Trace::SourceReference, "SOURCE\u{A0}4")]);
    assert_eq!(found("source_2"), [(Trace::SourceReference, "source_2")]);
    assert_eq!(found("source: 2"), [(Trace::SourceReference, "source: 2")]);
}

#[test]
fn ordinary_prose_holds_no_trace() {
    for text in [
        "ressource 3",
        "la source du problème",
        "{entre accolades}",
        "[1] et [deux]",
        "il a dit : \"oui\"",
        "2024, sources diverses",
        "été ∑ 😀",
        "",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

fn refused(input: &ReportInput) -> String {
    input.check().unwrap_err().field().unwrap().to_owned()
}

fn with_value(key: &str, value: &str) -> ReportInput {
    let values = vec![GivenValue { key: key.into(), value: value.into() }];
    ReportInput { values, ..ReportInput::default() }
}

fn with_field(change: impl FnOnce(&mut FieldSpec)) -> ReportInput {
    let mut spec = FieldSpec {
        key: "PROFESSION".into(),
        kind: FieldKind::Short,
        query: None,
        instructions: None,
        chars_max: None,
        lines_max: None,
        allowed: Vec::new(),
        sources_min: None,
    };
    change(&mut spec);
    ReportInput { fields: vec![spec], ..ReportInput::default() }
}

#[test]
fn a_given_value_is_plain_text() {
    with_value("NAME", "O'Brien & <fils>, rue de la Source 3").check().unwrap();
    assert_eq!(refused(&with_value("NAME", "{{SURNAME}}")), "values/0/value");
    assert_eq!(refused(&with_value("NAME", "x}}")), "values/0/value");
    assert_eq!(refused(&with_value("NAME", r#"{"a": 1}"#)), "values/0/value");
    assert_eq!(refused(&with_value("NAME", "a\0b")), "values/0/value");
    assert_eq!(refused(&with_value("NAME", &"x".repeat(10_001))), "values/0/value");
    assert_eq!(refused(&with_value(" ", "x")), "values/0/key");
    assert_eq!(refused(&with_value("{NAME}", "x")), "values/0/key");
}

#[test]
fn a_specification_has_bounds_and_only_the_constrained_have_allowed_values() {
    with_field(|it| it.chars_max = Some(1)).check().unwrap();
    assert_eq!(refused(&with_field(|it| it.chars_max = Some(0))), "fields/0/charsMax");
    assert_eq!(refused(&with_field(|it| it.lines_max = Some(101))), "fields/0/linesMax");
    assert_eq!(refused(&with_field(|it| it.sources_min = Some(0))), "fields/0/sourcesMin");
    assert_eq!(refused(&with_field(|it| it.key = "a}b".into())), "fields/0/key");
    assert_eq!(refused(&with_field(|it| it.allowed = vec!["A1".into()])), "fields/0/allowed");
    assert_eq!(refused(&with_field(|it| it.kind = FieldKind::Constrained)), "fields/0/allowed");
    let blank = with_field(|it| {
        it.kind = FieldKind::Constrained;
        it.allowed = vec!["A1".into(), " ".into()];
    });
    assert_eq!(refused(&blank), "fields/0/allowed/1");
}
