//! What a language model is told: in French, whatever it is to write in.

use std::{collections::HashSet, fmt::Write, ops::Range};

use domain::report::{FieldKind, Language};

use super::{
    super::{bm25::Hit, clean::NOTHING, fields::Field, words},
    Taken,
};

/// How much of all passages together a model is shown for a field, in
/// characters: twenty of them whole. Of more, each is shown in part.
const PASSAGES_CHARS_MAX: usize = 24_000;

/// How many bytes make a token at least, in any script, by and large.
const TOKEN_BYTES: usize = 3;

/// How much a model is to hold in its head: ten passages, what it is told about
/// them, and its answer fit in the least. The most bounds the memory it takes.
const CONTEXT_TOKENS: Range<usize> = 8 * 1024..32 * 1024;

/// What a model is told to write a field from these passages.
pub(super) fn prompt(field: &Field, hits: &[Hit<'_>]) -> String {
    let mut prompt = format!(
        "Tu rédiges un rapport professionnel à partir d'extraits de dossier. Rédige en {} \
         le contenu de la rubrique « {} ».\n\nRègles :\n\
         - n'utilise que ce que disent les extraits, n'invente rien ;\n\
         - texte simple : ni JSON, ni Markdown, ni accolades, ni titre ;\n\
         - ne répète pas le nom de la rubrique et ne mentionne pas les extraits ;\n\
         - au plus un deux-points par ligne ;\n\
         - si les extraits ne permettent pas de répondre, écris exactement {NOTHING}.\n",
        called(field.language),
        field.label
    );
    let form = form(field);
    let _infallible = writeln!(prompt, "- {form}.");
    if let Some(instructions) = &field.instructions {
        let _infallible = writeln!(prompt, "\nConsignes : {}", instructions.trim());
    }
    prompt.push_str("\nExtraits :\n");
    for (hit, shown) in hits.iter().zip(shown(field, hits)) {
        let text = &hit.passage.text[shown.part];
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let _infallible = writeln!(prompt, "« {text} »");
    }
    prompt.push_str("\nContenu de la rubrique :\n");
    prompt
}

/// What a model is shown of these passages: all that they say, or if that would
/// be too much, what stands around the words for which they were found.
pub(super) fn shown(field: &Field, hits: &[Hit<'_>]) -> Vec<Taken> {
    let wanted: HashSet<String> = words::tokens(&field.query).into_iter().collect();
    let room = PASSAGES_CHARS_MAX / hits.len().max(1);
    let part = |hit: &Hit<'_>| around(&hit.passage.text, &wanted, room);
    hits.iter().enumerate().map(|(at, it)| Taken { hit: at, part: part(it) }).collect()
}

/// How many tokens a model must have room for, to be told this and to answer.
/// Told of none, Ollama forgets the beginning of what is longer than it expects
/// and says nothing. Steps are few, since with each a model is loaded anew.
pub(super) fn context_tokens(prompt: &str, field: &Field) -> usize {
    let tokens = (prompt.len() + field.chars_max) / TOKEN_BYTES;
    tokens.next_power_of_two().clamp(CONTEXT_TOKENS.start, CONTEXT_TOKENS.end)
}

/// The part of a text, so many characters long, in which most of the wanted
/// words stand.
fn around(text: &str, wanted: &HashSet<String>, room: usize) -> Range<usize> {
    let starts: Vec<usize> = text.char_indices().map(|it| it.0).collect();
    if starts.len() <= room {
        return 0..text.len();
    }
    let (mut places, mut chars) = (Vec::new(), 0);
    for word in text.split_inclusive(|it: char| !it.is_alphanumeric()) {
        if words::tokens(word).iter().any(|it| wanted.contains(it)) {
            places.push(chars);
        }
        chars += word.chars().count();
    }
    let within =
        |first: usize| places.iter().copied().filter(move |it| (first..first + room).contains(it));
    // Of equals, the first.
    let first = places.iter().copied().rev().max_by_key(|it| within(*it).count());
    let first = first.unwrap_or_default();
    let last = within(first).next_back().unwrap_or(first);
    let from = first.saturating_sub((room - (last - first)) / 2).min(starts.len() - room);
    starts[from]..starts.get(from + room).copied().unwrap_or(text.len())
}

/// A language, as French calls it.
fn called(language: Language) -> &'static str {
    match language {
        Language::Fr => "français",
        Language::De => "allemand",
        Language::It => "italien",
        Language::En => "anglais",
        Language::Es => "espagnol",
        Language::Pt => "portugais",
    }
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
