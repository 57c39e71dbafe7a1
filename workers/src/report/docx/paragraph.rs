//! Paragraphs, each with the pieces that its text is scattered over; and what a
//! part says beside them.

use std::ops::Range;

use super::wordml::{Beside, Malformed, Mark, Piece, Step, walk};

/// What one reads as a line, text boxes in it aside: these have paragraphs of
/// their own.
#[derive(Debug, Default)]
pub(super) struct Paragraph<'a> {
    /// What it says, signs included.
    pub(super) text: String,
    /// Where in `text` each piece of it came from.
    pub(super) pieces: Vec<(Range<usize>, Piece<'a>)>,
}

/// Everything that a part says.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) paragraphs: Vec<Paragraph<'a>>,
    /// What stands in attributes, and in elements that are no text.
    pub(super) beside: Vec<Beside<'a>>,
}

/// What a part says, as far as anybody could mind it: what is beside the text
/// is only told if `minded`.
pub(super) fn said<'a>(xml: &'a str, minded: fn(&str) -> bool) -> Result<Said<'a>, Malformed> {
    let (mut open, mut said) = (Vec::<Paragraph<'a>>::new(), Said::default());
    walk(xml, |step| match step {
        Step::Open(Mark::Paragraph) => open.push(Paragraph::default()),
        Step::Close(Mark::Paragraph) => said.paragraphs.extend(open.pop()),
        Step::Open(_) | Step::Close(_) => {}
        Step::Text(piece) => {
            if let Some(paragraph) = open.last_mut() {
                paragraph.push(piece);
            } else {
                let mut alone = Paragraph::default();
                alone.push(piece);
                said.paragraphs.push(alone);
            }
        }
        Step::Beside(beside) => said.beside.extend(Some(beside).filter(|it| minded(&it.said))),
        Step::Break => sign(&mut open, '\n'),
        Step::Tab => sign(&mut open, '\t'),
        Step::Hyphen => sign(&mut open, '-'),
    })?;
    Ok(said)
}

impl<'a> Paragraph<'a> {
    fn push(&mut self, piece: Piece<'a>) {
        let from = self.text.len();
        self.text.push_str(&piece.text);
        self.pieces.push((from..self.text.len(), piece));
    }
}

fn sign(open: &mut [Paragraph<'_>], sign: char) {
    if let Some(paragraph) = open.last_mut() {
        paragraph.text.push(sign);
    }
}
