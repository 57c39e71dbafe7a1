//! Addresses of pages, written one way: two spellings of one page are one page.

use domain::job::URL_BYTES_MAX;
use url::Url;

/// Parameters that say where a reader came from, and nothing of the page.
const TRACKING: [&str; 17] = [
    "_ga", "_gl", "_hsenc", "_hsmi", "dclid", "fbclid", "gbraid", "gclid", "gclsrc", "igshid",
    "mc_cid", "mc_eid", "mkt_tok", "msclkid", "wbraid", "yclid", "twclid",
];

/// How often one part may come up in a path. More are a trap: a link that is
/// relative where it should not be, and goes on for ever.
const REPEATED_MAX: usize = 3;

/// How many parts a path may have.
const SEGMENTS_MAX: usize = 30;

/// Files that hold no text for us, by the end of their names.
const DOCUMENTS: [&str; 17] = [
    "pdf", "doc", "docx", "odt", "rtf", "xls", "xlsx", "ods", "csv", "ppt", "pptx", "odp", "epub",
    "zip", "gz", "7z", "rar",
];
const IMAGES: [&str; 9] = ["jpg", "jpeg", "png", "gif", "bmp", "webp", "svg", "ico", "avif"];
const SOUNDS: [&str; 6] = ["mp3", "ogg", "wav", "flac", "m4a", "aac"];
const FILMS: [&str; 6] = ["mp4", "webm", "avi", "mov", "mkv", "mpg"];

/// What a link may lead to that is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MediaKind {
    /// A picture.
    Img,
    /// A film.
    Video,
    /// A sound.
    Audio,
    /// A document of another kind.
    Document,
}

/// Where `reference` leads from `base`, written the one way; nothing if that is
/// nowhere on the web.
pub(super) fn resolve(base: &Url, reference: &str) -> Option<Url> {
    clean(base.join(reference.trim()).ok()?)
}

/// The address that somebody wrote down, written the one way.
pub(super) fn parse(address: &str) -> Option<Url> {
    clean(Url::parse(address.trim()).ok()?)
}

fn clean(mut url: Url) -> Option<Url> {
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_fragment(None);
    // Secrets have no place in a journal.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let host = url.host_str()?;
    if host.ends_with('.') {
        let host = host.trim_end_matches('.').to_owned();
        url.set_host(Some(&host)).ok()?;
    }
    if let Some(query) = url.query() {
        let kept: Vec<&str> = query.split('&').filter(|it| says_something(it)).collect();
        let kept = kept.join("&");
        url.set_query((!kept.is_empty()).then_some(&kept));
    }
    (url.as_str().len() <= URL_BYTES_MAX).then_some(url)
}

fn says_something(parameter: &str) -> bool {
    let name = parameter.split('=').next().unwrap_or_default().to_ascii_lowercase();
    !name.is_empty() && !name.starts_with("utm_") && !TRACKING.contains(&name.as_str())
}

/// Whether the address looks like one of endlessly many.
pub(super) fn is_trap(url: &Url) -> bool {
    let segments: Vec<&str> =
        url.path_segments().map(|it| it.filter(|it| !it.is_empty()).collect()).unwrap_or_default();
    let repeats = |it: &&str| REPEATED_MAX < segments.iter().filter(|other| *other == it).count();
    SEGMENTS_MAX < segments.len() || segments.iter().any(repeats)
}

/// What the address leads to, if its name says that it is no page.
pub(super) fn media(url: &Url) -> Option<MediaKind> {
    let name = url.path_segments()?.next_back()?;
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let among = |list: &[&str]| list.contains(&extension.as_str());
    let kinds = [
        (MediaKind::Document, among(&DOCUMENTS)),
        (MediaKind::Img, among(&IMAGES)),
        (MediaKind::Audio, among(&SOUNDS)),
        (MediaKind::Video, among(&FILMS)),
    ];
    kinds.into_iter().find(|(_, is)| *is).map(|(kind, _)| kind)
}

/// A host, whether it is written with `www.` or without.
pub(super) fn site(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default();
    host.strip_prefix("www.").unwrap_or(host)
}
