//! *Input object fields must be unique*: the one rule of the specification that
//! the validator does not know.

use std::collections::HashSet;

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::{Argument, DirectiveList, Value},
    executable::{Selection, SelectionSet},
};

use crate::transport::fault::{Code, Fault};

/// Every field of an input object that is given twice.
pub(super) fn repeated(document: &ExecutableDocument) -> Vec<Fault> {
    let mut search = Search { document, faults: Vec::new() };
    for operation in document.operations.iter() {
        search.directives(&operation.directives);
        for variable in &operation.variables {
            search.directives(&variable.directives);
            if let Some(default) = &variable.default_value {
                search.value(default);
            }
        }
        search.selections(&operation.selection_set);
    }
    for fragment in document.fragments.values() {
        search.directives(&fragment.directives);
        search.selections(&fragment.selection_set);
    }
    search.faults
}

struct Search<'a> {
    document: &'a ExecutableDocument,
    faults: Vec<Fault>,
}

impl Search<'_> {
    fn selections(&mut self, set: &SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments);
                    field.selection_set.iter().for_each(|it| self.selections(it));
                }
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set),
                Selection::FragmentSpread(_) => {} // each fragment is searched once, on its own
            }
        }
    }

    fn directives(&mut self, directives: &DirectiveList) {
        for directive in directives {
            self.arguments(&directive.arguments);
        }
    }

    fn arguments(&mut self, arguments: &[Node<Argument>]) {
        for argument in arguments {
            self.value(&argument.value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                let mut seen = HashSet::new();
                for (name, value) in fields {
                    if !seen.insert(name) {
                        self.faults.push(self.fault(name));
                    }
                    self.value(value);
                }
            }
            Value::List(items) => items.iter().for_each(|it| self.value(it)),
            Value::Null
            | Value::Enum(_)
            | Value::Variable(_)
            | Value::String(_)
            | Value::Float(_)
            | Value::Int(_)
            | Value::Boolean(_) => {}
        }
    }

    fn fault(&self, name: &Name) -> Fault {
        let message = format!("the input field `{name}` is given more than once");
        Fault::new(Code::GraphqlValidationFailed, message)
            .at(super::place(name.location(), &self.document.sources))
    }
}
