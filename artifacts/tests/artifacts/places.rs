//! Where files may lie, and what is said of a place that is none.

use std::fs;

use artifacts::{ArtifactError, Artifacts, ConnectError, Settings};

use crate::world::{World, t};

async fn refused(world: &World, place: &str) -> ConnectError {
    Artifacts::connect(world.db.clone(), place, Settings::default()).await.unwrap_err()
}

#[tokio::test]
async fn a_folder_is_made_if_it_is_not_there_and_is_left_clean() {
    let world = World::open().await;
    let folder = world.folder.path().join("deep/down");
    let url = format!("file://{}", folder.display());
    for place in [folder.to_str().unwrap(), &url] {
        Artifacts::connect(world.db.clone(), place, Settings::default()).await.unwrap();
    }
    assert!(folder.is_dir());
    assert_eq!(world.files(), Vec::<std::path::PathBuf>::new(), "what was tried out is gone");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_to_is_named() {
    let world = World::open().await;
    let file = world.folder.path().join("notes.txt");
    fs::write(&file, "notes").unwrap();
    let place = file.join("inside");
    let error = refused(&world, place.to_str().unwrap()).await;
    assert!(matches!(error, ConnectError::NotWritable { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("files cannot be written to `{}`", place.display()));
}

#[tokio::test]
async fn what_is_no_place_is_refused() {
    let world = World::open().await;
    for place in ["", "ftp://files.example.org/a", "memory:///", "https://example.org/a", "s3://"] {
        let error = refused(&world, place).await;
        assert!(matches!(error, ConnectError::NoPlace { .. }), "{place}: {error:?}");
    }
}

/// Small files are written when they are complete, large ones as they come.
#[tokio::test]
async fn a_place_that_is_lost_is_out_of_reach_until_it_is_back() {
    let world = World::open().await;
    let (folder, aside) = (world.folder.path(), world.folder.path().with_extension("aside"));
    fs::rename(folder, &aside).unwrap();
    fs::write(folder, "no folder").unwrap();
    for bytes in [1, 12 * 1024 * 1024] {
        let error = world.artifacts.put_bytes(vec![7; bytes].into(), t(0)).await.unwrap_err();
        assert!(matches!(error, ArtifactError::Unavailable(_)), "{bytes}: {error:?}");
    }
    fs::remove_file(folder).unwrap();
    fs::rename(&aside, folder).unwrap();
    let stored = world.put(b"there again", t(0)).await;
    assert_eq!(world.content(stored).await.unwrap(), b"there again");
}
