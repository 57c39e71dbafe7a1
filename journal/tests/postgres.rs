//! The journal on Postgres.

mod world;
mod processes;
mod folds;
mod keys;
mod durability;
mod recovery;
mod partitions;
mod tail;

use std::sync::Arc;

use journal::conformance::Opened;

use self::world::World;

journal::conformance_tests!(open);

async fn open() -> Opened {
    let world = World::new().await;
    Opened { journal: Arc::new(world.open().await), keep: Box::new(world) }
}
