//! What goes, and what stays.

use std::{
    fs::{self, File},
    path::Path,
    time::SystemTime,
};

use artifacts::Swept;
use chrono::{DateTime, Utc};

use crate::world::{ANN, HOUR, World, reference, t};

fn written(path: &Path, at: DateTime<Utc>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, b"left behind").unwrap();
    aged(path, at);
}

fn aged(path: &Path, at: DateTime<Utc>) {
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::from(at)).unwrap();
}

#[tokio::test]
async fn what_nothing_refers_to_goes_after_a_while_and_the_rest_stays() {
    let world = World::open().await;
    let (kept, old, young) = (
        world.put(b"kept", t(0)).await,
        world.put(b"old", t(0)).await,
        world.put(b"young", t(HOUR)).await,
    );
    let subject = world.refer(kept).await;
    let swept = world.artifacts.sweep(t(24 * HOUR + 1)).await.unwrap();
    assert_eq!(swept, Swept { files: 1, unfinished: 0 });
    assert_eq!(world.artifacts.length(&old.sha256).await.unwrap(), None);
    let mut left = [world.path(kept), world.path(young)];
    left.sort();
    assert_eq!(world.files(), left);

    assert!(world.artifacts.release(subject, Some(ANN)).await.unwrap());
    let swept = world.artifacts.sweep(t(26 * HOUR)).await.unwrap();
    assert_eq!(swept.files, 2);
    assert!(world.files().is_empty());
    assert_eq!(world.artifacts.sweep(t(26 * HOUR)).await.unwrap(), Swept::default());
}

#[tokio::test]
async fn a_file_stays_as_long_as_one_of_several_refers_to_it() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    let job = world.refer(stored).await;
    let upload = artifacts::Subject::Upload(uuid::Uuid::from_u128(5));
    world.artifacts.refer(&stored.sha256, reference(ANN, upload, "a"), t(0)).await.unwrap();
    assert!(world.artifacts.release(upload, None).await.unwrap());
    assert_eq!(world.artifacts.sweep(t(99 * HOUR)).await.unwrap(), Swept::default());
    assert!(world.artifacts.release(job, None).await.unwrap());
    assert_eq!(world.artifacts.sweep(t(99 * HOUR)).await.unwrap().files, 1);
}

#[tokio::test]
async fn a_file_that_was_put_again_is_young_again() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    world.put(b"abc", t(23 * HOUR)).await;
    // Clocks differ: an earlier one makes nothing older.
    world.put(b"abc", t(-HOUR)).await;
    assert_eq!(world.artifacts.sweep(t(25 * HOUR)).await.unwrap(), Swept::default());
    assert_eq!(world.content(stored).await.unwrap(), b"abc");
}

#[tokio::test]
async fn what_a_killed_process_has_left_goes_and_what_is_not_ours_stays() {
    let world = World::open().await;
    let folder = world.folder.path();
    let (old, now) = (t(0), t(25 * HOUR));
    // Complete, in parts, and in its place without a row.
    written(&folder.join("incoming/0a1b"), old);
    written(&folder.join("incoming/0a1c#1"), old);
    let orphan = world.put(b"abc", now).await;
    sqlx::query("delete from artifact").execute(&world.db).await.unwrap();
    aged(&world.path(orphan), old);
    // Under way, and somebody else's.
    written(&folder.join("incoming/0a1d#1"), now);
    written(&folder.join("incoming/0a1e"), now);
    written(&folder.join("ab/notes.txt"), old);
    let swept = world.artifacts.sweep(now).await.unwrap();
    assert_eq!(swept, Swept { files: 1, unfinished: 2 });
    let left = ["ab/notes.txt", "incoming/0a1d#1", "incoming/0a1e"].map(|it| folder.join(it));
    assert_eq!(world.files(), left);
}

#[tokio::test]
async fn many_files_go_in_one_sweep() {
    let world = World::open().await;
    for number in 0..230_u32 {
        world.put(&number.to_be_bytes(), t(0)).await;
    }
    let swept = world.artifacts.sweep(t(25 * HOUR)).await.unwrap();
    assert_eq!(swept.files, 230);
    assert!(world.files().is_empty());
}
