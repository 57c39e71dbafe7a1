//! What an idempotency key belongs to: the SHA-256 of the input that it came with. It is blinded
//! before it is kept, since an input may be about people, and few enough for all to be tried.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The same for two inputs that say the same, in whatever order they name their fields.
pub(super) fn of(input: &Value) -> [u8; 32] {
    let mut hasher = Sha256::new();
    write(&mut hasher, input);
    hasher.finalize().into()
}

fn write(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            hasher.update(b"{");
            for name in names {
                hasher.update(Value::from(name.as_str()).to_string());
                hasher.update(b":");
                write(hasher, &fields[name]);
                hasher.update(b",");
            }
            hasher.update(b"}");
        }
        Value::Array(items) => {
            hasher.update(b"[");
            for item in items {
                write(hasher, item);
                hasher.update(b",");
            }
            hasher.update(b"]");
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            hasher.update(value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json};

    use super::*;

    #[test]
    fn the_order_of_fields_does_not_matter() {
        let one: Value = from_str(r#"{"a": 1, "b": {"c": [1, 2], "d": null}}"#).unwrap();
        let other: Value = from_str(r#"{"b": {"d": null, "c": [1, 2]}, "a": 1}"#).unwrap();
        assert_eq!(of(&one), of(&other));
    }

    #[test]
    fn everything_else_does() {
        let inputs = [
            json!({}),
            json!([]),
            json!({ "a": 1 }),
            json!({ "a": "1" }),
            json!({ "a": [1] }),
            json!({ "a": [1, 2] }),
            json!({ "a": [2, 1] }),
            json!({ "a": [[1], 2] }),
            json!({ "a": { "b": 1 }, "c": 2 }),
            json!({ "a": { "b": 1, "c": 2 } }),
            json!({ "a": "b\":1,\"c" }),
        ];
        let digests: std::collections::HashSet<_> = inputs.iter().map(of).collect();
        assert_eq!(digests.len(), inputs.len());
    }
}
