//! What holds of any content, cut in any way.

use artifacts::Artifacts;
use futures::TryStreamExt;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use sha2::{Digest, Sha256};

use crate::world::{World, chunked, t};

async fn comes_back(
    artifacts: &Artifacts,
    chunks: Vec<Vec<u8>>,
    (from, to): (usize, usize),
) -> Result<(), TestCaseError> {
    let whole = chunks.concat();
    let stored = artifacts.put(chunked(chunks), whole.len() as u64, t(0)).await.unwrap();
    prop_assert_eq!(&stored.sha256[..], &Sha256::digest(&whole)[..]);
    prop_assert_eq!(stored.bytes, whole.len() as u64);
    let read = artifacts.read(&stored.sha256, stored.bytes).await.unwrap();
    prop_assert_eq!(&read[..], &whole[..]);

    let (from, to) = (from.min(whole.len()), to.min(whole.len() + 10));
    let range = from.min(to) as u64..from.max(to) as u64;
    let opened = artifacts.open(&stored.sha256, Some(range)).await.unwrap();
    let expected = &whole[from.min(to)..from.max(to).min(whole.len())];
    prop_assert_eq!(opened.bytes, stored.bytes);
    prop_assert_eq!(opened.range.end - opened.range.start, expected.len() as u64);
    let part: Vec<u8> = opened.content.map_ok(|it| it.to_vec()).try_concat().await.unwrap();
    prop_assert_eq!(&part[..], expected);
    Ok(())
}

#[test]
fn any_content_comes_back_by_its_hash_whole_and_in_part() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::open());
    let chunks = vec(vec(any::<u8>(), 0..3_000), 0..8);
    let mut runner = TestRunner::new(Config::with_cases(64));
    runner
        .run(&(chunks, (0_usize..20_000, 0_usize..20_000)), |(chunks, range)| {
            runtime.block_on(comes_back(&world.artifacts, chunks, range))
        })
        .unwrap();
    drop((runtime.enter(), world));
}
