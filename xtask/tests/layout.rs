//! What the documents say of the tree is true, and the tree keeps its own rules.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["crates", "bench", "interop", "xtask"] {
        sources(&root().join(folder), &mut files);
    }
    assert!(files.len() > 30, "the sources were found");
    files
}

/// What stands between backquotes and looks like a path of ours.
fn named_paths(text: &str) -> Vec<&str> {
    let is_ours = |word: &&str| {
        ["crates/", "bench/", "interop/", "xtask/", ".ci/"]
            .iter()
            .any(|start| word.starts_with(start))
    };
    text.split('`').skip(1).step_by(2).filter(is_ours).collect()
}

#[test]
fn the_documents_name_only_paths_that_exist() {
    for document in ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md"] {
        let text = read(document);
        let paths = named_paths(&text);
        for path in &paths {
            assert!(root().join(path).exists(), "{document} names {path}");
        }
        assert!(document != "ARCHITECTURE.md" || paths.len() > 10, "the architecture names places");
    }
}

#[test]
fn the_readme_states_the_rust_version_of_the_manifest() {
    let manifest = read("Cargo.toml");
    let line =
        manifest.lines().find(|line| line.starts_with("rust-version")).expect("it is stated");
    let version = line.split('"').nth(1).expect("in quotes");
    assert!(read("README.md").contains(&format!("Rust {version}")), "Rust {version} in the README");
}

#[test]
fn every_file_says_what_it_is_and_stays_near_one_idea() {
    for file in all_sources() {
        let text = fs::read_to_string(&file).expect("a source can be read");
        assert!(text.starts_with("//!"), "{} begins with what it is", file.display());
        let before_tests =
            text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        assert!(before_tests <= 440, "{} has {before_tests} lines", file.display());
    }
}

/// Sessions, delegates and public tasks stand above it; tests in the driver's files may name anything.
#[test]
fn the_driver_names_nothing_that_stands_above_it() {
    let above = ["session", "dispatch", "delegate", "registry", "task", "config", "foundation"];
    let public = ["Session", "SessionDelegate", "StreamTask", "Configuration", "Events"];
    let mut folder = Vec::new();
    sources(&root().join("crates/streamtask/src/driver"), &mut folder);
    assert!(folder.len() > 10, "the driver has moved");
    for path in folder {
        let code = read(&path);
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code: String = code.lines().filter(is_code).collect();
        for named in code.split("crate::").skip(1) {
            let named = named.split([';', '(', ')', '=']).next().unwrap_or_default();
            let mut words = named.split(|c: char| !c.is_alphanumeric() && c != '_');
            let found = words.find(|word| above.contains(word) || public.contains(word));
            assert_eq!(found, None, "{}: {named}", path.display());
        }
    }
}

#[test]
fn the_core_depends_on_no_runtime() {
    let manifest = read("crates/streamtask-proto/Cargo.toml");
    let dependencies = manifest.split("[dependencies]").nth(1).expect("it has some");
    let own = dependencies.split("[dev-dependencies]").next().expect("before those for tests");
    for forbidden in ["tokio", "socket2", "streamtask-testkit"] {
        assert!(!own.contains(forbidden), "the core does not depend on {forbidden}");
    }
}
