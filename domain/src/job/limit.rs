//! How large the parts of an event may be.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::Refusal;

/// How deep JSON may nest. Readers give up at 128, and an event wraps it.
const DEPTH_MAX: usize = 64;

/// How many values JSON may consist of. In memory, an object of one field takes
/// ninety times as much as its text.
const VALUES_MAX: usize = 20_000;

/// The largest checkpoint, in bytes of JSON.
const CHECKPOINT_BYTES_MAX: usize = 16 * 1024;

/// Refuses JSON that would be longer than `bytes_max` when written, consists of
/// so many values that it would take too much memory, or nests so deep that the
/// event could be written but never read again.
pub(crate) fn json(field: &'static str, value: &Value, bytes_max: usize) -> Result<(), Refusal> {
    if !nests_within(DEPTH_MAX, value) {
        return Err(Refusal::invalid(field, format!("nested at most {DEPTH_MAX} deep")));
    }
    if !holds_within(&mut { VALUES_MAX }, value) {
        return Err(Refusal::invalid(field, format!("at most {VALUES_MAX} values")));
    }
    size(field, value, bytes_max)
}

/// Takes from `left` what it consists of: itself, and all that is in it.
fn holds_within(left: &mut usize, value: &Value) -> bool {
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Array(items) => items.iter().all(|it| holds_within(left, it)),
        Value::Object(fields) => fields.values().all(|it| holds_within(left, it)),
    }
}

fn nests_within(depth: usize, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Array(items) => 0 < depth && items.iter().all(|it| nests_within(depth - 1, it)),
        Value::Object(fields) => 0 < depth && fields.values().all(|it| nests_within(depth - 1, it)),
    }
}

/// Refuses a checkpoint that is too large.
pub(crate) fn resumable(checkpoint: Option<&Value>) -> Result<(), Refusal> {
    checkpoint.map_or(Ok(()), |it| json("checkpoint", it, CHECKPOINT_BYTES_MAX))
}

/// Refuses what would be longer than `bytes_max` when written as JSON.
pub(crate) fn size<T>(field: &'static str, value: &T, bytes_max: usize) -> Result<(), Refusal>
where
    T: Serialize + ?Sized,
{
    let mut meter = Meter { left: bytes_max };
    if serde_json::to_writer(&mut meter, value).is_ok() {
        return Ok(());
    }
    Err(Refusal::invalid(field, format!("at most {bytes_max} bytes of JSON")))
}

/// Refuses text that is longer than `bytes_max`, or holds a NUL, which
/// Postgres cannot store.
pub(crate) fn text(field: &'static str, value: &str, bytes_max: usize) -> Result<(), Refusal> {
    if bytes_max < value.len() || value.contains('\0') {
        return Err(Refusal::invalid(
            field,
            format!("at most {bytes_max} bytes, none of them NUL"),
        ));
    }
    Ok(())
}

/// Refuses a count that no table could hold.
pub(crate) fn count(field: &'static str, value: u64) -> Result<(), Refusal> {
    i64::try_from(value).map_or_else(|_| Err(Refusal::invalid(field, "below 2^63")), |_| Ok(()))
}

/// Counts what is written, and fails when it is too much.
struct Meter {
    left: usize,
}

impl Write for Meter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
