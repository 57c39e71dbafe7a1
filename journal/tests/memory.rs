//! The journal in memory.

use std::sync::Arc;

use journal::{Memory, conformance::Opened};

journal::conformance_tests!(open);

fn open() -> std::future::Ready<Opened> {
    std::future::ready(Opened { journal: Arc::new(Memory::default()), keep: Box::new(()) })
}
