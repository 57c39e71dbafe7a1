//! Whose a file is.

use artifacts::{ArtifactError, Info, Subject};
use uuid::Uuid;

use crate::world::{ANN, BOB, World, reference, t};

#[tokio::test]
async fn a_file_is_readable_by_those_who_own_a_reference_and_who_see_all() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    let readable = async |owner| world.artifacts.readable(&stored.sha256, owner).await.unwrap();
    assert_eq!(readable(None).await, None, "nobody has said that it is theirs");
    let upload = Subject::Upload(Uuid::from_u128(5));
    world.artifacts.refer(&stored.sha256, reference(ANN, upload, "a.txt"), t(0)).await.unwrap();
    let info = Info {
        sha256: stored.sha256,
        bytes: 3,
        name: "a.txt".to_owned(),
        media_type: "text/plain".to_owned(),
    };
    assert_eq!(readable(Some(ANN)).await, Some(info.clone()));
    assert_eq!(readable(None).await, Some(info));
    assert_eq!(readable(Some(BOB)).await, None);
    let other = Subject::Upload(Uuid::from_u128(6));
    world.artifacts.refer(&stored.sha256, reference(BOB, other, "b.txt"), t(1)).await.unwrap();
    assert_eq!(readable(Some(BOB)).await.unwrap().name, "b.txt", "each calls it their own way");
    assert_eq!(readable(Some(ANN)).await.unwrap().name, "a.txt");
}

#[tokio::test]
async fn referring_twice_changes_nothing() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    let subject = world.refer(stored).await;
    assert_eq!(world.refer(stored).await, subject);
    assert_eq!(world.count("select count(*) from artifact_reference").await, 1);
    assert!(world.artifacts.refers(subject, &stored.sha256).await.unwrap());
}

#[tokio::test]
async fn what_is_not_stored_cannot_be_referred_to() {
    let world = World::open().await;
    let subject = Subject::Job(Uuid::from_u128(5));
    let refused = world.artifacts.refer(&[9; 32], reference(ANN, subject, "a"), t(0)).await;
    assert!(matches!(refused, Err(ArtifactError::NotStored)), "{refused:?}");
    assert!(!world.artifacts.refers(subject, &[9; 32]).await.unwrap());
    assert_eq!(world.artifacts.length(&[9; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn only_the_owner_and_who_sees_all_let_a_file_go() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    let upload = Subject::Upload(Uuid::from_u128(5));
    for owner in [Some(ANN), None] {
        let refer = world.artifacts.refer(&stored.sha256, reference(ANN, upload, "a"), t(0)).await;
        refer.unwrap();
        assert!(!world.artifacts.release(upload, Some(BOB)).await.unwrap());
        let of_a_job = Subject::Job(Uuid::from_u128(5));
        assert!(!world.artifacts.release(of_a_job, owner).await.unwrap(), "another subject");
        assert!(world.artifacts.release(upload, owner).await.unwrap());
        assert!(!world.artifacts.release(upload, owner).await.unwrap(), "it is gone");
        assert_eq!(world.artifacts.readable(&stored.sha256, None).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_file_that_the_index_has_lost_is_taken_in_if_it_is_what_its_name_says() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    let other = world.put(b"abd", t(0)).await;
    sqlx::query("delete from artifact").execute(&world.db).await.unwrap();
    std::fs::write(world.path(other), b"xyz").unwrap();
    assert!(world.artifacts.adopt(&stored.sha256, t(1)).await.unwrap());
    assert_eq!(world.content(stored).await.unwrap(), b"abc");
    assert!(!world.artifacts.adopt(&[9; 32], t(1)).await.unwrap());
    let damaged = world.artifacts.adopt(&other.sha256, t(1)).await;
    assert!(matches!(damaged, Err(ArtifactError::Damaged(_))), "{damaged:?}");
}

#[tokio::test]
async fn what_is_given_to_somebody_else_is_read_by_them_alone() {
    let world = World::open().await;
    let stored = world.put(b"abc", t(0)).await;
    let readable = async |owner| {
        world.artifacts.readable(&stored.sha256, Some(owner)).await.unwrap().is_some()
    };
    let [job, other] = [5, 6].map(|it| Subject::Job(Uuid::from_u128(it)));
    for (subject, name) in [(job, "a"), (job, "b"), (other, "a")] {
        let reference = reference(ANN, subject, name);
        world.artifacts.refer(&stored.sha256, reference, t(0)).await.unwrap();
    }
    world.artifacts.give(job, BOB).await.unwrap();
    assert!(readable(BOB).await && readable(ANN).await, "the other job is Ann's still");
    for _ in 0..2 {
        world.artifacts.give(other, BOB).await.unwrap();
    }
    assert!(readable(BOB).await && !readable(ANN).await);
}

#[tokio::test]
async fn uploads_are_given_up_to_a_moment() {
    let world = World::open().await;
    let [early, late] = [world.put(b"early", t(0)).await, world.put(b"late", t(0)).await];
    let uploads = [(early, ANN, 1), (late, ANN, 3)];
    for ((stored, owner, at), id) in uploads.into_iter().zip(5..) {
        let reference = reference(owner, Subject::Upload(Uuid::from_u128(id)), "a");
        world.artifacts.refer(&stored.sha256, reference, t(at)).await.unwrap();
    }
    let of_a_job = reference(ANN, Subject::Job(Uuid::from_u128(5)), "a");
    world.artifacts.refer(&late.sha256, of_a_job, t(1)).await.unwrap();
    world.artifacts.give_uploads(ANN, BOB, t(2)).await.unwrap();
    let readable = async |stored: artifacts::Stored, owner| {
        world.artifacts.readable(&stored.sha256, Some(owner)).await.unwrap().is_some()
    };
    assert!(readable(early, BOB).await && !readable(early, ANN).await);
    assert!(readable(late, ANN).await && !readable(late, BOB).await, "a job is not an upload");
}
