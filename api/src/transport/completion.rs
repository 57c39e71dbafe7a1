//! Puts back the nulls that the executor drops.
//!
//! Where a field fails, the specification wants null in its place or, if it
//! cannot be null, in that of its nearest nullable ancestor. The executor
//! leaves the failed field out, nullable or not, and an object none of whose
//! fields came out is null as a whole. Which object was there can be read from
//! the paths of the errors, and what may be null from the operation. This runs
//! only on answers that have errors.

#[cfg(test)]
mod tests;

use apollo_compiler::{
    ExecutableDocument,
    ast::Type,
    executable::{Field, Operation, Selection, SelectionSet},
};
use async_graphql::{Name, PathSegment, Response, Value};

use super::gate::Prepared;

/// Makes `data` what the specification wants it to be, given the errors.
pub(super) fn complete(response: &mut Response, prepared: &Prepared) {
    let paths = response.errors.iter().map(|it| it.path.as_slice());
    for hole in outermost(paths.filter_map(|path| hole(path, prepared))) {
        dig(&mut response.data, hole, &[&prepared.operation.selection_set], &prepared.document);
    }
}

/// Where the failure at `path` leaves a null: the longest part of the path that may be null.
fn hole<'a>(path: &'a [PathSegment], prepared: &Prepared) -> Option<&'a [PathSegment]> {
    let Operation { selection_set, .. } = &*prepared.operation;
    let mut sets = vec![selection_set];
    let mut ty: Option<&Type> = None;
    let mut nullable = 0; // `data` itself
    for (depth, segment) in (1..).zip(path) {
        match segment {
            PathSegment::Field(key) => {
                let fields = selected(&sets, key, &prepared.document);
                ty = Some(&fields.first()?.definition.ty);
                sets = inside(&fields);
            }
            PathSegment::Index(_) => ty = ty.map(Type::item_type),
        }
        if ty.is_some_and(|it| !it.is_non_null()) {
            nullable = depth;
        }
    }
    if path.is_empty() { None } else { Some(&path[..nullable]) }
}

/// The holes that are in no other hole.
fn outermost<'a>(holes: impl Iterator<Item = &'a [PathSegment]>) -> Vec<&'a [PathSegment]> {
    let mut holes: Vec<_> = holes.collect();
    holes.sort_by_key(|it| it.len());
    let mut kept: Vec<&[PathSegment]> = Vec::new();
    for hole in holes {
        if !kept.iter().any(|outer| hole.starts_with(outer)) {
            kept.push(hole);
        }
    }
    kept
}

/// Writes null at `hole`, and on the way there makes the objects that vanished.
fn dig(
    value: &mut Value,
    hole: &[PathSegment],
    sets: &[&SelectionSet],
    document: &ExecutableDocument,
) {
    let Some((segment, rest)) = hole.split_first() else {
        *value = Value::Null;
        return;
    };
    match segment {
        PathSegment::Field(key) => {
            if *value == Value::Null {
                *value = Value::Object(async_graphql::indexmap::IndexMap::new());
            }
            if let Value::Object(fields) = value {
                let child = fields.entry(Name::new(key)).or_insert(Value::Null);
                dig(child, rest, &inside(&selected(sets, key, document)), document);
                let order = order(sets, document);
                fields.sort_by_key(|name, _| order.iter().position(|it| *it == name.as_str()));
            }
        }
        PathSegment::Index(index) => {
            if let Value::List(items) = value
                && let Some(item) = items.get_mut(*index)
            {
                dig(item, rest, sets, document);
            }
        }
    }
}

/// The fields that answer under `key`.
fn selected<'a>(
    sets: &[&'a SelectionSet],
    key: &str,
    document: &'a ExecutableDocument,
) -> Vec<&'a Field> {
    let mut fields = Vec::new();
    for set in sets {
        visit(set, document, &mut |field| fields.push(field));
    }
    fields.retain(|it| it.response_name() == key);
    fields
}

fn inside<'a>(fields: &[&'a Field]) -> Vec<&'a SelectionSet> {
    fields.iter().filter_map(|it| it.selection_set.as_ref()).collect()
}

/// The keys of an object in the order in which they were asked for.
fn order<'a>(sets: &[&'a SelectionSet], document: &'a ExecutableDocument) -> Vec<&'a str> {
    let mut keys = Vec::new();
    for set in sets {
        visit(set, document, &mut |field| keys.push(field.response_name().as_str()));
    }
    keys
}

fn visit<'a>(
    set: &'a SelectionSet,
    document: &'a ExecutableDocument,
    see: &mut impl FnMut(&'a Field),
) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => see(field),
            Selection::InlineFragment(inline) => visit(&inline.selection_set, document, see),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.fragment_name) {
                    visit(&fragment.selection_set, document, see);
                }
            }
        }
    }
}
