//! How much work a page would be to take apart, told before it is done. A page
//! of a few kilobytes can ask for hours, and for memory without end: by nesting
//! without end, or by styles that are never closed and so are repeated in every
//! paragraph that follows. One walk over the bytes tells.

/// How deep elements may nest.
const DEPTH_MAX: usize = 256;

/// How many elements may stand in all, those that are repeated included.
const ELEMENTS_MAX: usize = 400_000;

/// How deep all elements together may be.
const DEPTHS_MAX: usize = 4_000_000;

/// Elements without an end.
const VOID: [&[u8]; 14] = [
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"param",
    b"source", b"track", b"wbr",
];

/// Elements whose end may be left out, mostly before one of the same kind.
const CLOSED_BY_THE_NEXT: [&[u8]; 8] = [b"p", b"li", b"dt", b"dd", b"tr", b"td", b"th", b"option"];

/// Elements that go on in the next paragraph if they are not closed in theirs.
const FORMATTING: [&[u8]; 14] = [
    b"a", b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike",
    b"strong", b"tt", b"u",
];

/// Elements whose content is no markup.
const RAW: [&[u8]; 4] = [b"script", b"style", b"textarea", b"title"];

/// Whether the page can be taken apart with reasonable effort.
pub(super) fn is_bearable(html: &str) -> bool {
    let mut scale = Scale::default();
    let mut rest = html.as_bytes();
    while let Some(next) = rest.iter().position(|it| *it == b'<') {
        rest = &rest[next + 1..];
        if rest.starts_with(b"!--") {
            rest = after(&rest[3..], b"-->");
            continue;
        }
        let end = rest.first() == Some(&b'/');
        let tag = &rest[usize::from(end)..];
        let length = tag.iter().take(16).take_while(|it| it.is_ascii_alphanumeric()).count();
        let name = tag[..length].to_ascii_lowercase();
        if !name.first().is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        if !scale.weigh(&name, end) {
            return false;
        }
        if !end && RAW.contains(&name.as_slice()) {
            rest = after(tag, b"</");
            scale.depth = scale.depth.saturating_sub(1);
        }
    }
    true
}

/// What follows the first `end`; nothing, if there is none.
fn after<'a>(bytes: &'a [u8], end: &[u8]) -> &'a [u8] {
    let at = bytes.windows(end.len()).position(|it| it == end);
    at.map_or(&[], |it| &bytes[it + end.len()..])
}

#[derive(Default)]
struct Scale {
    depth: usize,
    styles: usize,
    elements: usize,
    depths: usize,
}

impl Scale {
    /// Whether it is still bearable with one more tag.
    fn weigh(&mut self, name: &[u8], end: bool) -> bool {
        let among = |list: &[&[u8]]| list.contains(&name);
        if among(&CLOSED_BY_THE_NEXT) || among(&VOID) {
            return end || self.add(1 + self.styles);
        }
        let style = among(&FORMATTING);
        if end {
            self.depth = self.depth.saturating_sub(1);
            self.styles -= usize::from(style && 0 < self.styles);
            return true;
        }
        self.depth += 1;
        self.styles += usize::from(style);
        self.depth <= DEPTH_MAX && self.add(1)
    }

    fn add(&mut self, elements: usize) -> bool {
        self.elements += elements;
        self.depths += elements * self.depth;
        self.elements <= ELEMENTS_MAX && self.depths <= DEPTHS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_as_they_are_written_are_bearable() {
        let row = "<tr><td>1<td><a href='/x'>the light of the coast</a></td></tr>";
        let table = format!("<html><body><table>{}</table></body></html>", row.repeat(20_000));
        let list = format!("<ul>{}</ul>", "<li><em>one</em> more<br>".repeat(20_000));
        let script = format!("<script>{}</script><p>text", "for(i=0;i<a.b;i++)x<b;".repeat(9_000));
        let comment = format!("<!-- {} --><p>text", "<div>".repeat(9_000));
        for page in ["", "a < b", "<", "</", "<p>one<p>two", &table, &list, &script, &comment] {
            assert!(is_bearable(page));
        }
    }

    #[test]
    fn pages_that_would_take_hours_are_not() {
        let combs = format!("{}x{}", "<div>".repeat(250), "</div>".repeat(250)).repeat(200);
        let fonts =
            (0..2_000).map(|it| format!("<p><font size={it}>")).collect::<Vec<_>>().concat();
        let repeated = format!("{}{}", "<b>".repeat(200), "<p>x</p>".repeat(10_000));
        for page in
            ["<div>".repeat(100_000), "<table><tr><td>".repeat(1_000), combs, fonts, repeated]
        {
            assert!(!is_bearable(&page), "{}", &page[..40]);
        }
    }
}
