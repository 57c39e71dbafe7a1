//! The journal in memory.

use std::sync::Arc;

use journal::{Memory, conformance::Opened};

journal::conformance_tests!(open);

async fn open() -> Opened {
    Opened { journal: Arc::new(Memory::default()), keep: Box::new(()) }
}
