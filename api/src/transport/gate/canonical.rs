//! Writes an admitted operation anew: alone, with the fragments it uses,
//! without descriptions and escapes.
//!
//! The executor's own parser is older than the specification, and looks only at
//! plain fields at the root of a subscription: fragments there are dissolved.

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    collections::IndexMap,
    executable::{Fragment, Operation, Selection, SelectionSet},
};

use super::Prepared;

/// What the executor gets of `operation`.
pub(super) fn write(operation: &Node<Operation>, source: &ExecutableDocument) -> Prepared {
    let introspects = operation
        .root_fields(source)
        .any(|field| matches!(field.name.as_str(), "__schema" | "__type"));
    let mut operation = operation.clone();
    undescribe(operation.make_mut());
    if operation.is_subscription() {
        operation.make_mut().selection_set = dissolved(&operation, source);
    }
    let mut fragments = IndexMap::default();
    gather(&operation.selection_set, source, &mut fragments);

    // Without the text it was read from, which may be mostly comments: this is
    // remembered, and weighed by `text`.
    let mut document = ExecutableDocument::new();
    document.operations.insert(operation.clone());
    document.fragments = fragments;
    Prepared {
        kind: operation.operation_type,
        text: document.serialize().no_indent().to_string(),
        introspects,
        document,
        operation,
    }
}

fn undescribe(operation: &mut Operation) {
    operation.description = None;
    for variable in &mut operation.variables {
        variable.make_mut().description = None;
    }
}

/// The one root field of a subscription: the validator has seen to it that it
/// is mentioned once, and always.
fn dissolved(operation: &Operation, source: &ExecutableDocument) -> SelectionSet {
    let mut set = SelectionSet::new(operation.selection_set.ty.clone());
    set.selections.extend(operation.root_fields(source).take(1).cloned().map(Selection::Field));
    set
}

/// Collects the fragments that `set` spreads, and those that they spread.
fn gather(
    set: &SelectionSet,
    source: &ExecutableDocument,
    found: &mut IndexMap<Name, Node<Fragment>>,
) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => {
                field.selection_set.iter().for_each(|it| gather(it, source, found));
            }
            Selection::InlineFragment(inline) => gather(&inline.selection_set, source, found),
            Selection::FragmentSpread(spread) => {
                let name = &spread.fragment_name;
                if found.contains_key(name) {
                    continue;
                }
                if let Some(fragment) = source.fragments.get(name) {
                    let mut plain = fragment.clone();
                    plain.make_mut().description = None;
                    found.insert(name.clone(), plain);
                    gather(&fragment.selection_set, source, found);
                }
            }
        }
    }
}
