//! The four parameters of a GraphQL request, wherever they come from: a body, a
//! URL or a socket message.

use serde_json::{Map, Value};

use super::fault::{Code, Fault};

/// What a client asks to have executed.
#[derive(Debug)]
pub(super) struct Parameters {
    pub(super) query: String,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Map<String, Value>,
}

impl Parameters {
    /// Takes them from an object; what else it holds is ignored, as the specification wants.
    pub(super) fn from_json(value: Value) -> Result<Self, Fault> {
        let Value::Object(mut fields) = value else {
            return Err(malformed("a request is one JSON object; batches are not supported"));
        };
        let mut take = |name: &str| fields.remove(name).filter(|it| !it.is_null());

        let extensions = object("extensions", take("extensions"))?;
        let query = match take("query") {
            Some(Value::String(query)) => query,
            Some(_) => return Err(malformed("`query` must be a string")),
            None if extensions.contains_key("persistedQuery") => {
                let message = "persisted queries are not supported: send the `query` itself";
                return Err(Fault::new(Code::PersistedQueryNotSupported, message));
            }
            None => return Err(malformed("`query` is missing")),
        };
        let operation_name = match take("operationName") {
            None => None,
            Some(Value::String(name)) => Some(name).filter(|it| !it.is_empty()),
            Some(_) => return Err(malformed("`operationName` must be a string")),
        };
        let variables = object("variables", take("variables"))?;
        Ok(Self { query, operation_name, variables })
    }

    /// Takes them from the pairs of a URL's query, in which objects are written as JSON.
    pub(super) fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, Fault> {
        let mut fields = Map::new();
        for (name, text) in pairs {
            let value = match name.as_str() {
                "variables" | "extensions" if text.is_empty() => Value::Null,
                "variables" | "extensions" => serde_json::from_str(&text)
                    .map_err(|error| malformed(format!("`{name}` is not JSON: {error}")))?,
                _ => Value::String(text),
            };
            fields.insert(name, value);
        }
        Self::from_json(Value::Object(fields))
    }
}

fn object(name: &str, value: Option<Value>) -> Result<Map<String, Value>, Fault> {
    match value {
        None => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields),
        Some(_) => Err(malformed(format!("`{name}` must be an object"))),
    }
}

fn malformed(message: impl Into<String>) -> Fault {
    Fault::new(Code::BadRequest, message)
}
