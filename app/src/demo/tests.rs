use std::{fs, os::unix::fs::symlink};

use super::{LEFT_OUT, wanted};

/// Must never: a task whose files change while they are hashed.
#[test]
fn what_greffe_writes_is_not_hashed_whatever_it_is_called() {
    let place = tempfile::tempdir().unwrap();
    let (tree, kept) = (place.path().join("tree"), place.path().join("kept"));
    for it in ["letters", "data", "deep/data", "greffe-data", ".git"] {
        fs::create_dir_all(tree.join(it)).unwrap();
    }
    fs::create_dir(&kept).unwrap();
    symlink(&kept, tree.join("linked")).unwrap();
    let names = |data_dir: &str| -> Vec<String> {
        let wanted = wanted(&tree, &tree.join(data_dir)).unwrap();
        assert_eq!(wanted.exclude, LEFT_OUT, "what is asked for has no data in it");
        wanted
            .folders
            .iter()
            .map(|it| it.file_name().unwrap().to_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("data"), ["deep", "letters", "linked"]);
    assert_eq!(names("linked"), ["data", "deep", "letters"]);
    assert_eq!(names("greffe-data"), ["data", "deep", "letters", "linked"]);
    assert_eq!(names("deep/data"), ["data", "letters", "linked"]);
    assert_eq!(names("../elsewhere"), ["data", "deep", "letters", "linked"]);
}

/// Must never: the same, where there is no other folder.
#[test]
fn what_greffe_writes_is_not_hashed_with_the_folder_that_it_is_in() {
    let place = tempfile::tempdir().unwrap();
    let tree = place.path();
    fs::write(tree.join("letter.txt"), "a letter").unwrap();
    for (data, of) in [("data", "data"), ("deep/data", "deep"), (".data", ".data")] {
        fs::create_dir_all(tree.join(data)).unwrap();
        let wanted = wanted(tree, &tree.join(data)).unwrap();
        assert_eq!(wanted.folders, [tree], "{data}");
        assert_eq!(wanted.exclude.last().map(String::as_str), Some(of), "{data}");
        fs::remove_dir_all(tree.join(of)).unwrap();
    }
}
