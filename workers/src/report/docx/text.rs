//! What a Word document says, as one reads it: tables row by row, their cells
//! side by side.

use bytes::Bytes;

use super::{
    package::{Package, PackageFault, Reach, Role},
    wordml::{Mark, Step, walk},
};

/// What stands between two cells.
const BETWEEN_CELLS: &str = " | ";

/// Everything that a document says, comments aside.
pub(in crate::report) fn text(bytes: Bytes) -> Result<String, PackageFault> {
    let package = Package::open(bytes, Reach::Text)?;
    let mut text = String::new();
    for part in package.parts().filter(|it| it.role != Role::Comments) {
        let mut page = Page { blocks: vec![String::new()], ..Page::default() };
        walk(&part.xml, |step| page.see(step)).map_err(|_| PackageFault::Damaged)?;
        text.push_str(&page.blocks.concat());
        text.push('\n');
    }
    Ok(text)
}

/// What has been read of a part.
#[derive(Default)]
struct Page {
    /// The part, and inside it the cells that are open.
    blocks: Vec<String>,
    /// The rows that are open.
    rows: Vec<Vec<String>>,
    /// The paragraphs that are open: a text box is inside one.
    paragraphs: Vec<String>,
    /// How many fallbacks are open: what they say has been said beside them.
    fallbacks: usize,
}

impl Page {
    fn see(&mut self, step: Step<'_>) {
        match step {
            Step::Open(Mark::Fallback) => self.fallbacks += 1,
            Step::Close(Mark::Fallback) => self.fallbacks = self.fallbacks.saturating_sub(1),
            _ if 0 < self.fallbacks => {}
            Step::Open(Mark::Paragraph) => self.paragraphs.push(String::new()),
            Step::Close(Mark::Paragraph) => {
                let paragraph = self.paragraphs.pop().unwrap_or_default();
                self.line(&paragraph);
            }
            Step::Open(Mark::Table) | Step::Close(Mark::Table) | Step::Beside(_) => {}
            Step::Open(Mark::Row) => self.rows.push(Vec::new()),
            Step::Close(Mark::Row) => {
                let row = self.rows.pop().unwrap_or_default();
                self.line(&row.join(BETWEEN_CELLS));
            }
            Step::Open(Mark::Cell) => self.blocks.push(String::new()),
            Step::Close(Mark::Cell) => {
                let cell = self.blocks.pop().unwrap_or_default();
                let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
                match self.rows.last_mut() {
                    Some(row) => row.push(cell),
                    None => self.line(&cell),
                }
            }
            Step::Text(piece) => self.say(&piece.text),
            Step::Break => self.say("\n"),
            Step::Tab => self.say("\t"),
            Step::Hyphen => self.say("-"),
        }
    }

    fn say(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.push_str(text);
        }
    }

    fn line(&mut self, line: &str) {
        if let Some(block) = self.blocks.last_mut() {
            block.push_str(line);
            block.push('\n');
        }
    }
}
