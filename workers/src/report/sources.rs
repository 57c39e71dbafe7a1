//! The sources of a report, read one at a time: what they say goes into the
//! index, and what became of each goes on record.

use artifacts::ArtifactError;
use domain::{
    artifact::Sha256,
    report::{SourceFault, SourceProvenance},
};

use super::{
    Reports,
    bm25::Index,
    extract::{self, Extracted, SOURCE_BYTES_MAX, Unreadable},
    fault::Fault,
    passages::passages,
};
use crate::executor::Attempt;

/// How much text of all sources together is used.
const TEXT_BYTES_MAX: usize = 48 * 1024 * 1024;

/// How many sources are told of when none can be read.
const NAMED_MAX: usize = 10;

/// What all sources say.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) index: Index,
    pub(super) told: Vec<SourceProvenance>,
    text_bytes: usize,
}

impl Sources {
    /// How many could not be read, or are not used in full.
    pub(super) fn errors(&self) -> usize {
        let left_out = |it: &&SourceProvenance| {
            it.error.is_some() || it.truncated || it.pages_unread != 0 || it.pages_cut != 0
        };
        self.told.iter().filter(left_out).count()
    }

    /// Refuses to go on with nothing to draw from.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.told.iter().any(|it| it.error.is_none()) {
            return Ok(());
        }
        // By number: what they are called may be personal.
        let told = (1..).zip(&self.told).take(NAMED_MAX).filter_map(|(number, it)| {
            it.error.as_ref().map(|fault| format!("source {number}, {}", fault.message))
        });
        let told = told.collect::<Vec<_>>().join("; ");
        Err(Fault::NoReadableSource { count: self.told.len(), told })
    }

    /// Reads one more. One that cannot be read is named, and no obstacle.
    pub(super) async fn read(
        self,
        (reports, attempt): (&Reports, &Attempt),
        sha256: Sha256,
        name: Option<String>,
    ) -> Result<Self, Fault> {
        let told = SourceProvenance {
            name,
            sha256,
            pages: None,
            truncated: false,
            pages_unread: 0,
            pages_cut: 0,
            error: None,
        };
        let text = text_of((reports, attempt), sha256, told.name.as_deref()).await?;
        self.take_in(told, text).await
    }

    /// Has what a source says in the index, as far as there is room for it.
    async fn take_in(
        mut self,
        mut told: SourceProvenance,
        text: Result<Extracted, Unreadable>,
    ) -> Result<Self, Fault> {
        let number = u32::try_from(self.told.len()).unwrap_or(u32::MAX);
        let before = self.index.passages().len();
        let unreadable = match text {
            Ok(mut extracted) => {
                self.bound(&mut extracted);
                told.pages = u32::try_from(extracted.pages.len())
                    .ok()
                    .filter(|_| extracted.pages.iter().all(|it| it.number.is_some()));
                told.truncated = extracted.truncated;
                (told.pages_unread, told.pages_cut) = (extracted.pages_unread, extracted.pages_cut);
                let whole;
                (self, whole) = self.indexed(number, extracted).await?;
                told.truncated |= !whole;
                (self.index.passages().len() == before).then_some(Unreadable::NoRoom)
            }
            Err(unreadable) => Some(unreadable),
        };
        told.error = unreadable
            .map(|it| SourceFault { code: it.code().to_owned(), message: it.to_string() });
        self.told.push(told);
        Ok(self)
    }

    /// Leaves out what would be too much.
    fn bound(&mut self, extracted: &mut Extracted) {
        for page in &mut extracted.pages {
            let left = TEXT_BYTES_MAX - self.text_bytes;
            if left < page.text.len() {
                page.text.truncate(page.text.floor_char_boundary(left));
                extracted.truncated = true;
            }
            self.text_bytes += page.text.len();
        }
    }

    /// Counting words takes long enough to be in others' way. Whether there was
    /// room for all of them.
    async fn indexed(mut self, number: u32, extracted: Extracted) -> Result<(Self, bool), Fault> {
        let counted = tokio::task::spawn_blocking(move || {
            let mut passages = passages(number, &extracted).into_iter();
            let whole = passages.all(|it| self.index.add(it));
            (self, whole)
        });
        counted.await.map_err(|error| Fault::Files(ArtifactError::Damaged(error.into())))
    }
}

async fn text_of(
    (reports, attempt): (&Reports, &Attempt),
    sha256: Sha256,
    name: Option<&str>,
) -> Result<Result<Extracted, Unreadable>, Fault> {
    match reports.stored(attempt, sha256, SOURCE_BYTES_MAX).await {
        Ok(bytes) => Ok(extract::extract(bytes, name, &reports.reader).await?),
        Err(ArtifactError::NotStored) => Ok(Err(Unreadable::Missing)),
        Err(ArtifactError::TooLarge { .. }) => Ok(Err(Unreadable::TooLarge)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::extract::Page, *};

    /// Takes in a source of one page that says this; gives what becomes of it.
    async fn taken(sources: Sources, text: &str) -> Sources {
        let told = SourceProvenance {
            name: None,
            sha256: Sha256::new([1; 32]),
            pages: None,
            truncated: false,
            pages_unread: 0,
            pages_cut: 0,
            error: None,
        };
        let pages = vec![Page { number: None, text: text.to_owned() }];
        sources.take_in(told, Ok(Extracted { pages, ..Extracted::default() })).await.unwrap()
    }

    /// Must never: a plain success that leaves out what it was to draw from.
    #[tokio::test]
    async fn a_source_that_there_is_no_room_for_is_an_error_of_the_report() {
        let room = "La formation".len();
        let text_bytes = TEXT_BYTES_MAX - room;
        let sources = taken(Sources { text_bytes, ..Sources::default() }, "La formation").await;
        assert_eq!((sources.errors(), sources.told[0].truncated), (0, false), "it fits");
        let sources = taken(sources, "a duré trois ans").await;
        let fault = sources.told[1].error.as_ref().map(|it| &*it.code);
        assert_eq!((sources.errors(), fault), (1, Some("no_room")));
        sources.check().unwrap();

        let sources = Sources { text_bytes, ..Sources::default() };
        let sources = taken(sources, "La formation a duré trois ans").await;
        assert_eq!((sources.errors(), &sources.told[0].error), (1, &None), "its beginning is used");
        assert!(sources.told[0].truncated);
        assert_eq!(&*sources.index.passages()[0].text, "La formation");
    }
}
