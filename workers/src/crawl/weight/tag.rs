//! The tags of a page, one after another, as a browser cuts them out: comments
//! are passed over, and so are values of attributes and what is no markup.

/// Elements whose content is no markup.
const RAW: [&[u8]; 4] = [b"script", b"style", b"textarea", b"title"];

/// A tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// In lower case.
    pub(super) name: Vec<u8>,
    /// It ends an element.
    pub(super) is_end: bool,
    /// It ends the element that it begins, where there is such a thing.
    pub(super) is_closed: bool,
}

/// The tags of a page.
pub(super) struct Tags<'a>(&'a [u8]);

impl<'a> Tags<'a> {
    pub(super) fn of(html: &'a str) -> Self {
        Self(html.as_bytes())
    }

    /// Passes over what is no markup, if the element that the tag begins has
    /// only that: up to its end.
    pub(super) fn pass_over_content(&mut self, tag: &Tag) {
        if tag.is_end || !RAW.contains(&tag.name.as_slice()) {
            return;
        }
        let mut rest = self.0;
        while let Some(at) = find(rest, b"</") {
            rest = &rest[at + 2..];
            let (name, after) = rest.split_at(tag.name.len().min(rest.len()));
            if name.eq_ignore_ascii_case(&tag.name) && after.first().is_none_or(|it| ends_name(*it))
            {
                self.0 = skip_attributes(after).0;
                return;
            }
        }
        self.0 = &[];
    }
}

impl Iterator for Tags<'_> {
    type Item = Tag;

    fn next(&mut self) -> Option<Tag> {
        loop {
            let at = self.0.iter().position(|it| *it == b'<')?;
            let rest = &self.0[at + 1..];
            let is_end = rest.first() == Some(&b'/');
            let tag = &rest[usize::from(is_end)..];
            match tag.first()? {
                it if it.is_ascii_alphabetic() => {
                    let length = tag.iter().position(|it| ends_name(*it)).unwrap_or(tag.len());
                    let (rest, is_closed) = skip_attributes(&tag[length..]);
                    self.0 = rest;
                    return Some(Tag {
                        name: tag[..length].to_ascii_lowercase(),
                        is_end,
                        is_closed,
                    });
                }
                b'!' if tag.starts_with(b"!--") && !is_end => self.0 = after_comment(&tag[1..]),
                b'!' | b'?' => self.0 = after_angle(tag),
                _ if is_end => self.0 = after_angle(tag),
                _ => self.0 = tag,
            }
        }
    }
}

fn ends_name(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>')
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|it| it == what)
}

/// What follows a comment, from its first dashes on. They may be its last too.
fn after_comment(dashes: &[u8]) -> &[u8] {
    let end = |at: usize| {
        let rest = dashes[at..].strip_prefix(b"--")?;
        rest.strip_prefix(b">").or_else(|| rest.strip_prefix(b"!>"))
    };
    (0..dashes.len()).find_map(end).unwrap_or_default()
}

fn after_angle(bytes: &[u8]) -> &[u8] {
    bytes.iter().position(|it| *it == b'>').map_or(&[], |it| &bytes[it + 1..])
}

/// What follows the tag whose attributes these are, and whether it is closed. An
/// angle in quotes is none.
fn skip_attributes(mut rest: &[u8]) -> (&[u8], bool) {
    let mut slash = false;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'>' => return (rest, slash),
            b'/' => slash = true,
            b'=' => {
                slash = false;
                rest = skip_value(rest.trim_ascii_start());
            }
            _ => slash = false,
        }
    }
    (rest, false)
}

fn skip_value(value: &[u8]) -> &[u8] {
    let Some(quote) = value.first().filter(|it| matches!(it, b'"' | b'\'')) else {
        let end = value.iter().position(|it| it.is_ascii_whitespace() || *it == b'>');
        return end.map_or(&[], |it| &value[it..]);
    };
    let end = value[1..].iter().position(|it| it == quote);
    end.map_or(&[], |it| &value[it + 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(html: &str) -> Vec<String> {
        let mut tags = Tags::of(html);
        let mut names = Vec::new();
        while let Some(tag) = tags.next() {
            tags.pass_over_content(&tag);
            let name = String::from_utf8(tag.name).unwrap();
            let (end, closed) =
                (["", "/"][usize::from(tag.is_end)], ["", " /"][usize::from(tag.is_closed)]);
            names.push(format!("{end}{name}{closed}"));
        }
        names
    }

    #[test]
    fn tags_are_what_a_browser_takes_for_tags() {
        for (html, expected) in [
            ("a < b <", &[] as &[&str]),
            ("<P>x</P ><br/>", &["p", "/p", "br /"]),
            ("<a title='</a>' href=\"<b>\">x</a>", &["a", "/a"]),
            ("<a title=it's>x</a>", &["a", "/a"]),
            ("<a href=/x/>x", &["a"]),
            ("<a = '>'>x<b c = \">\" />", &["a", "b /"]),
            ("<my-list-of-things><my-list-of-others>", &["my-list-of-things", "my-list-of-others"]),
            ("<!doctype html><?php <b> ?></3><!-- <p> --><p>", &["p"]),
            ("<!--><p><!---><p><!-- --!><p>", &["p", "p", "p"]),
            ("<script>a</b><i></scripts></SCRIPT ><p>", &["script", "p"]),
            ("<title><p>", &["title"]),
            ("<p a='", &["p"]),
        ] {
            assert_eq!(names(html), expected, "{html}");
        }
    }
}
