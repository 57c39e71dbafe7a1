//! What an attempt leaves behind for the next one: the fields that are
//! written, as a file, since no event may hold them.

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

/// Leaves the fields so far to whoever goes on.
pub(super) async fn leave(
    reports: &Reports,
    attempt: &Attempt,
    salt: &str,
    composed: &[FieldProvenance],
) -> Result<(), Fault> {
    let salt = salt.to_owned();
    let so_far = Provenance { salt, fields: composed.to_vec(), sources: Vec::new() };
    let file = reports.keep(attempt, FIELDS, json(&so_far)?).await?;
    let checkpoint = serde_json::json!(Checkpoint { fields: file.sha256 });
    attempt.handle.checkpoint(checkpoint);
    Ok(())
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
