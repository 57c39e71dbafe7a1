//! The schema as a contract: clients are made from the text that is checked in.

use std::collections::BTreeMap;

use apollo_compiler::{
    Name, Node, Schema,
    ast::InputValueDefinition,
    collections::IndexMap,
    schema::{ExtendedType, FieldDefinition},
};
use expect_test::expect_file;

use crate::graphql::sdl;

fn parsed() -> Schema {
    Schema::parse(sdl(), "schema.graphql").unwrap()
}

/// Accept a change with `UPDATE_EXPECT=1 cargo test`.
#[test]
fn the_schema_is_what_was_agreed_upon() {
    expect_file!["../../../schema.graphql"].assert_eq(&sdl());
}

#[test]
fn everything_in_the_schema_says_what_it_is() {
    let schema = parsed();
    let mut silent = Vec::new();
    for (name, ty) in schema.types.iter().filter(|(_, it)| !it.is_built_in()) {
        if ty.description().is_none() {
            silent.push(name.to_string());
        }
        match ty {
            ExtendedType::Object(it) => silent_fields(name, &it.fields, &mut silent),
            ExtendedType::Interface(it) => silent_fields(name, &it.fields, &mut silent),
            ExtendedType::InputObject(it) => {
                let fields = it.fields.values().filter(|it| it.description.is_none());
                silent.extend(fields.map(|it| format!("{name}.{}", it.name)));
            }
            ExtendedType::Enum(it) => {
                let values = it.values.values().filter(|it| it.description.is_none());
                silent.extend(values.map(|it| format!("{name}.{}", it.value)));
            }
            ExtendedType::Union(_) | ExtendedType::Scalar(_) => {}
        }
    }
    assert!(silent.is_empty(), "without a description: {silent:#?}");
}

fn silent_fields(
    name: &Name,
    fields: &IndexMap<Name, Node<FieldDefinition>>,
    silent: &mut Vec<String>,
) {
    for field in fields.values() {
        if field.description.is_none() {
            silent.push(format!("{name}.{}", field.name));
        }
        let arguments = field.arguments.iter().filter(|it| it.description.is_none());
        let spell = |it: &Node<InputValueDefinition>| format!("{name}.{}({})", field.name, it.name);
        silent.extend(arguments.map(spell));
    }
}

/// What every kind of job has is written once for the interface and once for the kinds.
#[test]
fn the_interface_says_of_its_fields_what_the_kinds_say() {
    let schema = parsed();
    let described = |name: &str| -> BTreeMap<String, String> {
        let fields = match &schema.types[name] {
            ExtendedType::Object(it) => &it.fields,
            ExtendedType::Interface(it) => &it.fields,
            ExtendedType::Scalar(_)
            | ExtendedType::Union(_)
            | ExtendedType::Enum(_)
            | ExtendedType::InputObject(_) => panic!("{name} has no fields"),
        };
        fields.values().map(|it| (it.name.to_string(), it.to_string())).collect()
    };
    let interface = described("Job");
    for kind in ["Task", "Crawl", "Report"] {
        let kind = described(kind);
        for (name, field) in &interface {
            assert_eq!(kind.get(name), Some(field), "{name}");
        }
    }
}

/// A sentence about who may use it belongs to every root field; another test sees to it that it is
/// true.
#[test]
fn every_root_field_says_who_may_use_it() {
    let schema = parsed();
    let mut silent = Vec::new();
    for root in ["Query", "Mutation", "Subscription"] {
        for (name, field) in &schema.get_object(root).unwrap().fields {
            let description = field.description.as_deref().unwrap_or_default().replace('\n', " ");
            let says = ["Public", "For those who have signed in", "For admins"];
            if !says.iter().any(|it| description.contains(it)) {
                silent.push(format!("{root}.{name}"));
            }
        }
    }
    assert!(silent.is_empty(), "these do not say who may use them: {silent:#?}");
}

/// Must never: a request that says where this server is to look, or whom it is
/// to call.
#[test]
fn no_part_of_what_a_report_is_asked_for_with_is_an_address_or_a_path() {
    let schema = parsed();
    let (mut left, mut seen) = (vec!["RequestReportInput".to_owned()], Vec::new());
    while let Some(name) = left.pop() {
        let Some(ExtendedType::InputObject(it)) = schema.types.get(name.as_str()) else { continue };
        for field in it.fields.values() {
            left.push(field.ty.inner_named_type().to_string());
            seen.push(format!("{name}.{}", field.name));
        }
    }
    assert!(20 < seen.len(), "{seen:?}");
    let words = ["address", "dir", "endpoint", "file", "folder", "host", "model", "path", "url"];
    let named = |it: &&String| {
        let field = it.split('.').next_back().unwrap_or_default().to_lowercase();
        words.iter().any(|word| field.contains(word))
    };
    assert_eq!(seen.iter().find(named), None);
}
