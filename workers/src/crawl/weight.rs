//! Takes a page apart, as long as that is bearable. A page of a few kilobytes can
//! ask for hours, and for memory without end: by nesting without end, or by
//! styles that are never closed and so are repeated in every paragraph that
//! follows. What a page asks for only the parser itself can tell, so that is
//! what is looked at, after every few tags; a page that has become too much is
//! given up where it has.

use std::{cell::RefCell, time::Duration};

use dom_query::{Document, NodeId};
use html5ever::{
    ParseOpts, Parser, ns, parse_document,
    tendril::{StrTendril, TendrilSink},
    tree_builder::{Tracer, TreeBuilderOpts},
};
use rustix::time::{ClockId, clock_gettime};

/// How deep elements may nest that only an end closes.
const DEPTH_MAX: usize = 256;

/// How deep a page may be, all elements and texts counted: whoever reads it goes
/// down into it, and has only so much room.
const TREE_DEPTH_MAX: usize = 2 * DEPTH_MAX;

/// How many elements may stand in all, those that are repeated included.
const ELEMENTS_MAX: usize = 400_000;

/// How many there may be on the way there, and texts, and comments.
const NODES_MAX: usize = 1_000_000;

/// How deep all elements together may be, and all ends that end nothing: whoever
/// looks for what they end may go through all that is open.
const DEPTHS_MAX: usize = 4_000_000;

/// How much of a processor it may take, whatever else it is that takes so long: a
/// tag may have attributes without number.
const TIME_MAX: Duration = Duration::from_secs(10);

/// After how many tags, and bytes, it is looked at what has become of the page.
/// So much may come on top of each limit.
const TAGS_AT_ONCE: usize = 64;
const BYTES_AT_ONCE: usize = 16 * 1_024;

/// Elements whose end is mostly left out, and those of which there is one.
const LEFT_OPEN: [&str; 16] = [
    "body", "caption", "colgroup", "dd", "dt", "head", "html", "li", "option", "p", "tbody", "td",
    "tfoot", "th", "thead", "tr",
];

/// Takes the page apart by the rules of browsers; nothing if that would be too
/// much.
pub(super) fn take_apart(html: &str) -> Option<Document> {
    take_apart_within(TIME_MAX, html)
}

fn take_apart_within(time_max: Duration, html: &str) -> Option<Document> {
    let start = processor_time();
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..Default::default() };
    let options = ParseOpts { tree_builder, ..Default::default() };
    let mut parser = parse_document(Document::default(), options);
    let (mut rest, mut load) = (html, Load::default());
    while !rest.is_empty() {
        let (part, tags) = part(rest);
        rest = &rest[part.len()..];
        parser.process(StrTendril::from_slice(part));
        if !load.add(tags, &parser) || time_max < processor_time().saturating_sub(start) {
            return None;
        }
    }
    let document = parser.finish();
    is_bearable(&document).then_some(document)
}

/// What this thread has had of a processor. However many others want it, a page
/// is given up or not for what it is.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

/// What of the page is taken next: to the end, or to before a tag, or to
/// somewhere in a text or a tag if those are long. And how many tags it has at
/// most, but for those that end what others in it begin.
fn part(rest: &str) -> (&str, usize) {
    let part = &rest[..rest.floor_char_boundary(BYTES_AT_ONCE)];
    let mut tags = part.bytes().enumerate().filter(|(_, it)| *it == b'<').map(|(at, _)| at);
    let (mut begins, mut ends) = (0, 0);
    for tag in tags.by_ref().take(TAGS_AT_ONCE) {
        let is_end = part.as_bytes().get(tag + 1) == Some(&b'/');
        *(if is_end { &mut ends } else { &mut begins }) += 1;
    }
    let part = tags.next().map_or(part, |next| &part[..next]);
    (part, begins.max(ends))
}

/// What a page has asked for so far.
#[derive(Default)]
struct Load {
    depth: usize,
    depths: usize,
}

impl Load {
    /// Whether it is still bearable with so many more tags.
    fn add(&mut self, tags: usize, parser: &Parser<Document>) -> bool {
        let builder = &parser.tokenizer.sink;
        let open = Open::default();
        builder.trace_handles(&open);
        let open = open.distinct();
        let only_by_an_end = |it: &&NodeId| {
            builder
                .sink
                .tree
                .get_name(it)
                .is_some_and(|name| name.ns != ns!(html) || !LEFT_OPEN.contains(&&*name.local))
        };
        let depth = open.iter().filter(only_by_an_end).count();
        self.depths += tags * depth.max(self.depth);
        self.depth = depth;
        depth <= DEPTH_MAX
            && open.len() <= TREE_DEPTH_MAX
            && self.depths <= DEPTHS_MAX
            && builder.sink.tree.len() <= NODES_MAX
    }
}

/// What the parser has in hand: elements that have begun and not ended, and
/// styles that go on in the next paragraph.
#[derive(Default)]
struct Open(RefCell<Vec<NodeId>>);

impl Tracer for Open {
    type Handle = NodeId;

    fn trace_handle(&self, node: &NodeId) {
        self.0.borrow_mut().push(*node);
    }
}

