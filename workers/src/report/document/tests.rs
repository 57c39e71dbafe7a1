//! What may not be delivered.

use domain::report::{FieldKind, FieldStatus};

use super::*;
use crate::report::testing::{body, paragraph};

fn delivered(text: &str, fields: &[(&str, &str)], by_requester: &str) -> Result<String, String> {
    let template = Template::open(body(&paragraph(&[text]))).unwrap();
    let composed: Vec<FieldProvenance> = fields
        .iter()
        .map(|(key, value)| FieldProvenance {
            key: (*key).to_owned(),
            kind: FieldKind::Short,
            value: (*value).to_owned(),
            status: FieldStatus::Written,
            writer: None,
            missing: None,
            passages: Vec::new(),
        })
        .collect();
    let document = document(&template, &composed, by_requester);
    document.map(|it| docx::said(it).unwrap()).map_err(|it| it.recorded().error_type)
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
