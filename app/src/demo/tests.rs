use std::{fs, os::unix::fs::symlink};

use super::folders;

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
        let folders = folders(&tree, &tree.join(data_dir)).unwrap();
        folders.iter().map(|it| it.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("data"), ["deep", "letters", "linked"]);
    assert_eq!(names("linked"), ["data", "deep", "letters"]);
    assert_eq!(names("greffe-data"), ["data", "deep", "letters", "linked"]);
    assert_eq!(names("deep/data"), ["data", "letters", "linked"]);
    assert_eq!(names("../elsewhere"), ["data", "deep", "letters", "linked"]);
}
