//! What may not be delivered.

use domain::{
    job::JobError,
    report::{FieldKind, FieldStatus},
};

use super::*;
use crate::report::{
    guard,
    testing::{body, paragraph},
};

fn delivered(text: &str, fields: &[(&str, &str)], by_requester: &str) -> Result<String, String> {
    let fields: Vec<_> = fields.iter().map(|it| (it.0, it.1, FieldStatus::Written)).collect();
    let tried = tried(text, &fields, by_requester);
    tried.map(|it| it.0).map_err(|it| it.error_type)
}

/// What the document says, and which fields are left empty after all.
fn tried(
    text: &str,
    fields: &[(&str, &str, FieldStatus)],
    by_requester: &str,
) -> Result<(String, Vec<String>), JobError> {
    let template = Template::open(body(&paragraph(&[text]))).unwrap();
    let composed: Vec<FieldProvenance> = fields
        .iter()
        .map(|(key, value, status)| FieldProvenance {
            key: (*key).to_owned(),
            kind: FieldKind::Short,
            value: (*value).to_owned(),
            status: *status,
            writer: None,
            missing: None,
            passages: Vec::new(),
        })
        .collect();
    let filled = document(&template, composed, by_requester).map_err(|it| it.recorded())?;
    for it in &filled.composed {
        let is_emptied = filled.emptied.contains(&it.key);
        assert_eq!(it.missing == Some(Missing::ForbiddenOutput), is_emptied, "{it:?}");
        assert_eq!(it.status == FieldStatus::Empty, is_emptied, "{it:?}");
        assert_eq!(it.value.is_empty(), is_emptied, "{it:?}");
    }
    Ok((docx::said(filled.document).unwrap(), filled.emptied))
}

#[test]
fn what_is_left_of_its_making_is_not_delivered() {
    for (text, fields, clean) in [
        ("{{A}}", &[("A", "{{B}}")][..], "\n"),
        ("{{A}}", &[("A", r#"{"a":1}"#)], "\n"),
        ("{{A}}", &[("A", "selon la source 3")], "\n"),
        ("source {{A}}", &[("A", "3")], "source \n"),
        ("{{A}}{{B}}", &[("A", "{"), ("B", "{")], "{\n"),
        ("{{A}}{{B}}{{C}}", &[("A", "la source 3"), ("B", "4"), ("C", " oui")], " oui\n"),
    ] {
        assert_eq!(delivered(text, fields, "").as_deref(), Ok(clean), "{text} {fields:?}");
    }
    let fault = Err("document_not_clean".to_owned());
    // It was not written, so that nobody would miss it.
    let given = ("A", "{{B}}", FieldStatus::Given);
    assert_eq!(tried("{{A}}", &[given], "").map_err(|it| it.error_type).map(|it| it.0), fault);
    let keys: Vec<String> = (0..=EMPTIED_MAX).map(|it| format!("K{it}")).collect();
    let text: Vec<String> = keys.iter().map(|it| format!("source {{{{{it}}}}}, ")).collect();
    let all: Vec<_> = keys.iter().zip(1..).map(|(key, at)| (key, at.to_string())).collect();
    let all: Vec<_> = all.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(delivered(&text.concat(), &all, ""), fault, "that many are no accident");
}

#[test]
fn what_the_requester_wrote_is_theirs() {
    let street = "rue de la Source 3";
    assert_eq!(delivered("{{A}}", &[("A", street)], street).unwrap(), "rue de la Source 3\n");
    assert_eq!(delivered("Source 1 : {{A}}", &[("A", "oui")], "").unwrap(), "Source 1 : oui\n");
}

/// Must never: a report that fails for good over a year after the word "Source".
#[test]
fn what_the_template_says_around_a_given_value_is_the_requester_s_too() {
    let text = "Source : {{ANNEE}}, vu par {{A}}";
    let year = ("ANNEE", "2025", FieldStatus::Given);
    let of = |a| tried(text, &[year, ("A", a, FieldStatus::Written)], "2025").unwrap();
    assert_eq!(of("Ada"), ("Source : 2025, vu par Ada\n".to_owned(), vec![]));
    let emptied = ("Source : 2025, vu par \n".to_owned(), vec!["A".to_owned()]);
    assert_eq!(of("la source 3"), emptied);
}

/// Must never: the same, though nobody gave the year.
#[test]
fn a_written_value_that_the_template_makes_a_trace_of_is_left_out_and_the_rest_stands() {
    let text = "{{A}}. Source : {{ANNEE}}. {{B}}";
    let written = |key, value| (key, value, FieldStatus::Written);
    let fields = [written("A", "Ada"), written("ANNEE", "2024"), written("B", "Oui")];
    let (said, emptied) = tried(text, &fields, "").unwrap();
    assert_eq!((&*said, &*emptied), ("Ada. Source : . Oui\n", &["ANNEE".to_owned()][..]));
}

/// Must never: a template that keeps a thread of the server for good.
#[tokio::test]
async fn a_template_that_cites_very_many_sources_is_looked_through_in_the_time_that_it_has() {
    let cited: Vec<String> = (0..200_000).map(|it| format!("source {it}, ")).collect();
    let cited = cited.concat();
    let text = format!("{cited}{{{{A}}}}");
    let look = move || delivered(&text, &[("A", "oui")], "");
    let delivered = guard::run(look, std::time::Duration::from_mins(1)).await.unwrap();
    assert_eq!(delivered.unwrap(), format!("{cited}oui\n"));
}
