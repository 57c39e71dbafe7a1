//! How much work a page would be to take apart, told before it is done. A page
//! of a few kilobytes can ask for hours, and for memory without end: by nesting
//! without end, or by styles that are never closed and so are repeated in every
//! paragraph that follows. One walk over the bytes tells; where it is in doubt
//! whether an element is closed, it is not. What a page has become is measured
//! once more: whoever reads it goes down into it, and has only so much room.

mod element;
mod tag;

use element::{
    CLOSED_BY_THE_NEXT, ENCLOSING, FORMATTING, HOLDING_MARKUP, LEADING_OUT, NOT_NESTED, OF_TABLES,
    ONE_AT_A_TIME, SPECIAL, is_drawing, is_heading,
};
use tag::{Tag, Tags};

/// How deep elements may nest.
const DEPTH_MAX: usize = 256;

/// How deep a page that was taken apart may be. More than by its tags, since not
/// all of them are counted.
const TREE_DEPTH_MAX: usize = 2 * DEPTH_MAX;

/// How many elements may stand in all, those that are repeated included.
const ELEMENTS_MAX: usize = 400_000;

/// How deep all elements together may be.
const DEPTHS_MAX: usize = 4_000_000;

/// Whether the page can be taken apart with reasonable effort.
pub(super) fn is_bearable(html: &str) -> bool {
    let (mut scale, mut tags) = (Scale::default(), Tags::of(html));
    while let Some(tag) = tags.next() {
        // In a drawing, titles and scripts hold markup like anything else.
        if !scale.in_drawing() {
            tags.pass_over_content(&tag);
        }
        if !scale.weigh(&tag) {
            return false;
        }
    }
    true
}

/// Whether a page that was taken apart can be read by going down into it.
pub(super) fn is_shallow(document: &dom_query::Document) -> bool {
    let (mut at, mut depth) = (document.root(), 0_usize);
    loop {
        if let Some(child) = at.first_child() {
            (at, depth) = (child, depth + 1);
            if TREE_DEPTH_MAX < depth {
                return false;
            }
            continue;
        }
        at = loop {
            if depth == 0 {
                return true;
            }
            if let Some(next) = at.next_sibling() {
                break next;
            }
            let Some(parent) = at.parent() else { return true };
            (at, depth) = (parent, depth - 1);
        };
    }
}

/// What has begun and not ended, as a browser would see it.
#[derive(Default)]
struct Scale {
    open: Vec<Open>,
    /// The styles that go on, by their names.
    styles: Vec<Vec<u8>>,
    elements: usize,
    depths: usize,
}

/// An element that has begun.
struct Open {
    name: Vec<u8>,
    /// How many styles went on when it began, if it keeps its own for itself.
    styles: Option<usize>,
    /// How many went on when the cell began that is open in it.
    of_cell: Option<usize>,
    /// It is part of a drawing or a formula.
    is_drawn: bool,
}

impl Scale {
    /// Whether it is still bearable with one more tag.
    fn weigh(&mut self, tag: &Tag) -> bool {
        let name = tag.name.as_slice();
        if tag.is_end { self.end(name) } else { self.begin(name, tag.is_closed) }
    }

    fn in_drawing(&self) -> bool {
        self.open.last().is_some_and(|it| it.is_drawn)
    }

    fn begin(&mut self, name: &[u8], is_closed: bool) -> bool {
        let among = |list: &[&[u8]]| list.contains(&name);
        if self.in_drawing() && among(&LEADING_OUT) {
            let out = self.open.iter().rposition(|it| !it.is_drawn).map_or(0, |it| it + 1);
            self.open.truncate(out);
        }
        let in_drawing = self.in_drawing();
        if is_closed && (in_drawing || is_drawing(name)) {
            return self.add(1);
        }
        if !in_drawing && among(&OF_TABLES) {
            self.turn_to_cell(Some(among(&[b"td", b"th", b"caption"])));
        }
        if !in_drawing && (among(&NOT_NESTED) || among(&CLOSED_BY_THE_NEXT)) {
            return self.add(1 + self.styles.len());
        }
        if among(&ONE_AT_A_TIME) && self.goes_on(name) && !self.end(name) {
            return false;
        }
        let holds_markup = in_drawing && among(&HOLDING_MARKUP);
        let styles = (holds_markup || among(&ENCLOSING)).then_some(self.styles.len());
        let is_drawn = is_drawing(name) || (in_drawing && !holds_markup);
        self.open.push(Open { name: name.to_owned(), styles, of_cell: None, is_drawn });
        if !is_drawn && among(&FORMATTING) {
            self.styles.push(name.to_owned());
        }
        self.open.len().max(self.styles.len()) <= DEPTH_MAX && self.add(1)
    }

