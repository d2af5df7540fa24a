//! `installer render`: settings in a folder, and every file that they make. `GPUNODE_REGENERATE=1` writes the files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gpunode_tests::binary;
use installer::render::{What, render};
use installer::settings::{self, File};

fn cases() -> Vec<PathBuf> {
    let folder = binary::bed().join("cases/installer");
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

/// Path and text of every file. The module's copies of what is beside it anyway are compared with that, and not kept.
fn rendered(case: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(case.join("settings.env")).unwrap();
    let loaded = settings::load(Some(File { path: "settings.env", text: &text }), &[]).unwrap();
    let files = render(&loaded, What::All).unwrap();
    let mut files: BTreeMap<_, _> = files.into_iter().map(|file| (file.path, file.text)).collect();
    let copies: Vec<_> = files
        .keys()
        .filter_map(|path| Some((path.clone(), path.strip_prefix("terraform/")?.to_owned())))
        .collect();
    for (copy, original) in copies.iter().filter(|(_, original)| original != "main.tf") {
        assert_eq!(files.remove(copy).as_ref(), files.get(original), "{copy}");
    }
    files
}

fn expected(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn every_case_renders_the_files_that_are_expected() {
    for case in cases() {
        let folder = case.join("expected");
        let found = rendered(&case);
        if binary::regenerate() {
            let _ = fs::remove_dir_all(&folder);
            for (path, text) in &found {
                let path = folder.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        let expected = expected(&folder);
        let paths = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(paths(&found), paths(&expected), "{}", case.display());
        for (path, text) in &found {
            let first = text.lines().zip(expected[path].lines()).position(|(ours, theirs)| ours != theirs);
            assert!(*text == expected[path], "{}/{path}: differs from line {first:?}", folder.display());
        }
    }
}
