//! How far everybody has come who follows the journal.

use commands::Wishes;
use projections::{Projection, job_list::JobList, schema};

use super::world::World;

async fn lowest(world: &World) -> u64 {
    world.checkpoints.lowest().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lowest_is_the_last_of_those_that_follow() {
    let world = World::new().await;
    for _ in 0..3 {
        world.create("checksum", Wishes::default()).await;
    }
    let head = world.head().await;
    assert_eq!(lowest(&world).await, 0, "nobody has come to follow yet");
    let following = world.follow();
    world.caught_up().await;
    following.stopped().await;
    assert_eq!(lowest(&world).await, head);
    for one in schema::ALL.iter().filter(|it| !schema::is_inline(it)) {
        let put = |to: u64| {
            format!("update projection set checkpoint = {to} where name = '{}'", one.name)
        };
        world.execute(&put(1)).await;
        assert_eq!(lowest(&world).await, 1, "{} lags behind", one.name);
        world.execute(&put(head)).await;
    }
    // Whoever else answers events, as the keeper of files does.
    world
        .execute("insert into projection (name, version, checkpoint) values ('other', 1, 2)")
        .await;
    assert_eq!(lowest(&world).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_version_has_left_behind_holds_nobody_up() {
    let world = World::new().await;
    world.create("checksum", Wishes::default()).await;
    let following = world.follow();
    world.caught_up().await;
    following.stopped().await;
    let head = world.head().await;
    let other = JobList::TABLES.version + 1;
    world
        .execute(&format!("insert into projection (name, version) values ('job_list', {other})"))
        .await;
    // Tables that move with the append have no checkpoint that moves.
    let standing = "select count(*) from projection where checkpoint = 0";
    assert!(1 < world.count(standing).await);
    assert_eq!(lowest(&world).await, head);
}
