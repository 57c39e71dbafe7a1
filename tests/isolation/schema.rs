//! Writes an operation for any field of the schema, with somebody else's ids
//! wherever an id fits.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use app::system::now;
use serde_json::{Map, Value, json};

use crate::world::Caller;

/// How deep a selection goes.
const DEPTH: usize = 4;

/// How far around now one looks, where it may not be far.
const DAY: Duration = Duration::from_hours(24);

/// What nobody has, where an id must be that is none of a file, or one of a file.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const INTROSPECTION: &str = "{ __schema { \
    queryType { name } mutationType { name } subscriptionType { name } \
    types { kind name possibleTypes { name } enumValues { name } \
        fields { name args { name type { ...T } } type { ...T } } \
        inputFields { name type { ...T } } } } } \
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name \
        ofType { kind name } } } } }";

/// The schema, as it describes itself.
pub(super) struct Schema {
    types: BTreeMap<String, Value>,
    roots: Value,
}

/// A field of a root, with all that may be said to it.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) name: String,
    described: Value,
}

/// An operation, ready to be sent.
pub(super) struct Operation {
    /// What is asked for, by whichever id.
    pub(super) name: String,
    pub(super) query: String,
    pub(super) variables: Value,
}

impl Schema {
    pub(super) async fn of(caller: &Caller) -> anyhow::Result<Self> {
        let mut data = caller.ask(INTROSPECTION, json!({})).await?;
        let roots = data["__schema"].take();
        let types = roots["types"].as_array().context("types")?;
        let named = |it: &Value| Some((it["name"].as_str()?.to_owned(), it.clone()));
        Ok(Self { types: types.iter().filter_map(named).collect(), roots })
    }

    /// The fields of `queryType`, `mutationType` or `subscriptionType`.
    pub(super) fn fields(&self, root: &str) -> anyhow::Result<Vec<Field>> {
        let name = self.roots[root]["name"].as_str().context("the root's name")?;
        let fields = self.types[name]["fields"].as_array().context("its fields")?;
        Ok(fields
            .iter()
            .map(|it| Field {
                name: it["name"].as_str().unwrap_or_default().to_owned(),
                described: it.clone(),
            })
            .collect())
    }

    /// Asks `field` for all that it has, with each of these ids wherever it fits, and once if none
    /// does: through no filter, since what a filter hides is not asked for, and through each part of
    /// one that takes an id.
    pub(super) fn operations(&self, kind: &str, field: &Field, ids: &[String]) -> Vec<Operation> {
        let mut filters = vec![None];
        let arguments = list(&field.described["args"]).map(|it| &it["type"]);
        for filter in arguments.filter(|it| is_filter(it)) {
            let parts = list(&self.types[named(filter)]["inputFields"]);
            let by_id = parts.filter(|it| named(&it["type"]) == "ID");
            filters.extend(by_id.filter_map(|it| it["name"].as_str()).map(Some));
        }
        let mut operations = Vec::new();
        for filter in filters {
            let of = |id: &String| (id.clone(), self.operation(kind, field, id, filter));
            let (with_it, without): (Vec<_>, Vec<_>) =
                ids.iter().map(of).partition(|(id, it)| it.variables.to_string().contains(id));
            let none_fits = with_it.is_empty();
            operations.extend(with_it.into_iter().map(|it| it.1));
            operations.extend(without.into_iter().map(|it| it.1).take(usize::from(none_fits)));
        }
        operations
    }

