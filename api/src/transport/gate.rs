//! Refuses what the specification refuses, before anything runs.
//!
//! The executor accepts documents that are not valid, and finds out about
//! missing variables only when the first mutation of a document has been
//! committed. So each document is parsed, validated and measured here first,
//! and its variables are coerced. What passes is written anew, in a form in
//! which no two parsers can differ, and that text is what the executor gets.

mod canonical;
mod input_fields;
mod measure;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use apollo_compiler::{
    ExecutableDocument, Node, Schema,
    ast::OperationType,
    executable::Operation,
    parser::{Parser, SourceMap, SourceSpan},
    request::coerce_variable_values,
    response::JsonMap,
    validation::{DiagnosticList, Valid},
};
use moka::sync::Cache;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{
    fault::{Code, Fault, Faults, Location, internal},
    parameters::Parameters,
    settings::Limits,
};

/// How many faults of one document are told.
const FAULTS_MAX: usize = 5;

/// How deep the parser goes into values and selections before it gives up; the
/// depth of fields has its own limit.
const RECURSION_MAX: usize = 64;

/// The gate of one schema.
pub(super) struct Gate {
    schema: Valid<Schema>,
    limits: Limits,
    checked: Cache<[u8; 32], Checked>,
}

/// What is remembered of a document and one of its operations.
type Checked = Result<Arc<Prepared>, Faults>;

/// An operation that may run.
pub(super) struct Prepared {
    pub(super) kind: OperationType,
    /// The operation alone, with the fragments it uses.
    pub(super) text: String,
    /// Asks for the schema itself.
    pub(super) introspects: bool,
    pub(super) document: ExecutableDocument,
    pub(super) operation: Node<Operation>,
}

/// The schema's own text is not valid GraphQL.
#[derive(Debug, thiserror::Error)]
#[error("the schema is not valid GraphQL: {0}")]
pub struct SchemaError(String);

impl Gate {
    pub(super) fn try_new(sdl: &str, limits: Limits) -> Result<Self, SchemaError> {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql")
            .map_err(|it| SchemaError(it.errors.to_string()))?;
        let checked = Cache::builder()
            .weigher(|_, checked: &Checked| weight(checked))
            .max_capacity(limits.cache_bytes)
            .build();
        Ok(Self { schema, limits, checked })
    }

    /// Tells which operation is to run, and that it may with these variables.
    pub(super) fn admit(&self, parameters: &Parameters) -> Checked {
        let name = parameters.operation_name.as_deref();
        let prepared = self
            .checked
            .get_with(key(&parameters.query, name), || self.prepare(&parameters.query, name))?;
        self.coerce(&prepared, &parameters.variables)?;
        Ok(prepared)
    }

    fn prepare(&self, query: &str, name: Option<&str>) -> Checked {
        let document = self.parse(query)?;
        let operation = document.operations.get(name).map_err(|error| {
            Fault::new(Code::OperationResolutionFailure, error.message().to_string())
        })?;
        if let Some(faults) = Faults::from_list(input_fields::repeated(&document)) {
            return Err(faults);
        }
        measure::within(operation, &document, self.limits)?;
        Ok(Arc::new(canonical::write(operation, &document)))
    }

    fn parse(&self, query: &str) -> Result<Valid<ExecutableDocument>, Faults> {
        let mut parser =
            Parser::new().token_limit(self.limits.tokens).recursion_limit(RECURSION_MAX);
        let parsed = parser.parse_ast(query, "query");
        if parser.tokens_reached() > self.limits.tokens {
            let message = format!("the document has more than {} tokens", self.limits.tokens);
            return Err(Fault::new(Code::QueryTooExpensive, message).into());
        }
        if parser.recursion_reached() > RECURSION_MAX {
            return Err(
                Fault::new(Code::QueryTooExpensive, "the document is nested too deep").into()
            );
        }
        let syntax = parsed.map_err(|it| all(Code::GraphqlParseFailed, &it.errors))?;
        syntax
            .to_executable_validate(&self.schema)
            .map_err(|it| all(Code::GraphqlValidationFailed, &it.errors))
    }

    fn coerce(&self, prepared: &Prepared, variables: &Map<String, Value>) -> Result<(), Faults> {
        if prepared.operation.variables.is_empty() {
            return Ok(());
        }
        let variables: JsonMap =
            serde_json::from_value(Value::Object(variables.clone())).map_err(|it| internal(&it))?;
        coerce_variable_values(&self.schema, &prepared.operation, &variables)
            .map(drop)
            .map_err(|it| Fault::new(Code::BadUserInput, it.message().to_string()).into())
    }
}

fn key(query: &str, name: Option<&str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(name.map_or(0, |it| it.len() + 1).to_be_bytes());
    hash.update(name.unwrap_or_default());
    hash.update(query);
    hash.finalize().into()
}

/// What is remembered, in bytes: a typed document is some twenty times its text.
fn weight(checked: &Checked) -> u32 {
    let bytes = match checked {
        Ok(prepared) => prepared.text.len() * 20,
        Err(faults) => faults.to_json().len() * 2,
    };
    u32::try_from(bytes + 500).unwrap_or(u32::MAX)
}

fn all(code: Code, errors: &DiagnosticList) -> Faults {
    let faults = errors.iter().take(FAULTS_MAX).map(|it| {
        let start = it.line_column_range().map(|range| range.start);
        Fault::new(code, it.error.to_string())
            .at(start.map(|it| Location { line: it.line, column: it.column }))
    });
    Faults::from_list(faults.collect())
        .unwrap_or_else(|| Fault::new(code, "the document is not valid").into())
}

fn place(span: Option<SourceSpan>, sources: &SourceMap) -> Option<Location> {
    span.and_then(|it| it.line_column(sources))
        .map(|it| Location { line: it.line, column: it.column })
}
