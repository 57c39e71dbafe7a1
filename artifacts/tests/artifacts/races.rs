//! Whoever comes while the sweep is at it: no file is lost that somebody was
//! told is stored.

use artifacts::{ArtifactError, Stored, Subject};
use sqlx::{Acquire, Connection, PgConnection};
use uuid::Uuid;

use crate::world::{ANN, HOUR, World, reference, t};

const LATER: i64 = 30 * HOUR;

/// Holds what whoever moves or removes the file must hold.
async fn locked(world: &World, stored: Stored) -> PgConnection {
    let mut connection = world.db.acquire().await.unwrap().detach();
    let key = i64::from_be_bytes(*stored.sha256.first_chunk().unwrap());
    sqlx::query("select pg_advisory_lock($1)")
        .bind(key)
        .execute(connection.acquire().await.unwrap())
        .await
        .unwrap();
    connection
}

#[tokio::test]
async fn a_put_that_comes_before_the_removal_keeps_the_file() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    let lock = locked(&world, stored).await;
    let put = async { world.put(b"abc", t(LATER)).await };
    let sweep = async {
        world.eventually_waiting(1).await;
        world.artifacts.sweep(t(LATER)).await.unwrap()
    };
    let release = async {
        world.eventually_waiting(2).await;
        lock.close().await.unwrap();
    };
    let (again, swept, ()) = tokio::join!(put, sweep, release);
    assert_eq!((again, swept.files), (stored, 0));
    assert_eq!(world.content(stored).await.unwrap(), b"abc");
}

#[tokio::test]
async fn a_put_that_comes_after_the_removal_puts_the_file_back() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    let lock = locked(&world, stored).await;
    let sweep = async { world.artifacts.sweep(t(LATER)).await.unwrap() };
    let put = async {
        world.eventually_waiting(1).await;
        world.put(b"abc", t(LATER)).await
    };
    let release = async {
        world.eventually_waiting(2).await;
        lock.close().await.unwrap();
    };
    let (swept, again, ()) = tokio::join!(sweep, put, release);
    assert_eq!((again, swept.files), (stored, 1));
    assert_eq!(world.content(stored).await.unwrap(), b"abc");
}

#[tokio::test]
async fn whatever_comes_first_what_was_put_can_be_read() {
    let world = World::open().await;
    for round in 0..40 {
        let (before, now) = (t(round * 2 * LATER), t((round * 2 + 1) * LATER));
        world.put(b"abc", before).await;
        let (stored, swept, other) = tokio::join!(
            world.put(b"abc", now),
            world.artifacts.sweep(now),
            world.artifacts.sweep(now)
        );
        swept.unwrap();
        other.unwrap();
        assert_eq!(world.content(stored).await.unwrap(), b"abc", "round {round}");
    }
}

#[tokio::test]
async fn a_reference_that_is_being_written_keeps_the_file() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    let mut tx = postgres::begin(&world.db).await.unwrap();
    sqlx::query(
        "insert into artifact_reference values ('job', $1, $2, 'a', $3, 'text/plain', now())",
    )
    .bind(Uuid::from_u128(5))
    .bind(&stored.sha256[..])
    .bind(ANN)
    .execute(&mut *tx)
    .await
    .unwrap();
    assert_eq!(world.artifacts.sweep(t(LATER)).await.unwrap().files, 0);
    tx.commit().await.unwrap();
    assert_eq!(world.artifacts.sweep(t(LATER)).await.unwrap().files, 0);
    assert_eq!(world.content(stored).await.unwrap(), b"abc");
}

#[tokio::test]
async fn a_reference_that_comes_too_late_is_told_so() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    assert_eq!(world.artifacts.sweep(t(LATER)).await.unwrap().files, 1);
    let subject = Subject::Job(Uuid::from_u128(5));
    let refused = world.artifacts.refer(&stored.sha256, reference(ANN, subject, "a"), t(0)).await;
    assert!(matches!(refused, Err(ArtifactError::NotStored)), "{refused:?}");
}
