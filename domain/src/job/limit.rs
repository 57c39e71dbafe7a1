//! How large the parts of an event may be.

use std::io::{self, Write};

use serde_json::Value;

use crate::Refusal;

/// Refuses JSON that would be longer than `bytes_max` when written.
pub(super) fn json(field: &'static str, value: &Value, bytes_max: usize) -> Result<(), Refusal> {
    let mut meter = Meter { left: bytes_max };
    if serde_json::to_writer(&mut meter, value).is_ok() {
        return Ok(());
    }
    Err(Refusal::invalid(field, format!("at most {bytes_max} bytes of JSON")))
}

/// Refuses text that is longer than `bytes_max`, or holds a NUL, which
/// Postgres cannot store.
pub(super) fn text(field: &'static str, value: &str, bytes_max: usize) -> Result<(), Refusal> {
    if bytes_max < value.len() || value.contains('\0') {
        return Err(Refusal::invalid(
            field,
            format!("at most {bytes_max} bytes, none of them NUL"),
        ));
    }
    Ok(())
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
