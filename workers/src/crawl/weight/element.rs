//! What kinds of elements there are, by where they end.

/// Elements without an end, or with nothing in them, or of which there is one.
pub(super) const NOT_NESTED: [&[u8]; 21] = [
    b"area",
    b"base",
    b"body",
    b"br",
    b"col",
    b"embed",
    b"head",
    b"hr",
    b"html",
    b"img",
    b"input",
    b"link",
    b"meta",
    b"param",
    b"script",
    b"source",
    b"style",
    b"textarea",
    b"title",
    b"track",
    b"wbr",
];

/// Elements whose end may be left out, mostly before one of the same kind.
pub(super) const CLOSED_BY_THE_NEXT: [&[u8]; 13] = [
    b"p",
    b"li",
    b"dt",
    b"dd",
    b"tr",
    b"td",
    b"th",
    b"option",
    b"caption",
    b"colgroup",
    b"tbody",
    b"tfoot",
    b"thead",
];

/// Those of them with which a cell of a table begins or ends.
pub(super) const OF_TABLES: [&[u8]; 8] =
    [b"tr", b"td", b"th", b"caption", b"colgroup", b"tbody", b"tfoot", b"thead"];

/// Elements that go on in the next paragraph if they are not closed in theirs.
pub(super) const FORMATTING: [&[u8]; 14] = [
    b"a", b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike",
    b"strong", b"tt", b"u",
];

/// Elements that close an open one of their kind.
pub(super) const ONE_AT_A_TIME: [&[u8]; 3] = [b"a", b"button", b"nobr"];

/// Elements out of which nothing reaches that is outside of them.
pub(super) const ENCLOSING: [&[u8]; 5] = [b"applet", b"marquee", b"object", b"table", b"template"];

/// Elements that only their own end closes, and that of one of these.
pub(super) const SPECIAL: [&[u8]; 47] = [
    b"address",
    b"applet",
    b"article",
    b"aside",
    b"blockquote",
    b"button",
    b"center",
    b"details",
    b"dialog",
    b"dir",
    b"div",
    b"dl",
    b"fieldset",
    b"figcaption",
    b"figure",
    b"footer",
    b"form",
    b"frameset",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"header",
    b"hgroup",
    b"iframe",
    b"listing",
    b"main",
    b"marquee",
    b"menu",
    b"nav",
    b"noembed",
    b"noframes",
    b"noscript",
    b"object",
    b"ol",
    b"plaintext",
    b"pre",
    b"search",
    b"section",
    b"select",
    b"summary",
    b"table",
    b"template",
    b"ul",
    b"xmp",
];

/// Elements that lead out of a drawing or a formula again.
pub(super) const LEADING_OUT: [&[u8]; 45] = [
    b"b",
    b"big",
    b"blockquote",
    b"body",
    b"br",
    b"center",
    b"code",
    b"dd",
    b"div",
    b"dl",
    b"dt",
    b"em",
    b"embed",
    b"font",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"head",
    b"hr",
    b"i",
    b"img",
    b"li",
    b"listing",
    b"menu",
    b"meta",
    b"nobr",
    b"ol",
    b"p",
    b"pre",
    b"ruby",
    b"s",
    b"small",
    b"span",
    b"strike",
    b"strong",
    b"sub",
    b"sup",
    b"table",
    b"tt",
    b"u",
    b"ul",
    b"var",
];

/// Parts of a drawing or a formula that hold markup.
pub(super) const HOLDING_MARKUP: [&[u8]; 9] =
    [b"annotation-xml", b"desc", b"foreignobject", b"mi", b"mn", b"mo", b"ms", b"mtext", b"title"];

/// Whether a drawing or a formula begins with it.
pub(super) fn is_drawing(name: &[u8]) -> bool {
    matches!(name, b"svg" | b"math")
}

/// Whether it is a heading: of whatever level, the end of one ends any.
pub(super) fn is_heading(name: &[u8]) -> bool {
    matches!(name, [b'h', b'1'..=b'6'])
}
