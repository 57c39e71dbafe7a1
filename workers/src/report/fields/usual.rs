//! What a field of a well-known name holds. The names are those of reports on
//! measures of vocational rehabilitation; others are told a story of.

use domain::report::FieldKind;

use super::{super::words, Form};

/// How a field is written that nobody said anything about.
#[derive(Clone, Copy)]
pub(super) struct Usual {
    pub(super) kind: FieldKind,
    /// How many characters and lines at most.
    pub(super) size: (usize, usize),
    pub(super) allowed: &'static [&'static str],
    pub(super) form: Option<Form>,
    /// What to look for, where the name does not say it well: what tells it from
    /// others comes last.
    pub(super) query: Option<&'static str>,
    /// What a language model is told, in the language of the reports.
    pub(super) instructions: Option<&'static str>,
}

const LEVELS: &[&str] = &["A1", "A2", "B1", "B2", "C1", "C2", "Non évalué"];
const SKILLS: &[&str] = &["Faible", "Moyen", "Bon", "Très bon", "Non évalué"];
const RESULTS: &[&str] = &["OK", "Moyen", "À renforcer", "Non évalué"];

/// What is told, and what about it.
const NARRATIVES: &[(&str, &str)] = &[
    ("competences_pro", "Les compétences de métier que les extraits attestent."),
    ("competences_sociales", "Les comportements observés avec autrui et dans une équipe."),
    ("conclusion", "Le bilan de la mesure, puis ce qui est recommandé pour la suite."),
    ("cv", "Le parcours tel que le curriculum le donne : formations, puis emplois."),
    ("discussion_assure", "Ce que la personne dit elle-même : envies, craintes, appuis."),
    ("entretien", "Comment la personne se prépare aux entretiens d'embauche et s'y tient."),
    ("formation", "Écoles, diplômes et certificats, dans l'ordre du temps."),
    ("lettre_de_motivation", "Ce que la lettre met en avant, sans rien y ajouter."),
    ("obstacles", "Ce qui gêne un retour à l'emploi, santé comprise si les extraits en parlent."),
    ("orientation", "Les métiers et les voies qui ont été envisagés."),
    ("presentation", "Qui est la personne, en peu de mots."),
    ("profession", "Le métier exercé, les tâches et les responsabilités."),
    ("stage", "Le lieu, le but et le résultat du stage."),
];

/// What is listed.
const LISTS: &[&str] = &[
    "activites",
    "activites_privilegiees",
    "conditions_de_succes",
    "contexte_organisation_privilegiee",
    "contexte_role_privilegie",
    "domaines_professionnels_exemples",
    "fonctions_privilegiees",
    "formations_hautes_ecoles",
    "formations_superieures",
    "metiers_privilegies_qui_pourraient_etre_envisage",
    "professions",
    "relation_au_marche_de_l_emploi",
    "ressources_comportementales_points_d_appui",
    "ressources_comportementales_points_de_vigilance",
    "ressources_interpersonnelles_principales",
    "ressources_motivationnelles_principaux",
    "riasec_correspondance_score",
    "roles_professionnels",
    "secteurs_privilegies",
    "strategies_comportementales",
    "vocatio",
];

/// What is measured, by which values, and what to look for.
const MEASURES: &[(&str, &[&str], &str)] = &[
    ("allemand_positionnement_de_niveau", LEVELS, "niveau allemand"),
    ("anglais_positionnement_de_niveau_cecrl_et_toeic", LEVELS, "niveau anglais"),
    ("calcul_et_fraction", RESULTS, "calcul fraction"),
    ("calcul_niveau_1", RESULTS, "niveau 1 calcul"),
    ("calcul_niveau_2", RESULTS, "niveau 2 calcul"),
    ("calcul_niveau_3", RESULTS, "niveau 3 calcul"),
    ("dimensions_volumes_et_mesures", RESULTS, "dimensions volumes mesures"),
    ("excel_positionnement_de_niveau", SKILLS, "niveau Excel"),
    ("francais_niveau_1", LEVELS, "niveau 1 français"),
    ("francais_niveau_2", LEVELS, "niveau 2 français"),
    ("francais_niveau_3", LEVELS, "niveau 3 français"),
    ("francais_positionnement_de_niveau", LEVELS, "niveau français"),
    ("outlook_positionnement_de_niveau", SKILLS, "niveau Outlook"),
    ("powerpoint_positionnement_de_niveau", SKILLS, "niveau PowerPoint"),
    ("test_d_attention_administratif", RESULTS, "test administratif d'attention"),
    ("test_de_comprehension_de_consignes", RESULTS, "test compréhension consignes"),
    ("test_de_niveau_en_comptabilite", RESULTS, "test niveau comptabilité"),
    ("test_de_saisie_de_commandes", RESULTS, "test saisie commandes"),
    ("tri_et_classement", RESULTS, "tri classement"),
    ("word_positionnement_de_niveau", SKILLS, "niveau Word"),
];

/// How a field with this key is written.
pub(super) fn of(key: &str) -> Usual {
    let name = name(key);
    let known = |names: &[&str]| names.contains(&name.as_str());
    if name == "numero_avs" {
        return Usual { form: Some(Form::AvsNumber), ..usual(FieldKind::Deterministic) };
    }
    if name == "lieu_et_date" {
        return Usual { form: Some(Form::PlaceAndDate), ..usual(FieldKind::Deterministic) };
    }
    if known(&["monsieur_ou_madame", "name", "surname"]) {
        return usual(FieldKind::Deterministic);
    }
    if let Some((_, instructions)) = NARRATIVES.iter().find(|it| it.0 == name) {
        return Usual { instructions: Some(*instructions), ..usual(FieldKind::Narrative) };
    }
    if let Some((_, allowed, query)) = MEASURES.iter().find(|it| it.0 == name) {
        return Usual { query: Some(*query), ..constrained(allowed) };
    }
    if known(LISTS) { usual(FieldKind::List) } else { by_prefix(&name) }
}

/// What a key is, however it is written: without case, accents and signs.
fn name(key: &str) -> String {
    let folded = words::folded(key);
    let words = folded.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// A level, a skill or a result is known by how its name begins.
fn by_prefix(name: &str) -> Usual {
    let begins = |words: &[&str]| words.iter().any(|it| name.starts_with(it));
    if begins(&["langue_", "niveau_"]) {
        constrained(LEVELS)
    } else if begins(&["outil_", "bureautique_"]) {
        constrained(SKILLS)
    } else if begins(&["test_"]) {
        constrained(RESULTS)
    } else if begins(&["liste_", "ressources_", "points_", "interets_"]) {
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

fn constrained(allowed: &'static [&'static str]) -> Usual {
    let instructions = Some("La valeur que les extraits donnent, sans l'estimer.");
    Usual { allowed, instructions, ..usual(FieldKind::Constrained) }
}

fn usual(kind: FieldKind) -> Usual {
    Usual { kind, size: size(kind), allowed: &[], form: None, query: None, instructions: None }
}
