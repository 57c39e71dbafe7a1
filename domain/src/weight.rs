//! What values take in memory: estimates, and never far too low.
//!
//! JSON in memory is not as long as its text: an object with one field takes
//! ninety times as much.

use serde_json::Value;

/// What is asked of the allocator costs this much besides.
const ALLOCATION: usize = 16;

/// The fields of an object are kept in nodes for eleven, which may be half
/// empty.
const NODE_FIELDS: usize = 11;
const NODE: usize = NODE_FIELDS * (size_of::<String>() + size_of::<Value>()) + ALLOCATION;
const NODE_FIELDS_MIN: usize = 5;

/// What JSON takes besides its own size.
pub fn json(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(it) => text(it),
        Value::Array(items) => {
            let own = items.capacity() * size_of::<Value>() + allocated(items.capacity());
            own + items.iter().map(json).sum::<usize>()
        }
        Value::Object(fields) if fields.is_empty() => 0,
        Value::Object(fields) => {
            let own = NODE * fields.len().div_ceil(NODE_FIELDS_MIN);
            own + fields.iter().map(|(name, value)| text(name) + json(value)).sum::<usize>()
        }
    }
}

/// What a text takes besides its own size.
pub(crate) fn text(text: &String) -> usize {
    text.capacity() + allocated(text.capacity())
}

/// What a list of texts takes besides its own size.
pub(crate) fn texts(texts: &Vec<String>) -> usize {
    let own = texts.capacity() * size_of::<String>() + allocated(texts.capacity());
    own + texts.iter().map(text).sum::<usize>()
}

fn allocated(capacity: usize) -> usize {
    if capacity == 0 { 0 } else { ALLOCATION }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn small_values_take_nothing_besides() {
        for value in [json!(null), json!(true), json!(1.5), json!(""), json!([]), json!({})] {
            assert_eq!(super::json(&value), 0, "{value}");
        }
    }

    #[test]
    fn it_is_no_less_than_what_is_kept() {
        let read = |text: &str| super::json(&serde_json::from_str(text).unwrap());
        let times = |part: &str, count: usize| format!("[{}]", vec![part; count].join(","));
        assert!(10_000 * size_of::<Value>() <= read(&times("1", 10_000)));
        // A node for each, however little is in it.
        assert!(10_000 * 600 <= read(&times(r#"{"a":0}"#, 10_000)));
        assert!(64 * 600 <= read(&format!("{}0{}", r#"{"a":"#.repeat(64), "}".repeat(64))));
        assert!(100_000 <= read(&json!("x".repeat(100_000)).to_string()));
        let fields: serde_json::Map<String, Value> =
            (0..10_000).map(|it| (format!("field {it}"), json!(it))).collect();
        let bytes = super::json(&Value::Object(fields));
        let entry = size_of::<String>() + size_of::<Value>() + "field 1000".len();
        assert!((10_000 * entry..10_000 * entry * 4).contains(&bytes), "{bytes}");
    }
}
