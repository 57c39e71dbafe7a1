//! What an attempt leaves behind for the next one: the fields that are
//! written, as a file, since no event may hold them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{
    artifact::Sha256,
    report::{FieldProvenance, MEDIA_TYPE, Missing, Provenance},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Reports, attempt::json, fault::Fault, fields::Field};
use crate::executor::{Attempt, Level};

/// The largest file of fields, in bytes.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What the file is called.
pub(crate) const NAME: &str = "fields.json";

/// What stands in the job's stream.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    fields: Sha256,
}

/// The file that a checkpoint names.
pub(crate) fn file(checkpoint: &Value) -> Option<Sha256> {
    Checkpoint::deserialize(checkpoint).ok().map(|it| it.fields)
}

/// The fields that are written so far. They outlive whoever writes them, who may
/// be stopped at any field.
#[derive(Debug, Default)]
pub(super) struct SoFar(Mutex<Written>);

/// By their numbers in the template.
pub(super) type Fields = BTreeMap<usize, FieldProvenance>;

#[derive(Debug, Default)]
struct Written {
    salt: String,
    fields: Fields,
}

impl SoFar {
    pub(super) fn begin(&self, salt: &str) {
        salt.clone_into(&mut self.lock().salt);
    }

    pub(super) fn add(&self, fields: impl IntoIterator<Item = (usize, FieldProvenance)>) {
        self.lock().fields.extend(fields);
    }

    pub(super) fn has(&self, field: usize) -> bool {
        self.lock().fields.contains_key(&field)
    }

    pub(super) fn fields(&self) -> Vec<FieldProvenance> {
        self.lock().fields.values().cloned().collect()
    }

    /// Leaves them to whoever goes on, if there are any.
    pub(super) async fn leave(&self, reports: &Reports, attempt: &Attempt) -> Result<(), Fault> {
        let so_far = {
            let so_far = self.lock();
            if so_far.fields.is_empty() {
                return Ok(());
            }
            let (salt, fields) = (so_far.salt.clone(), so_far.fields.values().cloned().collect());
            json(&Provenance { salt, fields, sources: Vec::new() })?
        };
        let file = reports.keep(attempt, (NAME, MEDIA_TYPE), so_far).await?;
        let checkpoint = serde_json::json!(Checkpoint { fields: file.sha256 });
        attempt.handle.checkpoint(checkpoint);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        // Nothing here is left half-done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those of these fields that an earlier attempt has left; what cannot be used
/// is done over again, and so is what a model failed at: it may be well again.
pub(super) async fn left_behind(reports: &Reports, attempt: &Attempt, fields: &[Field]) -> Fields {
    let Some(checkpoint) = &attempt.checkpoint else { return Fields::new() };
    let read = async {
        let bytes = reports.read(attempt, file(checkpoint)?, BYTES_MAX, "checkpoint").await.ok()?;
        let left: Provenance = serde_json::from_slice(&bytes).ok()?;
        let numbers: HashMap<&str, usize> =
            fields.iter().enumerate().map(|(number, it)| (it.key.as_str(), number)).collect();
        let numbered = left.fields.into_iter().map(|it| Some((*numbers.get(&*it.key)?, it)));
        let mut left: Fields = numbered.collect::<Option<_>>()?;
        left.retain(|_, it| !it.missing.is_some_and(Missing::is_passing));
        Some(left)
    };
    let left = read.await;
    if left.is_none() {
        let line = "what an earlier attempt has left cannot be used: all fields are written anew";
        attempt.handle.log(Level::Warn, line);
    }
    left.unwrap_or_default()
}
