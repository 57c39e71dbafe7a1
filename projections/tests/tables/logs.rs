//! Lines are appended, never replaced, and sealed as they are exported.

use domain::{JobId, LeaseId, artifact::Sha256 as Hash};
use projections::kept::logs::Logged;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::world::World;

const LEASE: LeaseId = LeaseId { job: JobId(Uuid::from_u128(1)), fence: 2 };

fn lines(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|it| format!(r#"{{"text":"é {it}"}}"#)).collect()
}

async fn append(world: &World, offset: u64, lines: &[String]) -> Logged {
    world.reader.append_log(LEASE, offset, lines).await.unwrap()
}

async fn logged(world: &World) -> Vec<String> {
    let lines = world.reader.log(LEASE.job, None, 1_000).await.unwrap();
    assert!(lines.iter().map(|it| it.line).eq(0..lines.len() as u64));
    lines.into_iter().map(|it| it.entry).collect()
}

#[tokio::test]
async fn lines_are_appended_at_their_offset() {
    let world = World::new().await;
    assert_eq!(append(&world, 0, &lines(0..3)).await, Logged::Next(3));
    assert_eq!(append(&world, 3, &lines(3..5)).await, Logged::Next(5));
    assert_eq!(append(&world, 5, &[]).await, Logged::Next(5));
    assert_eq!(logged(&world).await, lines(0..5));
}

#[tokio::test]
async fn lines_that_arrive_again_are_not_added_again() {
    let world = World::new().await;
    append(&world, 0, &lines(0..3)).await;
    assert_eq!(append(&world, 0, &lines(0..3)).await, Logged::Next(3));
    assert_eq!(append(&world, 1, &lines(1..5)).await, Logged::Next(5));
    // What is there is not replaced either.
    assert_eq!(append(&world, 0, &lines(90..95)).await, Logged::Next(5));
    assert_eq!(logged(&world).await, lines(0..5));
}

#[tokio::test]
async fn a_gap_is_refused_with_the_offset_that_is_expected() {
    let world = World::new().await;
    assert_eq!(append(&world, 1, &lines(1..2)).await, Logged::Expected(0));
    append(&world, 0, &lines(0..2)).await;
    assert_eq!(append(&world, 3, &lines(3..4)).await, Logged::Expected(2));
    assert_eq!(append(&world, u64::MAX, &lines(3..4)).await, Logged::Expected(2));
    assert_eq!(logged(&world).await, lines(0..2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_lines_that_arrive_twice_at_once_each_is_kept_once() {
    let world = World::new().await;
    for round in 0..10 {
        let (from, to) = (round * 7, round * 7 + 7);
        let new = lines(from..to);
        let (one, other, third) = tokio::join!(
            append(&world, from, &new),
            append(&world, from, &new),
            append(&world, from, &new[..3])
        );
        assert_eq!((one, other), (Logged::Next(to), Logged::Next(to)));
        assert!([Logged::Next(to), Logged::Next(from + 3)].contains(&third));
    }
    assert_eq!(logged(&world).await, lines(0..70));
}

#[tokio::test]
async fn a_seal_is_the_hash_of_the_log_as_it_is_exported() {
    let world = World::new().await;
    append(&world, 0, &lines(0..100)).await;
    append(&world, 100, &lines(100..150)).await;
    let seal = world.reader.seal_log(LEASE).await.unwrap().unwrap();
    let exported = lines(0..150).iter().fold(String::new(), |all, line| all + line + "\n");
    let hash = Hash::new(Sha256::digest(exported.as_bytes()).into());
    assert_eq!((seal.lines, seal.bytes, seal.sha256), (150, exported.len() as u64, hash));
    assert_eq!(world.reader.seal_log(LEASE).await.unwrap(), Some(seal));
}

#[tokio::test]
async fn what_is_sealed_is_complete() {
    let world = World::new().await;
    append(&world, 0, &lines(0..2)).await;
    world.reader.seal_log(LEASE).await.unwrap();
    assert_eq!(append(&world, 2, &lines(2..3)).await, Logged::Sealed);
    assert_eq!(append(&world, 0, &lines(0..2)).await, Logged::Sealed);
    assert_eq!(logged(&world).await, lines(0..2));
    // Also where nothing was logged: there is nothing to seal, and never will be.
    let silent = LeaseId { fence: 9, ..LEASE };
    assert_eq!(world.reader.seal_log(silent).await.unwrap(), None);
    let late = world.reader.append_log(silent, 0, &lines(0..1)).await.unwrap();
    assert_eq!(late, Logged::Sealed);
}

/// A seal is taken of all that was acknowledged, and of nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seal_that_races_with_lines_counts_those_that_were_taken() {
    let world = World::new().await;
    for fence in 1..20 {
        let lease = LeaseId { fence, ..LEASE };
        let new = lines(0..50);
        let (appended, seal) =
            tokio::join!(world.reader.append_log(lease, 0, &new), world.reader.seal_log(lease));
        match (appended.unwrap(), seal.unwrap()) {
            (Logged::Next(50), Some(seal)) => assert_eq!(seal.lines, 50),
            (Logged::Sealed, None) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_logs_of_attempts_follow_one_another() {
    let world = World::new().await;
    let next = LeaseId { fence: 5, ..LEASE };
    append(&world, 0, &lines(0..3)).await;
    world.reader.append_log(next, 0, &lines(3..5)).await.unwrap();
    let all = world.reader.log(LEASE.job, None, 100).await.unwrap();
    let places: Vec<_> = all.iter().map(|it| (it.fence, it.line)).collect();
    assert_eq!(places, [(2, 0), (2, 1), (2, 2), (5, 0), (5, 1)]);
    for (index, place) in places.iter().enumerate() {
        let rest = world.reader.log(LEASE.job, Some(*place), 100).await.unwrap();
        assert_eq!(rest, all[index + 1..]);
    }
    assert_eq!(world.reader.log(LEASE.job, None, 2).await.unwrap(), all[..2]);
}
