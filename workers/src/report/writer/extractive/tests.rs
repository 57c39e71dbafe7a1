//! What Greffe picks from the sources, by itself.

use domain::report::{FieldSpec, ReportInput};

use super::*;
use crate::report::{fields::fields, passages::Passage};

const DOSSIER: &str = "Profession : menuisier qualifié\n\
    Monsieur Exemple a suivi une formation de menuisier à Genève. Il a obtenu son certificat de \
    formation en 2012.\n\
    Langues : anglais B2, allemand A1.\n\
    L'attention est à renforcer. La mémoire est bonne.\n\
    Points forts : ponctualité, précision ; esprit d'équipe.\n\
    Formation\n\
    Voir la source 3 pour la formation. {\"formation\": 1}\n";

fn index() -> Index {
    let mut index = Index::default();
    let tests = "Calcul niveau 1 : OK\nCalcul niveau 2 : Moyen\nTri et classement | À renforcer\n\
                 Excel : très bon";
    for text in
        [DOSSIER, tests, "Le repas de midi est servi à la cantine.", "La météo était clémente."]
    {
        assert!(index.add(Passage { source: 0, page: None, text: text.into() }));
    }
    index
}

fn written(key: &str, spec: Option<FieldSpec>) -> String {
    let input = ReportInput { fields: spec.into_iter().collect(), ..ReportInput::default() };
    let field = fields(&[key.to_owned()], &input).remove(0);
    let index = index();
    let hits = index.search(&field.query, 10);
    write(&field, &index, &hits).0
}

fn spec(kind: FieldKind, query: &str, allowed: &[&str]) -> FieldSpec {
    FieldSpec {
        key: "X".into(),
        kind,
        query: Some(query.into()),
        instructions: None,
        chars_max: None,
        lines_max: None,
        allowed: allowed.iter().map(|it| (*it).to_owned()).collect(),
        sources_min: None,
    }
}

#[test]
fn what_follows_the_name_of_a_field_is_its_value() {
    assert_eq!(written("X", Some(spec(FieldKind::Short, "profession", &[]))), "menuisier qualifié");
    assert_eq!(written("POINTS_FORTS", None), "ponctualité\nprécision\nesprit d'équipe");
}

#[test]
fn a_story_begins_like_a_sentence_and_headings_are_no_story() {
    let told = written("X", Some(spec(FieldKind::Narrative, "profession", &[])));
    assert_eq!(told, "Menuisier qualifié");
}

#[test]
fn sentences_that_speak_of_a_field_are_told_in_their_order_and_traces_are_left_out() {
    assert_eq!(
        written("FORMATION", None),
        "Monsieur Exemple a suivi une formation de menuisier à Genève. Il a obtenu son certificat \
         de formation en 2012."
    );
}

#[test]
fn the_value_that_stands_nearest_to_what_is_looked_for_is_chosen() {
    assert_eq!(written("LANGUE_ANGLAIS", None), "B2");
    assert_eq!(written("LANGUE_ALLEMAND", None), "A1");
    assert_eq!(written("TEST_ATTENTION", None), "À renforcer");
    assert_eq!(written("LANGUE_ITALIEN", None), "");
    let both = ["Bon", "Très bon"];
    let index_text = "Le calcul est très bon.";
    let mut index = Index::default();
    assert!(index.add(Passage { source: 0, page: None, text: index_text.into() }));
    let input = ReportInput {
        fields: vec![spec(FieldKind::Constrained, "calcul", &both)],
        ..ReportInput::default()
    };
    let field = fields(&["X".to_owned()], &input).remove(0);
    assert_eq!(write(&field, &index, &index.search("calcul", 1)).0, "Très bon");
}

#[test]
fn where_nothing_is_said_nothing_is_written() {
    for kind in [FieldKind::Short, FieldKind::List, FieldKind::Narrative] {
        assert_eq!(written("X", Some(spec(kind, "jardinage", &[]))), "");
    }
}

#[test]
fn the_same_sources_give_the_same_words() {
    let once = written("FORMATION", None);
    assert!((0..20).all(|_| written("FORMATION", None) == once));
}

#[test]
fn of_several_levels_each_has_its_own_value() {
    assert_eq!(written("CALCUL_niveau_1", None), "OK");
    assert_eq!(written("CALCUL_niveau_2", None), "Moyen");
    assert_eq!(written("CALCUL_niveau_3", None), "");
    assert_eq!(written("Tri_ET_classement", None), "À renforcer");
    assert_eq!(written("EXCEL_positionnement_de_niveau", None), "Très bon");
    assert_eq!(written("Anglais_positionnement_de_niveau_CECRL_ET_TOEIC", None), "B2");
    assert_eq!(written("Français_niveau_1", None), "");
}
