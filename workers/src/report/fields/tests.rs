//! What fields hold that nobody specified, and what becomes of a
//! specification.

use chrono::NaiveDate;

use super::*;

fn of(key: &str, specs: Vec<FieldSpec>) -> Field {
    let input = ReportInput { fields: specs, ..ReportInput::default() };
    fields(&[key.to_owned()], &input).remove(0)
}

fn spec(key: &str, kind: FieldKind) -> FieldSpec {
    FieldSpec {
        key: key.into(),
        kind,
        query: None,
        instructions: None,
        chars_max: None,
        lines_max: None,
        allowed: Vec::new(),
        sources_min: None,
    }
}

#[test]
fn a_number_of_a_social_insurance_is_found_however_it_is_written() {
    let found = Some("756.1234.5678.97".to_owned());
    for text in [
        "756.1234.5678.97",
        "7561234567897",
        "N° AVS : 756 1234 5678 97.",
        "756-1234-5678-97",
        "756\u{A0}1234\u{A0}5678\u{A0}97",
        "tél. 756 12, AVS 756.1234.5678.97, puis 756.9999.9999.99",
        "AVS 1 : 756.1234.5678.97 et AVS 2 : 756.4444.5555.66",
    ] {
        assert_eq!(avs_number(text).map(|it| it.1), found, "{text}");
    }
    for text in [
        "",
        "756",
        "756.1234.5678.9",
        "756.1234.5678.971",
        "1756.1234.5678.97",
        "756..1234.5678.97",
        "756/1234/5678/97",
        "757.1234.5678.97",
        "756.1234.5678.9a",
    ] {
        assert_eq!(avs_number(text), None, "{text}");
    }
}

#[test]
fn a_place_and_a_date_begin_a_letter() {
    let date = NaiveDate::from_ymd_opt(2026, 3, 7).unwrap();
    assert_eq!(place_and_date(" Genève ", date), "Genève, le 07/03/2026");
}

#[test]
fn a_field_is_what_its_name_says_unless_it_is_specified() {
    let table = [
        ("NUMERO_AVS", FieldKind::Deterministic, 10_000, 100),
        ("name", FieldKind::Deterministic, 10_000, 100),
        ("PROFESSION", FieldKind::Narrative, 500, 4),
        ("Lettre_de_motivation", FieldKind::Narrative, 500, 4),
        ("LANGUE_ANGLAIS", FieldKind::Constrained, 200, 1),
        ("OUTIL_WORD", FieldKind::Constrained, 200, 1),
        ("TEST_LOGIQUE", FieldKind::Constrained, 200, 1),
        ("POINTS_FORTS", FieldKind::List, 400, 4),
        ("MONSIEUR_OU_MADAME", FieldKind::Deterministic, 10_000, 100),
        ("CV", FieldKind::Narrative, 500, 4),
        ("Ressources_comportementales_Points_d’appui", FieldKind::List, 400, 4),
        ("RESSOURCES_COMPORTEMENTALES_POINTS_D'APPUI", FieldKind::List, 400, 4),
        ("métiers_privilégiés_qui_pourraient_etre_envisagé", FieldKind::List, 400, 4),
        ("Formations_hautes écoles", FieldKind::List, 400, 4),
        ("Vocatio", FieldKind::List, 400, 4),
        ("Français_niveaU_3", FieldKind::Constrained, 200, 1),
        ("EXCEL_positionnement_de_niveau", FieldKind::Constrained, 200, 1),
        ("Tri_ET_classement", FieldKind::Constrained, 200, 1),
        ("CALCUL_ET_FRACTION", FieldKind::Constrained, 200, 1),
        ("AUTRE_CHOSE", FieldKind::Narrative, 400, 4),
    ];
    for (key, kind, chars, lines) in table {
        let field = of(key, Vec::new());
        assert_eq!((field.kind, field.chars_max, field.lines_max), (kind, chars, lines), "{key}");
    }
    let field = of("autre_chose", vec![spec("AUTRE_CHOSE", FieldKind::Short)]);
    assert_eq!((field.kind, field.chars_max, field.lines_max), (FieldKind::Short, 120, 1));
    let sized = FieldSpec { chars_max: Some(9), ..spec("PROFESSION", FieldKind::Narrative) };
    let field = of("PROFESSION", vec![sized]);
    assert_eq!((field.chars_max, field.lines_max), (9, 4));
}

#[test]
fn what_a_field_is_looked_for_by_is_its_name_unless_it_is_said() {
    let field = of("LETTRE_DE_MOTIVATION", Vec::new());
    assert_eq!((&*field.label, &*field.query), ("Lettre de motivation", "Lettre de motivation"));
    let said = FieldSpec { query: Some("métier".into()), ..spec("X", FieldKind::Short) };
    assert_eq!(of("x", vec![said]).query, "métier");
}

#[test]
fn a_measure_has_the_values_that_are_usual_for_it() {
    let table = [
        ("Anglais_positionnement_de_niveau_CECRL_ET_TOEIC", "B2", "niveau anglais"),
        ("ALLEMAND_positionnement_de_niveau", "C1", "niveau allemand"),
        ("Français_niveau_1", "A1", "niveau 1 français"),
        ("OUTLOOK_positionnement_de_niveau", "Très bon", "niveau Outlook"),
        ("CALCUL_niveau_2", "À renforcer", "niveau 2 calcul"),
        ("TesT_d_attentiON_ADMINISTRATIF", "OK", "test administratif d'attention"),
        ("Test_de_Compréhension_de_consigneS", "Moyen", "test compréhension consignes"),
    ];
    for (key, allowed, query) in table {
        let field = of(key, Vec::new());
        assert!(field.allowed.iter().any(|it| it == allowed), "{key}: {:?}", field.allowed);
        assert!(field.allowed.iter().any(|it| it == "Non évalué"), "{key}");
        assert_eq!(field.query, query, "{key}");
    }
}

#[test]
fn what_a_model_is_told_is_usual_for_the_name_unless_it_is_said() {
    let told = of("Lettre_de_motivation", Vec::new()).instructions.unwrap();
    assert!(told.contains("lettre"), "{told}");
    let own = FieldSpec {
        instructions: Some("en vers".into()),
        ..spec("LETTRE_DE_MOTIVATION", FieldKind::Narrative)
    };
    let told = of("Lettre_de_motivation", vec![own]).instructions;
    assert_eq!(told.as_deref(), Some("en vers"));
    assert_eq!(of("JARDINAGE", Vec::new()).instructions, None);
}

#[test]
fn a_well_known_name_with_another_kind_is_no_longer_copied_by_its_form() {
    assert_eq!(of("NUMERO_AVS", Vec::new()).form, Some(Form::AvsNumber));
    assert_eq!(of("NUMERO_AVS", vec![spec("NUMERO_AVS", FieldKind::Short)]).form, None);
}
