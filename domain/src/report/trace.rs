//! What may not stand in a document: what is left of its making.

/// What is left of the making of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// A placeholder that was not filled, or half of one.
    Placeholder,
    /// Data that was meant for programs.
    Json,
    /// A passage cited by the number that its writer knew it by.
    SourceReference,
}

/// Every trace in a text, with the words that give it away.
pub fn traces(text: &str) -> impl Iterator<Item = (Trace, &str)> {
    text.char_indices().filter_map(|(at, it)| {
        let rest = &text[at..];
        match it {
            '{' if rest.starts_with("{{") => Some((Trace::Placeholder, &rest[..2])),
            '{' => object(rest).map(|bytes| (Trace::Json, &rest[..bytes])),
            '[' => array(rest).map(|bytes| (Trace::Json, &rest[..bytes])),
            's' | 'S' if !text[..at].ends_with(char::is_alphanumeric) => {
                reference(rest).map(|bytes| (Trace::SourceReference, &rest[..bytes]))
            }
            _ => None,
        }
    })
}

/// How long the beginning of an object is, up to its first colon.
fn object(text: &str) -> Option<usize> {
    let inside = after(text, "{")?;
    let named = quoted(inside)?.trim_start();
    named.starts_with(':').then(|| text.len() - named.len() + 1)
}

/// How long the beginning of an array is, if it is one of texts or of objects.
fn array(text: &str) -> Option<usize> {
    let inside = after(text, "[")?;
    if inside.starts_with('{') {
        return object(inside).map(|it| text.len() - inside.len() + it);
    }
    let rest = quoted(inside)?.trim_start();
    rest.starts_with([',', ']']).then(|| text.len() - rest.len() + 1)
}

fn after<'a>(text: &'a str, opening: &str) -> Option<&'a str> {
    text.strip_prefix(opening).map(str::trim_start)
}

/// What follows the text in quotation marks that it begins with.
fn quoted(text: &str) -> Option<&str> {
    let mark = text.chars().next().filter(|it| matches!(it, '"' | '\''))?;
    let inside = &text[1..];
    let end = inside.find(mark).filter(|it| !inside[..*it].contains('\n'))?;
    Some(&inside[end + 1..])
}

/// How long the reference is that the text begins with.
fn reference(text: &str) -> Option<usize> {
    let word = text.get(..6).filter(|it| it.eq_ignore_ascii_case("source"))?.len();
    let rest = text[word..].strip_prefix(['s', 'S']).unwrap_or(&text[word..]);
    let rest = rest.trim_start_matches([' ', '\t', '\u{A0}', '\u{202F}', ':', '_', '-']);
    let numbered = ["n°", "N°", "nº", "no.", "No.", "no ", "№", "#", "["];
    let rest = numbered.iter().find_map(|it| rest.strip_prefix(it)).unwrap_or(rest);
    let rest = rest.trim_start_matches([' ', '\u{A0}', '\u{202F}']);
    let digits = rest.len() - rest.trim_start_matches(|it: char| it.is_ascii_digit()).len();
    (0 < digits).then(|| text.len() - rest.len() + digits)
}
