//! Where what stands in a field comes from.

use domain::{
    job::{Writer, WriterChoice},
    report::{FieldSpec, GivenValue},
};

use super::*;
use crate::report::{fields::fields, passages::Passage};

fn material(input: &ReportInput) -> Material {
    let mut index = Index::default();
    let texts =
        ["N° AVS 756.1234.5678.97. La formation a duré trois ans.", "La formation continue."];
    for (source, text) in texts.into_iter().enumerate() {
        let source = u32::try_from(source).unwrap();
        index.add(Passage { source, page: Some(4), text: text.into() });
    }
    Material::new(index, input, NaiveDate::from_ymd_opt(2026, 3, 7).unwrap(), None, 1)
}

async fn composed(key: &str, input: &ReportInput) -> FieldProvenance {
    let field = fields(&[key.to_owned()], input).remove(0);
    let mut writers = Writers::chosen(WriterChoice::Auto, None).await.unwrap();
    material(input).compose(&field, &mut writers).await.unwrap()
}

fn giving(key: &str, value: &str) -> ReportInput {
    let values = vec![GivenValue { key: key.into(), value: value.into() }];
    ReportInput { values, place: Some("Genève".into()), ..ReportInput::default() }
}

#[tokio::test]
async fn what_is_given_is_not_written() {
    let it = composed("FORMATION", &giving("formation", "autodidacte")).await;
    assert_eq!((&*it.value, it.status, it.writer), ("autodidacte", FieldStatus::Given, None));
    let it = composed("FORMATION", &giving("formation", "  ")).await;
    assert_eq!((it.status, it.writer), (FieldStatus::Written, Some(Writer::Extractive)));
}

#[tokio::test]
async fn what_has_a_form_is_found_and_says_where() {
    let it = composed("NUMERO_AVS", &giving("NAME", "Ada")).await;
    assert_eq!((&*it.value, it.status), ("756.1234.5678.97", FieldStatus::Found));
    assert_eq!((it.passages[0].source, it.passages[0].page), (0, Some(4)));
    let it = composed("LIEU_ET_DATE", &giving("NAME", "Ada")).await;
    assert_eq!(it.value, "Genève, le 07/03/2026");
    let it = composed("LIEU_ET_DATE", &ReportInput::default()).await;
    assert_eq!((&*it.value, it.missing), ("", Some(Missing::NotGiven)));
    let it = composed("SURNAME", &giving("NAME", "Ada")).await;
    assert_eq!((it.status, it.missing), (FieldStatus::Empty, Some(Missing::NotGiven)));
}

#[tokio::test]
async fn where_no_source_says_anything_nobody_is_asked() {
    let it = composed("JARDINAGE", &ReportInput::default()).await;
    assert_eq!((&*it.value, it.missing, it.writer), ("", Some(Missing::NoSource), None));
    assert!(it.passages.is_empty());
}

#[tokio::test]
async fn a_field_may_ask_for_more_than_one_source() {
    let asking = |sources_min| {
        let spec = FieldSpec {
            key: "FORMATION".into(),
            kind: FieldKind::Narrative,
            query: None,
            instructions: None,
            chars_max: None,
            lines_max: None,
            allowed: Vec::new(),
            sources_min: Some(sources_min),
        };
        ReportInput { fields: vec![spec], ..ReportInput::default() }
    };
    assert_eq!(composed("FORMATION", &asking(2)).await.status, FieldStatus::Written);
    assert_eq!(composed("FORMATION", &asking(3)).await.missing, Some(Missing::NoSource));
}

#[tokio::test]
async fn what_is_written_says_from_which_passages() {
    let it = composed("FORMATION", &ReportInput::default()).await;
    assert_eq!(it.passages.len(), 2);
    assert!(it.passages[1].score <= it.passages[0].score && 0.0 < it.passages[1].score);
    assert!(it.passages.iter().all(|it| it.excerpt.contains("formation")));
}
