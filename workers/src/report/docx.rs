//! Word documents: the package that they come in, the text in it, and a
//! template that is filled.
//!
//! A document is what its content types say, whatever it is called. What is
//! changed is changed in place: every byte that no placeholder touches stays
//! as it was.

mod package;
mod paragraph;
mod template;
mod text;
mod wordml;

pub(super) use package::{PackageFault, is_package};
pub(super) use template::{Template, TemplateFault, said};
pub(super) use text::text;
