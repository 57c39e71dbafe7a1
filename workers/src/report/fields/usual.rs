//! What a field of a well-known name holds. The names are those of reports on
//! measures of vocational rehabilitation; others are told a story of.

use domain::report::FieldKind;

use super::Form;

/// How a field is written that nobody said anything about.
pub(super) struct Usual {
    pub(super) kind: FieldKind,
    /// How many characters and lines at most.
    pub(super) size: (usize, usize),
    pub(super) allowed: &'static [&'static str],
    pub(super) form: Option<Form>,
}

const LEVELS: &[&str] = &["A1", "A2", "B1", "B2", "C1", "C2", "Non évalué"];
const SKILLS: &[&str] = &["Faible", "Moyen", "Bon", "Très bon", "Non évalué"];
const RESULTS: &[&str] = &["OK", "Moyen", "À renforcer", "Non évalué"];

/// How a field with this key, in upper case, is written.
pub(super) fn of(key: &str) -> Usual {
    match key {
        "MONSIEUR_OU_MADAME" | "NAME" | "SURNAME" => usual(FieldKind::Deterministic),
        "NUMERO_AVS" => Usual { form: Some(Form::AvsNumber), ..usual(FieldKind::Deterministic) },
        "LIEU_ET_DATE" => {
            Usual { form: Some(Form::PlaceAndDate), ..usual(FieldKind::Deterministic) }
        }
        "PROFESSION"
        | "FORMATION"
        | "DISCUSSION_ASSURE"
        | "COMPETENCES_SOCIALES"
        | "COMPETENCES_PRO"
        | "OBSTACLES"
        | "ORIENTATION"
        | "STAGE"
        | "PRESENTATION"
        | "ENTRETIEN"
        | "CONCLUSION"
        | "CV"
        | "LETTRE_DE_MOTIVATION" => usual(FieldKind::Narrative),
        _ => by_prefix(key),
    }
}

/// A level, a skill or a result is known by how its name begins.
fn by_prefix(key: &str) -> Usual {
    let constrained = |allowed| Usual { allowed, ..usual(FieldKind::Constrained) };
    let begins = |words: &[&str]| words.iter().any(|it| key.starts_with(it));
    if begins(&["LANGUE_", "NIVEAU_"]) {
        constrained(LEVELS)
    } else if begins(&["OUTIL_", "BUREAUTIQUE_"]) {
        constrained(SKILLS)
    } else if begins(&["TEST_"]) {
        constrained(RESULTS)
    } else if begins(&["LISTE_", "RESSOURCES_", "POINTS_", "INTERETS_"]) {
        usual(FieldKind::List)
    } else {
        Usual { size: (400, 4), ..usual(FieldKind::Narrative) }
    }
}

/// How many characters and lines a field of a kind has, unless it is said.
pub(super) fn size(kind: FieldKind) -> (usize, usize) {
    match kind {
        FieldKind::Deterministic => (10_000, 100),
        FieldKind::Short => (120, 1),
        FieldKind::Narrative => (500, 4),
        FieldKind::List => (400, 4),
        // An allowed value is never cut: it may be longer.
        FieldKind::Constrained => (200, 1),
    }
}

fn usual(kind: FieldKind) -> Usual {
    Usual { kind, size: size(kind), allowed: &[], form: None }
}
