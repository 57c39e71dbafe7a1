//! The document as a contract: clients are made from the text that is checked in.

use std::collections::BTreeSet;

use expect_test::expect_file;

use super::*;

/// Accept a change with `UPDATE_EXPECT=1 cargo test`.
#[test]
fn the_document_is_what_was_agreed_upon() {
    expect_file!["../../../openapi.json"].assert_eq(&text());
}

#[test]
fn the_document_tells_of_every_route_and_of_no_other() {
    let document = document();
    let mut told = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let who = operation["x-greffe-who"].as_str().unwrap();
            told.insert((method.to_uppercase(), path.clone(), who.to_owned()));
        }
    }
    let all = Route::ALL
        .iter()
        .map(|it| (it.method().to_string(), it.path().to_owned(), it.who().word().to_owned()));
    assert_eq!(told, all.collect());
    assert_eq!(told.len(), Route::ALL.len());
}

/// Whatever is named is there, and whatever is there is named.
#[test]
fn the_document_names_what_it_defines() {
    let document = document();
    let mut named = BTreeSet::new();
    references(&document, &mut named);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let headers = document["components"]["headers"].as_object().unwrap();
    let defined = schemas.keys().map(|it| format!("#/components/schemas/{it}"));
    let defined = defined.chain(headers.keys().map(|it| format!("#/components/headers/{it}")));
    assert_eq!(named, defined.collect());
    let ways_in = document["components"]["securitySchemes"].as_object().unwrap();
    for operation in operations(&document) {
        let shown = operation["security"].as_array().unwrap();
        let mut shown = shown.iter().flat_map(|it| it.as_object().unwrap().keys());
        assert!(shown.all(|it| ways_in.contains_key(it)), "{operation:#}");
        // A parameter of the path that is not described cannot be given.
        let described = operation["parameters"].as_array().into_iter().flatten();
        let described = described.filter(|it| it["in"] == "path").count();
        let path = path_of(&document, operation);
        assert_eq!(described, path.matches('{').count(), "{path}");
    }
}

#[test]
fn the_examples_are_what_the_document_says() {
    let document = document();
    let mut seen = 0;
    for operation in operations(&document) {
        let answers = operation["responses"].as_object().unwrap().values();
        for part in answers.chain([&operation["requestBody"]]) {
            for content in part["content"].as_object().into_iter().flat_map(|it| it.values()) {
                let Some(example) = content.get("example") else { continue };
                let place = operation["operationId"].as_str().unwrap();
                fits(&document, &content["schema"], example, place);
                seen += 1;
            }
        }
    }
    assert!(12 < seen, "there are {seen} examples");
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().unwrap().values();
    paths.flat_map(|it| it.as_object().unwrap().values())
}

fn path_of<'a>(document: &'a Value, operation: &Value) -> &'a str {
    let paths = document["paths"].as_object().unwrap();
    let has = |methods: &Value| methods.as_object().unwrap().values().any(|it| it == operation);
    paths.iter().find(|(_, methods)| has(methods)).unwrap().0
}

fn references(value: &Value, named: &mut BTreeSet<String>) {
    if let Some(name) = value.get("$ref").and_then(Value::as_str) {
        named.insert(name.to_owned());
    }
    let members = value.as_object().into_iter().flat_map(|it| it.values());
    members.chain(value.as_array().into_iter().flatten()).for_each(|it| references(it, named));
}

/// As far as our schemas go: types, fields, words and items.
fn fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let schema = document.pointer(&name[1..]).unwrap();
        return fits(document, schema, value, place);
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let null = choices.iter().any(|it| it["type"] == "null");
        let other = choices.iter().find(|it| it["type"] != "null").unwrap();
        if !(null && value.is_null()) {
            fits(document, other, value, place);
        }
        return;
    }
    if let Some(words) = schema.get("oneOf").and_then(Value::as_array) {
        let is = |it: &Value| {
            it["const"] == *value || it["enum"].as_array().is_some_and(|it| it.contains(value))
        };
        assert!(words.iter().any(is), "{place}: {value}");
        return;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = schema.get("type").cloned().unwrap_or(json!(kind));
    let is_one = kinds == kind || kinds.as_array().is_some_and(|it| it.contains(&json!(kind)));
    assert!(is_one, "{place}: {value} is no {kinds}");
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        assert!(words.contains(value), "{place}: {value}");
    }
    let required = schema["required"].as_array().filter(|_| value.is_object());
    for field in required.into_iter().flatten() {
        assert!(value.get(field.as_str().unwrap()).is_some(), "{place}: {field} in {value}");
    }
    let fields = schema["properties"].as_object();
    let open = schema.get("additionalProperties").is_some();
    for (name, value) in value.as_object().into_iter().flatten() {
        match fields.and_then(|it| it.get(name)) {
            Some(schema) => fits(document, schema, value, &format!("{place}/{name}")),
            None => assert!(open || fields.is_none(), "{place}: nobody told of {name}"),
        }
    }
    for (index, value) in value.as_array().into_iter().flatten().enumerate() {
        fits(document, &schema["items"], value, &format!("{place}/{index}"));
    }
}