impl Open {
    fn distinct(self) -> Vec<NodeId> {
        let mut nodes = self.0.into_inner();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}

/// Whether a page that was taken apart can be read by going down into it.
fn is_bearable(document: &Document) -> bool {
    let (mut at, mut depth, mut elements) = (document.root(), 0_usize, 0_usize);
    loop {
        elements += usize::from(at.is_element());
        if ELEMENTS_MAX < elements {
            return false;
        }
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
        let titles_in_bold = "<p><b>one</p><li><span>two".repeat(10_000);
        // Not one of these tables is in another.
        let tables = "<div><table></div>".repeat(10_000);
        let outer = "<div>".repeat(30);
        let many = format!("{outer}{}", "<div><a href=x>one</a></div>".repeat(20_000));
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
            &titles_in_bold,
            &tables,
            &many,
        ] {
            let end = page.floor_char_boundary(60);
            assert!(take_apart(page).is_some(), "{}", &page[..end]);
        }
    }

    #[test]
    fn pages_that_would_take_hours_are_not() {
        let combs = format!("{}x{}", "<div>".repeat(250), "</div>".repeat(250)).repeat(200);
        let fonts =
            (0..2_000).map(|it| format!("<p><font size={it}>")).collect::<Vec<_>>().concat();
        let styles = (0..200).map(|it| format!("<b id={it}>")).collect::<Vec<_>>().concat();
        let repeated = format!("<p>{styles}{}", "<p>x</p>".repeat(10_000));
        for page in
            ["<div>".repeat(100_000), "<table><tr><td>".repeat(1_000), combs, fonts, repeated]
        {
            assert!(take_apart(&page).is_none(), "{}", &page[..40]);
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
            "<span><div></span>",
            "<div><script></div></script>",
            "<svg><title><div></svg>",
            "<svg><link>",
            "<svg></svg><g><g/>",
            "<div><object></div>",
            "<div><iframe></div></iframe>",
            "<div><noembed></div></noembed>",
            "<div><xmp></div></xmp>",
            "<div><noframes></div></noframes>",
            "<div><select></div></select>",
            "<div><script><!--<script></script></div>--></script>",
        ] {
            let page = part.repeat(10_000);
            assert!(take_apart(&page).is_none(), "{part}");
        }
        let mostly = format!("{}{}", "<i><div>".repeat(100), "</x>".repeat(40_000));
        assert!(take_apart(&mostly).is_none(), "whoever closes nothing looks for it everywhere");
    }

    #[test]
    fn what_a_page_has_become_is_measured_too() {
        let page = |depth: usize| format!("{}x", "<section>".repeat(depth));
        // Around them are the document, `html` and `body`, and in them is a text.
        assert!(is_bearable(&Document::from(page(TREE_DEPTH_MAX - 3))));
        assert!(!is_bearable(&Document::from(page(TREE_DEPTH_MAX - 2))));
        let lines = "<br>".repeat(ELEMENTS_MAX);
        assert!(take_apart(&lines).is_none());
        assert!(take_apart(&lines[..lines.len() / 2]).is_some());
        assert!(take_apart(&page(DEPTH_MAX)).is_some());
        assert!(take_apart(&page(DEPTH_MAX + 2 * TAGS_AT_ONCE)).is_none());
    }

    /// Must never: a page of which it is known only in the end that it was too
    /// much.
    #[test]
    fn a_page_is_given_up_where_it_has_become_too_much() {
        let deep = "<div><div><div><div><iframe></div></div></div></div></iframe>";
        let wide = "<p><b><i><u><s>";
        let styles = (0..60).map(|it| format!("<b id={it}>")).collect::<Vec<_>>().concat();
        for page in [deep.repeat(80_000), format!("<p>{styles}{}", wide.repeat(100_000))] {
            assert!(take_apart(&page).is_none());
        }
        // The thread is the test's own.
        assert!(processor_time() < TIME_MAX / 2, "{:?}", processor_time());
    }

    /// Must never: a page that takes a processor for as long as it likes.
    #[test]
    fn a_page_is_given_up_whatever_it_is_that_takes_so_long() {
        let attributes = (0..300_000).map(|it| format!("a{it} ")).collect::<Vec<_>>().concat();
        let time_max = Duration::from_millis(100);
        assert!(take_apart_within(time_max, &format!("<p {attributes}>text")).is_none());
        // The thread is the test's own.
        assert!(processor_time() < TIME_MAX / 2, "{:?}", processor_time());
    }

    #[test]
    fn a_page_is_cut_before_tags_and_nothing_of_it_is_lost() {
        let text = "é".repeat(BYTES_AT_ONCE);
        let tags = "<br></x>".repeat(TAGS_AT_ONCE);
        let page = format!("<p title='{text}'>{text}{tags}<");
        let (mut rest, mut parts) = (page.as_str(), Vec::new());
        while !rest.is_empty() {
            let (next, tags) = part(rest);
            rest = &rest[next.len()..];
            assert!(next.len() <= BYTES_AT_ONCE && tags <= TAGS_AT_ONCE);
            parts.push(next);
        }
        assert_eq!(parts.concat(), page);
        assert_eq!(take_apart(&page).unwrap().html(), Document::from(page.as_str()).html());
    }
}