    fn operation(&self, kind: &str, field: &Field, id: &str, filter: Option<&str>) -> Operation {
        let mut variables = Map::new();
        let (mut declared, mut passed) = (Vec::new(), Vec::new());
        for argument in list(&field.described["args"]) {
            let name = argument["name"].as_str().unwrap_or_default();
            let value = match filter {
                _ if !is_filter(&argument["type"]) => self.value(name, &argument["type"], id, true),
                Some(part) if is_uuid(id) => Some(json!({ part: id })),
                Some(_) | None => None,
            };
            let Some(value) = value else { continue };
            declared.push(format!("${name}: {}", written(&argument["type"])));
            passed.push(format!("{name}: ${name}"));
            variables.insert(name.to_owned(), value);
        }
        let around = |parts: Vec<String>| {
            if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) }
        };
        let selection = self.selection(&field.described["type"], DEPTH);
        let query = format!(
            "{kind} Walk{} {{ {}{}{selection} }}",
            around(declared),
            field.name,
            around(passed)
        );
        let by = filter.map(|it| format!(" by {it}")).unwrap_or_default();
        Operation { name: format!("{}{by}", field.name), query, variables: variables.into() }
    }

    /// What one could say there; `None` leaves it out.
    fn value(&self, name: &str, described: &Value, id: &str, wanted: bool) -> Option<Value> {
        match described["kind"].as_str()? {
            "NON_NULL" => self.value(name, &described["ofType"], id, true),
            "LIST" => {
                self.value(name, &described["ofType"], id, wanted).map(|it| Value::Array(vec![it]))
            }
            "ENUM" if wanted => {
                let named = &self.types[described["name"].as_str()?];
                Some(named["enumValues"][0]["name"].clone())
            }
            "INPUT_OBJECT" => Some(self.input(described["name"].as_str()?, id)),
            "SCALAR" => scalar(name, described["name"].as_str()?, id, wanted),
            _ => None,
        }
    }

    /// What must be there, and every optional id that fits.
    fn input(&self, name: &str, id: &str) -> Value {
        let mut object = Map::new();
        for field in list(&self.types[name]["inputFields"]) {
            let name = field["name"].as_str().unwrap_or_default();
            let required = field["type"]["kind"] == "NON_NULL";
            let nested = described_kind(&field["type"]) == "INPUT_OBJECT";
            if nested && !required {
                continue;
            }
            if let Some(value) = self.value(name, &field["type"], id, required) {
                object.insert(name.to_owned(), value);
            }
        }
        object.into()
    }

    /// All that can be asked for without saying more.
    fn selection(&self, described: &Value, depth: usize) -> String {
        let name = named(described);
        let found = &self.types[name];
        match found["kind"].as_str() {
            Some("OBJECT") => format!(" {{ {} }}", self.members(name, depth)),
            Some("INTERFACE" | "UNION") => {
                // Fields of one name must be of one kind, whatever the type.
                let mut told = BTreeMap::new();
                let parts: Vec<String> = list(&found["possibleTypes"])
                    .filter_map(|it| it["name"].as_str())
                    .enumerate()
                    .map(|(place, it)| {
                        let members = self.members_once(it, depth, &mut told, place);
                        format!("... on {it} {{ {members} }}")
                    })
                    .collect();
                format!(" {{ __typename {} }}", parts.join(" "))
            }
            _ => String::new(),
        }
    }

    fn members(&self, name: &str, depth: usize) -> String {
        self.members_once(name, depth, &mut BTreeMap::new(), 0)
    }

    /// Renames only what another type has under the same name as another kind.
    fn members_once(
        &self,
        name: &str,
        depth: usize,
        told: &mut BTreeMap<String, String>,
        place: usize,
    ) -> String {
        let mut parts = vec!["__typename".to_owned()];
        for field in list(&self.types[name]["fields"]) {
            let asks = list(&field["args"]).any(|it| it["type"]["kind"] == "NON_NULL");
            let composed = ["OBJECT", "INTERFACE", "UNION"]
                .contains(&self.types[named(&field["type"])]["kind"].as_str().unwrap_or_default());
            if asks || (composed && depth == 0) {
                continue;
            }
            let field_name = field["name"].as_str().unwrap_or_default();
            let kind = written(&field["type"]);
            let before = told.entry(field_name.to_owned()).or_insert_with(|| kind.clone());
            let alias =
                if *before == kind { String::new() } else { format!("{field_name}_{place}: ") };
            let few = list(&field["args"]).any(|it| it["name"] == "first");
            let few = if few { "(first: 5)" } else { "" };
            // What is under the edges of a list is under its nodes too.
            let again = field_name == "edges"
                && list(&self.types[name]["fields"]).any(|it| it["name"] == "nodes");
            let depth = if again { 0 } else { depth.saturating_sub(1) };
            let below = self.selection(&field["type"], depth);
            parts.push(format!("{alias}{field_name}{few}{below}"));
        }
        parts.join(" ")
    }
}

fn scalar(name: &str, kind: &str, id: &str, wanted: bool) -> Option<Value> {
    let lower = name.to_lowercase();
    let names_file = ["sha256", "template"].iter().any(|it| lower.contains(it));
    let names_something =
        kind == "ID" || names_file || ["id", "owner", "email"].iter().any(|it| lower.contains(it));
    match kind {
        "String" if lower.contains("email") => Some("ann@example.org".into()),
        "ID" => Some(if is_uuid(id) { id } else { NOBODY }.into()),
        "String" if names_file => Some(if is_uuid(id) { NOTHING } else { id }.into()),
        "String" if names_something && lower != "idempotencykey" => {
            Some(if is_uuid(id) { id } else { NOBODY }.into())
        }
        _ if !wanted => None,
        "String" if lower.contains("url") || name == "seeds" => Some("http://127.0.0.1:9/".into()),
        "String" if name == "languages" => Some("fr".into()),
        "String" => Some("anything".into()),
        // The first page of a crawl, and however little a page says.
        "Int" | "Long" if name == "number" || lower.starts_with("min") => Some(0.into()),
        "Int" | "Long" => (name != "last").then(|| 5.into()),
        "Float" => Some(0.into()),
        "Boolean" => Some((!lower.ends_with("only")).into()),
        "Position" => (lower != "atleast").then(|| "0".into()),
        "DateTime" if name == "from" => Some((now() - DAY).to_rfc3339().into()),
        "DateTime" if name == "to" => Some((now() + DAY).to_rfc3339().into()),
        "DateTime" => Some("2031-01-01T00:00:00Z".into()),
        _ => Some(json!({})),
    }
    .filter(|_| wanted || names_something)
    .filter(|_| !["before", "last", "after", "atLeast"].contains(&name) || kind == "Position")
}

/// Whether it names something, and not a file.
fn is_uuid(id: &str) -> bool {
    id.len() == NOBODY.len()
}

/// Whether it narrows what one sees, and may be left out.
fn is_filter(described: &Value) -> bool {
    described["kind"] == "INPUT_OBJECT"
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn named(described: &Value) -> &str {
    match described["name"].as_str() {
        Some(name) if described["ofType"].is_null() => name,
        _ => named(&described["ofType"]),
    }
}

fn described_kind(described: &Value) -> &str {
    if described["ofType"].is_null() {
        described["kind"].as_str().unwrap_or_default()
    } else {
        described_kind(&described["ofType"])
    }
}

/// A type, as one writes it.
fn written(described: &Value) -> String {
    match described["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", written(&described["ofType"])),
        Some("LIST") => format!("[{}]", written(&described["ofType"])),
        _ => described["name"].as_str().unwrap_or_default().to_owned(),
    }
}