    fn end(&mut self, name: &[u8]) -> bool {
        let among = |list: &[&[u8]]| list.contains(&name);
        if among(&OF_TABLES) {
            self.turn_to_cell(None);
        }
        let is_last = self.open.last().is_some_and(|it| it.name == name);
        if !is_last && (among(&NOT_NESTED) || among(&CLOSED_BY_THE_NEXT)) {
            return true;
        }
        let is_style = among(&FORMATTING);
        if is_style && let Some(at) = self.styles.iter().rposition(|it| it == name) {
            self.styles.remove(at);
        }
        let is_special = among(&SPECIAL);
        let mut beneath = false;
        for at in (0..self.open.len()).rev() {
            let open = &self.open[at];
            if open.name == name || (is_heading(name) && is_heading(&open.name)) {
                if let Some(styles) = open.styles {
                    self.styles.truncate(styles);
                }
                // A form ends alone, and so does a style with more than styles in it.
                if (is_style && beneath) || (name == b"form" && at + 1 < self.open.len()) {
                    self.open.remove(at);
                } else {
                    self.open.truncate(at);
                }
                return true;
            }
            let is_outer = name == b"template" || (name == b"table" && open.name != b"template");
            if open.styles.is_some() && !is_outer {
                break;
            }
            beneath |= SPECIAL.contains(&open.name.as_slice());
            if beneath && !is_special && !is_style {
                break;
            }
        }
        // It ends nothing. Whoever looks for what it ends goes through all that
        // is open.
        self.depths += self.open.len();
        self.depths <= DEPTHS_MAX
    }

    fn goes_on(&self, name: &[u8]) -> bool {
        self.open.iter().any(|it| it.name == name) || self.styles.iter().any(|it| it == name)
    }

    /// With a cell ends the one before it, and whatever goes on in that.
    fn turn_to_cell(&mut self, begins: Option<bool>) {
        let Some(at) = self.open.iter().rposition(|it| it.styles.is_some()) else { return };
        let table = &mut self.open[at];
        if table.name != b"table" || (begins.is_none() && table.of_cell.is_none()) {
            return;
        }
        if let Some(styles) = table.of_cell.take() {
            self.styles.truncate(styles);
        }
        table.of_cell = begins.filter(|it| *it).map(|_| self.styles.len());
        self.open.truncate(at + 1);
    }

    fn add(&mut self, elements: usize) -> bool {
        self.elements += elements;
        self.depths += elements * self.open.len();
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
        let titles = "<a title='<div><div>' href=x>one</a>".repeat(1_000);
        let icons = "<a><svg><title>x</title><g><path d=''/><rect/></g></svg></a>".repeat(1_000);
        let anchors = "<a name=x><h2>one</h3></b></div>".repeat(1_000);
        let cells = "<tr><td><font size=1><b>one<td><center>two</td></tr>".repeat(1_000);
        let cells = format!("<table>{cells}</table>");
        for page in [
            "",
            "a < b",
            "<",
            "</",
            "<p>one<p>two",
            &table,
            &list,
            &script,
            &comment,
            &titles,
            &icons,
            &anchors,
            &cells,
        ] {
            let end = page.floor_char_boundary(60);
            assert!(is_bearable(page), "{}", &page[..end]);
            assert!(is_shallow(&dom_query::Document::from(page)), "{}", &page[..end]);
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

    /// Must never: a page that ends the process.
    #[test]
    fn an_end_of_something_else_ends_nothing() {
        for part in [
            "<blockquote></x>",
            "<div></x>",
            "<div></p></b></body>",
            "<div title='</div>'>",
            "<div><!-- </div> -->",
            "<div><!--><div>",
            "<div><table></div>",
            "<span><div></span>",
            "<div><script></div></script>",
            "<svg><title><div></svg>",
            "<p><b>",
            "<svg><link>",
            "<svg></svg><g><g/>",
            "<div><object></div>",
        ] {
            let page = part.repeat(10_000);
            assert!(!is_bearable(&page), "{part}");
        }
        let mostly = format!("{}{}", "<i><div>".repeat(100), "</x>".repeat(40_000));
        assert!(!is_bearable(&mostly), "whoever closes nothing looks for it everywhere");
    }

    #[test]
    fn what_a_page_has_become_is_measured_too() {
        let page = |depth: usize| format!("{}x", "<section>".repeat(depth));
        // Around them are the document, `html` and `body`, and in them is a text.
        assert!(is_shallow(&dom_query::Document::from(page(TREE_DEPTH_MAX - 3))));
        assert!(!is_shallow(&dom_query::Document::from(page(TREE_DEPTH_MAX - 2))));
    }
}
