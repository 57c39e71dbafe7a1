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
    /// How many could not be read, or not all of their pages.
    pub(super) fn errors(&self) -> usize {
        let left_out = |it: &&SourceProvenance| {
            it.error.is_some() || it.pages_unread != 0 || it.pages_cut != 0
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
        mut self,
        (reports, attempt): (&Reports, &Attempt),
        sha256: Sha256,
        name: Option<String>,
    ) -> Result<Self, Fault> {
        let number = u32::try_from(self.told.len()).unwrap_or(u32::MAX);
        let mut told = SourceProvenance {
            name,
            sha256,
            pages: None,
            truncated: false,
            pages_unread: 0,
            pages_cut: 0,
            error: None,
        };
        match text_of((reports, attempt), sha256, told.name.as_deref()).await? {
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
            }
            Err(unreadable) => {
                let (code, message) = (unreadable.code().to_owned(), unreadable.to_string());
                told.error = Some(SourceFault { code, message });
            }
        }
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
