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
    tried(text, &fields, by_requester).map_err(|it| it.error_type)
}

fn tried(
    text: &str,
    fields: &[(&str, &str, FieldStatus)],
    by_requester: &str,
) -> Result<String, JobError> {
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
    let document = document(&template, &composed, by_requester);
    document.map(|it| docx::said(it).unwrap()).map_err(|it| it.recorded())
}

#[test]
fn what_is_left_of_its_making_is_not_delivered() {
    let fault = Err("document_not_clean".to_owned());
    assert_eq!(delivered("{{A}}", &[("A", "{{B}}")], ""), fault);
    assert_eq!(delivered("{{A}}", &[("A", r#"{"a":1}"#)], ""), fault);
    assert_eq!(delivered("{{A}}", &[("A", "selon la source 3")], ""), fault);
    assert_eq!(delivered("source {{A}}", &[("A", "3")], ""), fault);
    assert_eq!(delivered("{{A}}{{B}}", &[("A", "{"), ("B", "{")], ""), fault);
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
    let said = tried(text, &[year, ("A", "Ada", FieldStatus::Written)], "2025").unwrap();
    assert_eq!(said, "Source : 2025, vu par Ada\n");
    let error = tried(text, &[year, ("A", "la source 3", FieldStatus::Written)], "2025");
    let error = error.unwrap_err();
    assert_eq!(error.error_type, "document_not_clean");
    assert!(error.message.contains("`A`") && !error.message.contains('3'), "{error:?}");
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
