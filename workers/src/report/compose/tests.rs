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
        assert!(index.add(Passage { source, page: Some(4), text: text.into() }));
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

/// Must never: a text that is said to come from where it does not.
#[tokio::test]
async fn a_passage_from_which_nothing_was_taken_is_not_named() {
    let mut index = Index::default();
    let long =
        format!("{}La profession est menuisière.", "Il faisait beau ce jour-là. ".repeat(30));
    for text in [&*long, "Pas de profession.", "Profession : menuisière", "Rien.", "Rien non plus."]
    {
        assert!(index.add(Passage { source: 0, page: None, text: text.into() }));
    }
    let date = NaiveDate::from_ymd_opt(2026, 3, 7).unwrap();
    let of = async |index, kind| {
        let spec = FieldSpec {
            key: "PROFESSION".into(),
            kind,
            query: Some("profession menuisière".into()),
            instructions: None,
            chars_max: None,
            lines_max: None,
            allowed: Vec::new(),
            sources_min: None,
        };
        let input = ReportInput { fields: vec![spec], ..ReportInput::default() };
        let material = Material::new(index, &input, date, None, 1);
        let field = fields(&["PROFESSION".to_owned()], &input).remove(0);
        let mut writers = Writers::chosen(WriterChoice::Auto, None).await.unwrap();
        material.compose(&field, &mut writers).await.unwrap()
    };
    let it = of(index, FieldKind::Short).await;
    assert_eq!(it.value, "menuisière");
    let cited: Vec<_> = it.passages.iter().map(|it| it.excerpt.as_str()).collect();
    assert_eq!(cited, ["Profession : menuisière"]);
    let mut index = Index::default();
    assert!(index.add(Passage { source: 0, page: None, text: long.into() }));
    let it = of(index, FieldKind::Narrative).await;
    assert_eq!(it.value, "La profession est menuisière.");
    assert_eq!(it.passages.len(), 1);
    assert!(it.passages[0].excerpt.contains(&it.value), "{}", it.passages[0].excerpt);
}
