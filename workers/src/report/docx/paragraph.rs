//! Paragraphs, each with the pieces that its text is scattered over.

use std::ops::Range;

use super::wordml::{Malformed, Mark, Piece, Step, walk};

/// What one reads as a line, text boxes in it aside: these have paragraphs of
/// their own.
#[derive(Debug, Default)]
pub(super) struct Paragraph<'a> {
    /// What it says, signs included.
    pub(super) text: String,
    /// Where in `text` each piece of it came from.
    pub(super) pieces: Vec<(Range<usize>, Piece<'a>)>,
}

/// The paragraphs of a part.
pub(super) fn paragraphs(xml: &str) -> Result<Vec<Paragraph<'_>>, Malformed> {
    let (mut open, mut done) = (Vec::<Paragraph<'_>>::new(), Vec::new());
    walk(xml, |step| match step {
        Step::Open(Mark::Paragraph) => open.push(Paragraph::default()),
        Step::Close(Mark::Paragraph) => done.extend(open.pop()),
        Step::Open(_) | Step::Close(_) => {}
        Step::Text(piece) => {
            if let Some(paragraph) = open.last_mut() {
                let from = paragraph.text.len();
                paragraph.text.push_str(&piece.text);
                paragraph.pieces.push((from..paragraph.text.len(), piece));
            }
        }
        Step::Break => sign(&mut open, '\n'),
        Step::Tab => sign(&mut open, '\t'),
        Step::Hyphen => sign(&mut open, '-'),
    })?;
    Ok(done)
}

fn sign(open: &mut [Paragraph<'_>], sign: char) {
    if let Some(paragraph) = open.last_mut() {
        paragraph.text.push(sign);
    }
}
