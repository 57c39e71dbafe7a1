//! Sources as PDF, with text that can be read out again.

use pdf_writer::{Content, Name, Pdf, Rect, Ref, Str};

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const FONT: Ref = Ref::new(3);

/// A4, in points.
const PAPER: Rect = Rect { x1: 0.0, y1: 0.0, x2: 595.0, y2: 842.0 };

/// Text of one page each, a line a line.
pub(super) fn of(texts: &[String]) -> Vec<u8> {
    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG).pages(PAGES);
    // A page and what is on it, in turn.
    let ids: Vec<(Ref, Ref)> =
        (4..).step_by(2).map(|it| (Ref::new(it), Ref::new(it + 1))).take(texts.len()).collect();
    let count = i32::try_from(texts.len()).expect("not that many pages");
    pdf.pages(PAGES).kids(ids.iter().map(|it| it.0)).count(count);
    pdf.type1_font(FONT).base_font(Name(b"Helvetica"));
    for ((page, content), text) in ids.into_iter().zip(texts) {
        let mut writer = pdf.page(page);
        writer.media_box(PAPER).parent(PAGES).contents(content);
        writer.resources().fonts().pair(Name(b"F1"), FONT);
        drop(writer);
        pdf.stream(content, &lines(text));
    }
    pdf.finish()
}

fn lines(text: &str) -> Vec<u8> {
    let mut content = Content::new();
    content.begin_text().set_font(Name(b"F1"), 10.0).set_leading(15.0).next_line(50.0, 780.0);
    for line in text.lines() {
        content.show(Str(line.as_bytes())).next_line_using_leading();
    }
    content.end_text();
    content.finish().into_vec()
}
