//! How much a document asks for, before anything is spent on it.
//!
//! A fragment is written once and may be spread many times, and fragments
//! spread fragments: the size of what runs can be exponential in the size of
//! what was sent. Each fragment is therefore measured once, and its measure
//! added wherever it is spread.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, Name,
    executable::{Field, Operation, Selection, SelectionSet},
};

use crate::transport::{
    fault::{Code, Fault},
    settings::Limits,
};

/// Fields of the introspection types that answer with lists, and so multiply.
const INTROSPECTION_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// Refuses an operation that asks for more than the limits.
pub(super) fn within(
    operation: &Operation,
    document: &ExecutableDocument,
    limits: Limits,
) -> Result<(), Fault> {
    let mut ruler = Ruler { document, fragments: HashMap::new() };
    let measure = ruler.selections(&operation.selection_set);
    let asked_and_allowed = [
        ("levels of fields", measure.depth, limits.depth),
        ("fields", measure.fields, limits.fields),
        ("aliases", measure.aliases, limits.aliases),
        ("directives on one field", measure.directives, limits.directives),
        ("levels of introspection", measure.introspection, limits.introspection),
    ];
    for (what, asked, limit) in asked_and_allowed {
        if asked > limit {
            let message = format!("the operation asks for {asked} {what}; the limit is {limit}");
            return Err(Fault::new(Code::QueryTooExpensive, message)
                .with("asked", asked)
                .with("limit", limit));
        }
    }
    Ok(())
}

/// What selections ask for. Depths are the greatest, counts the sum, of what they are made of.
#[derive(Clone, Copy, Default)]
struct Measure {
    depth: usize,
    fields: usize,
    aliases: usize,
    directives: usize,
    introspection: usize,
}

impl Measure {
    fn beside(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.max(other.directives),
            introspection: self.introspection.max(other.introspection),
        }
    }
}

struct Ruler<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a Name, Measure>,
}

impl<'a> Ruler<'a> {
    fn selections(&mut self, set: &'a SelectionSet) -> Measure {
        set.selections.iter().fold(Measure::default(), |sum, selection| {
            let mut measure = match selection {
                Selection::Field(field) => self.field(field, &set.ty),
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            };
            measure.directives = measure.directives.max(selection.directives().len());
            sum.beside(measure)
        })
    }

    fn field(&mut self, field: &'a Field, parent: &Name) -> Measure {
        let inside = field.selection_set.as_ref().map(|it| self.selections(it)).unwrap_or_default();
        let multiplies =
            parent.starts_with("__") && INTROSPECTION_LISTS.contains(&field.name.as_str());
        Measure {
            depth: inside.depth + 1,
            fields: inside.fields.saturating_add(1),
            aliases: inside.aliases.saturating_add(usize::from(field.alias.is_some())),
            directives: inside.directives,
            introspection: inside.introspection + usize::from(multiplies),
        }
    }

    /// A valid document has no cycles of fragments, so this ends.
    fn fragment(&mut self, name: &'a Name) -> Measure {
        if let Some(known) = self.fragments.get(name) {
            return *known;
        }
        let fragment = self.document.fragments.get(name);
        let measure = fragment.map(|it| self.selections(&it.selection_set)).unwrap_or_default();
        self.fragments.insert(name, measure);
        measure
    }
}
