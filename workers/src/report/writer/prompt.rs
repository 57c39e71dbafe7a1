//! What a language model is told, in the language of the reports.

use std::fmt::Write;

use domain::report::FieldKind;

use super::{
    super::{bm25::Hit, clean::NOTHING, fields::Field},
    Taken,
};

/// How much of a passage a model is shown, in characters.
const PASSAGE_CHARS: usize = 500;

/// What a model is told to write a field from these passages.
pub(super) fn prompt(field: &Field, hits: &[Hit<'_>]) -> String {
    let mut prompt = format!(
        "Tu rédiges un rapport professionnel à partir d'extraits de dossier. Rédige en français \
         le contenu de la rubrique « {} ».\n\nRègles :\n\
         - n'utilise que ce que disent les extraits, n'invente rien ;\n\
         - texte simple : ni JSON, ni Markdown, ni accolades, ni titre ;\n\
         - ne répète pas le nom de la rubrique et ne mentionne pas les extraits ;\n\
         - au plus un deux-points par ligne ;\n\
         - si les extraits ne permettent pas de répondre, écris exactement {NOTHING}.\n",
        field.label
    );
    let form = form(field);
    let _infallible = writeln!(prompt, "- {form}.");
    if let Some(instructions) = &field.instructions {
        let _infallible = writeln!(prompt, "\nConsignes : {}", instructions.trim());
    }
    prompt.push_str("\nExtraits :\n");
    for (hit, shown) in hits.iter().zip(shown(hits)) {
        let text = &hit.passage.text[shown.part];
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let _infallible = writeln!(prompt, "« {text} »");
    }
    prompt.push_str("\nContenu de la rubrique :\n");
    prompt
}

/// What a model is shown of these passages.
pub(super) fn shown(hits: &[Hit<'_>]) -> Vec<Taken> {
    let part = |hit: &Hit<'_>| {
        let text = &hit.passage.text;
        0..text.char_indices().nth(PASSAGE_CHARS).map_or(text.len(), |(at, _)| at)
    };
    hits.iter().enumerate().map(|(at, it)| Taken { hit: at, part: part(it) }).collect()
}

/// What a model is told whose answer could not be used.
pub(super) fn correction(prompt: &str) -> String {
    format!(
        "{prompt}\nTa réponse précédente ne respectait pas les règles. Réponds uniquement par le \
         texte de la rubrique, sans accolades, sans code, sans mention d'un numéro de source.\n"
    )
}

fn form(field: &Field) -> String {
    let (chars, lines) = (field.chars_max, field.lines_max);
    match field.kind {
        FieldKind::Constrained => {
            format!("réponds par une seule de ces valeurs : {}", field.allowed.join(" ; "))
        }
        FieldKind::List => format!("au plus {lines} éléments, un par ligne, sans puce"),
        FieldKind::Short | FieldKind::Deterministic => format!("une ligne, {chars} caractères"),
        FieldKind::Narrative => format!("au plus {lines} lignes et {chars} caractères"),
    }
}
