//! What comes in: whole, or not at all.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use artifacts::ArtifactError;
use bytes::Bytes;
use futures::{StreamExt, stream};

use crate::world::{World, chunked, t};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn the_same_content_is_stored_once_and_named_by_its_hash() {
    let world = World::open().await;
    let first = world.put(b"abc", t(0)).await;
    let again = world.artifacts.put(chunked(vec![b"a".into(), b"bc".into()]), 3, t(1)).await;
    assert_eq!(first, again.unwrap());
    assert_eq!(first.bytes, 3);
    assert!(
        world
            .path(first)
            .ends_with("ba/78/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    );
    assert_eq!(world.files(), [world.path(first)]);
    assert_eq!(world.count("select count(*) from artifact").await, 1);
}

/// Larger than what is held in memory, so that it is written in parts.
#[tokio::test]
async fn a_large_file_comes_back_as_it_was() {
    let world = World::open().await;
    let chunks: Vec<Vec<u8>> = (0..13_u8).map(|it| vec![it; MIB + usize::from(it)]).collect();
    let whole = chunks.concat();
    let stored = world.artifacts.put(chunked(chunks), u64::MAX, t(0)).await.unwrap();
    assert_eq!(stored.bytes, whole.len() as u64);
    assert!(world.content(stored).await.unwrap() == whole, "the content is another");
    assert!(world.artifacts.read(&stored.sha256, u64::MAX).await.unwrap() == whole);
}

#[tokio::test]
async fn a_file_without_end_is_cut_off_at_the_limit() {
    let world = World::open().await;
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let chunk = Bytes::from(vec![7; 64 * 1024]);
    let endless = stream::repeat_with(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok::<_, io::Error>(chunk.clone())
    });
    let bytes_max = 12 * MIB as u64;
    let refused = world.artifacts.put(endless, bytes_max, t(0)).await;
    assert!(matches!(refused, Err(ArtifactError::TooLarge { bytes_max: 12_582_912 })));
    assert_eq!(taken.load(Ordering::Relaxed), 12 * 16 + 1, "no more is read than must be");
    assert_eq!(world.files(), Vec::<PathBuf>::new());
    assert_eq!(world.count("select count(*) from artifact").await, 0);
}

#[tokio::test]
async fn a_file_as_large_as_it_may_be_is_taken() {
    let world = World::open().await;
    let stored = world.artifacts.put(chunked(vec![vec![1; 10]]), 10, t(0)).await.unwrap();
    assert_eq!(stored.bytes, 10);
    let refused = world.artifacts.put(chunked(vec![vec![1; 11]]), 10, t(0)).await;
    assert!(matches!(refused, Err(ArtifactError::TooLarge { bytes_max: 10 })));
}

#[tokio::test]
async fn of_a_file_that_breaks_off_nothing_is_left() {
    let world = World::open().await;
    for mib in [0, 6] {
        let start = stream::iter(vec![Ok(Bytes::from(vec![0; MIB])); mib]);
        let broken = start.chain(stream::iter([Err("reset")]));
        let refused = world.artifacts.put(broken, u64::MAX, t(0)).await;
        assert!(matches!(refused, Err(ArtifactError::Interrupted(_))), "{refused:?}");
        assert_eq!(world.files(), Vec::<PathBuf>::new());
    }
    assert_eq!(world.count("select count(*) from artifact").await, 0);
}

/// A handler is dropped when its client goes.
#[tokio::test]
async fn of_a_file_that_nobody_waits_for_nothing_is_left() {
    let world = World::open().await;
    let start = stream::iter(vec![Ok::<_, &str>(Bytes::from(vec![0; MIB])); 6]);
    let put = world.artifacts.put(start.chain(stream::pending()), u64::MAX, t(0));
    let mut put = Box::pin(put);
    let begun = async {
        while world.files().is_empty() {
            let step = tokio::time::timeout(Duration::from_millis(10), &mut put).await;
            assert!(step.is_err(), "it has no end");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), begun).await.unwrap();
    drop(put);
    eventually_clean(&world).await;
}

async fn eventually_clean(world: &World) {
    let cleaned = async {
        while !world.files().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), cleaned).await.unwrap();
}

#[tokio::test]
async fn what_is_not_what_its_name_says_is_not_handed_out_and_mended_by_the_next_put() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    std::fs::write(world.path(stored), b"abd").unwrap();
    let damaged = world.artifacts.read(&stored.sha256, 10).await;
    assert!(matches!(damaged, Err(ArtifactError::Damaged(_))), "{damaged:?}");
    std::fs::write(world.path(stored), b"ab").unwrap();
    assert!(matches!(world.content(stored).await, Err(ArtifactError::Damaged(_))));
    std::fs::remove_file(world.path(stored)).unwrap();
    assert!(matches!(world.content(stored).await, Err(ArtifactError::Damaged(_))));
    world.put(b"abc", t(1)).await;
    assert_eq!(world.content(stored).await.unwrap(), b"abc");
}

#[tokio::test]
async fn a_file_is_read_into_memory_only_if_it_fits() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    let refused = world.artifacts.read(&stored.sha256, 2).await;
    assert!(matches!(refused, Err(ArtifactError::TooLarge { bytes_max: 2 })));
    assert!(matches!(world.artifacts.read(&[0; 32], 2).await, Err(ArtifactError::NotStored)));
}
