//! Builds the crate again when GraphiQL's files, which are part of the binary, have changed.

use std::path::Path;

fn main() {
    // A path that does not exist would count as changed in every build.
    let dist = Path::new("graphiql/dist");
    let watched = if dist.exists() { dist } else { Path::new("graphiql") };
    println!("cargo::rerun-if-changed={}", watched.display());
    println!("cargo::rerun-if-changed=build.rs");
}
