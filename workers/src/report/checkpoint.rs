//! What an attempt leaves behind for the next one: the fields that are
//! written, as a file, since no event may hold them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{
    artifact::Sha256,
    report::{FieldProvenance, MEDIA_TYPE, Provenance},
};
use serde::{Deserialize, Serialize};

use super::{Reports, attempt::json, fault::Fault, fields::Field};
use crate::executor::{Attempt, Level};

/// The largest file of fields, in bytes.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What the file is called.
const FIELDS: (&str, &str) = ("fields.json", MEDIA_TYPE);

/// What stands in the job's stream.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    fields: Sha256,
}

/// The fields that are written so far. They outlive whoever writes them, who may
/// be stopped at any field.
#[derive(Debug, Default)]
pub(super) struct SoFar(Mutex<Provenance>);

impl SoFar {
    pub(super) fn begin(&self, salt: &str) {
        salt.clone_into(&mut self.lock().salt);
    }

    pub(super) fn add(&self, fields: impl IntoIterator<Item = FieldProvenance>) {
        self.lock().fields.extend(fields);
    }

    pub(super) fn fields(&self) -> Vec<FieldProvenance> {
        self.lock().fields.clone()
    }

    /// Leaves them to whoever goes on, if there are any.
    pub(super) async fn leave(&self, reports: &Reports, attempt: &Attempt) -> Result<(), Fault> {
        let so_far = {
            let so_far = self.lock();
            if so_far.fields.is_empty() {
                return Ok(());
            }
            json(&*so_far)?
        };
        let file = reports.keep(attempt, FIELDS, so_far).await?;
        let checkpoint = serde_json::json!(Checkpoint { fields: file.sha256 });
        attempt.handle.checkpoint(checkpoint);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Provenance> {
        // Nothing here is left half-done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fields that an earlier attempt has left, if they are the first of
/// these; what cannot be used is done over again.
pub(super) async fn left_behind(
    reports: &Reports,
    attempt: &Attempt,
    fields: &[Field],
) -> Vec<FieldProvenance> {
    let Some(checkpoint) = attempt.checkpoint.clone() else { return Vec::new() };
    let read = async {
        let checkpoint: Checkpoint = serde_json::from_value(checkpoint).ok()?;
        let bytes = reports.read(checkpoint.fields, BYTES_MAX, "checkpoint").await.ok()?;
        let left: Provenance = serde_json::from_slice(&bytes).ok()?;
        let same = left.fields.len() <= fields.len()
            && left.fields.iter().zip(fields).all(|(left, field)| left.key == field.key);
        same.then_some(left.fields)
    };
    let left = read.await;
    if left.is_none() {
        let line = "what an earlier attempt has left cannot be used: all fields are written anew";
        attempt.handle.log(Level::Warn, line);
    }
    left.unwrap_or_default()
}
