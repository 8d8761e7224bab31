#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn rules(path: &str, old: &str, new: &str) -> Vec<&'static str> {
    compare(path, Some(old.as_bytes()), Some(new.as_bytes())).iter().map(|found| found.rule).collect()
}

const CARGO: &str = "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"aa\"\n";

#[test]
fn a_cargo_lock_swap_is_found() {
    assert_eq!(rules("Cargo.lock", CARGO, &CARGO.replace("\"aa\"", "\"bb\"")), [id::DEPENDENCY_SWAPPED]);
    assert_eq!(rules("Cargo.lock", CARGO, &CARGO.replace("checksum = \"aa\"\n", "")), [id::DEPENDENCY_HASH]);
    assert!(
        rules("Cargo.lock", CARGO, &CARGO.replace("1.0.0", "1.0.1").replace("\"aa\"", "\"bb\"")).is_empty(),
        "an ordinary update"
    );
    let git = CARGO.replace("registry+https://github.com/rust-lang/crates.io-index", "git+https://x.example/a?rev=1#1");
    assert_eq!(rules("Cargo.lock", CARGO, &git), [id::DEPENDENCY_HOST, id::DEPENDENCY_GIT]);
}

#[test]
fn a_lock_that_breaks_is_told_once() {
    let broken = CARGO.replace("name = \"a\"", "name = \"a!");
    assert_eq!(rules("Cargo.lock", CARGO, &broken), [id::DEPENDENCY_HASH]);
    assert!(rules("Cargo.lock", &broken, &broken).is_empty(), "it was broken before");
}

#[test]
fn npm_yarn_pnpm() {
    let lock = r#"{"packages": {"": {}, "node_modules/a": {"version": "1.0.0", "resolved": "https://registry.npmjs.org/a.tgz", "integrity": "sha512-AA=="}}}"#;
    assert_eq!(rules("package-lock.json", lock, &lock.replace("AA==", "BB==")), [id::DEPENDENCY_SWAPPED]);
    assert_eq!(
        rules("package-lock.json", lock, &lock.replace("registry.npmjs.org", "x.example")),
        [id::DEPENDENCY_HOST]
    );
    let script = lock.replace("\"version\": \"1.0.0\"", "\"version\": \"1.0.1\", \"hasInstallScript\": true");
    assert_eq!(rules("package-lock.json", lock, &script), [id::DEPENDENCY_SCRIPT]);
    let yarn =
        "a@^1:\n  version \"1.0.0\"\n  resolved \"https://registry.yarnpkg.com/a.tgz#aa\"\n  integrity sha512-AA==\n";
    assert_eq!(rules("yarn.lock", yarn, &yarn.replace("AA==", "BB==")), [id::DEPENDENCY_SWAPPED]);
    let pnpm = "packages:\n  a@1.0.0:\n    resolution: {integrity: sha512-AA==}\n";
    assert_eq!(rules("pnpm-lock.yaml", pnpm, &pnpm.replace("AA==", "BB==")), [id::DEPENDENCY_SWAPPED]);
}

#[test]
fn go_pip_uv() {
    assert_eq!(rules("go.sum", "x.example/a v1.0.0 h1:AA=\n", "x.example/a v1.0.0 h1:BB=\n"), [id::DEPENDENCY_SWAPPED]);
    let pip = "a==1.0 \\\n    --hash=sha256:aa\n";
    assert_eq!(rules("requirements.txt", pip, "a==1.0\n"), [id::DEPENDENCY_HASH]);
    assert_eq!(
        rules("requirements.txt", pip, &format!("{pip}--extra-index-url https://x.example/simple\n")),
        [id::DEPENDENCY_HOST]
    );
    assert_eq!(
        rules("requirements.txt", pip, &format!("{pip}b @ git+https://github.com/x/b\n")),
        [id::DEPENDENCY_HOST, id::DEPENDENCY_GIT]
    );
    let uv = "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"https://pypi.org/simple\" }\nsdist = { url = \"https://files.pythonhosted.org/a\", hash = \"sha256:aa\" }\n";
    assert_eq!(rules("uv.lock", uv, &uv.replace("sha256:aa", "sha256:bb")), [id::DEPENDENCY_SWAPPED]);
}

#[test]
fn manifests_and_indexes() {
    assert_eq!(rules("package.json", "{}", r#"{"scripts": {"postinstall": "node x.js"}}"#), [id::DEPENDENCY_SCRIPT]);
    assert_eq!(rules("package.json", "{}", r#"{"dependencies": {"a": "github:x/a"}}"#), [id::DEPENDENCY_GIT]);
    assert_eq!(
        rules("Cargo.toml", "[dependencies]\na = \"1\"\n", "[dependencies]\na = { git = \"https://x.example/a\" }\n"),
        [id::DEPENDENCY_GIT]
    );
    assert_eq!(
        rules(".cargo/config.toml", "", "[source.crates-io]\nreplace-with = \"x\"\n"),
        [id::DEPENDENCY_REDIRECT]
    );
    assert_eq!(rules(".npmrc", "", "registry=https://x.example/\n"), [id::DEPENDENCY_REDIRECT]);
    assert_eq!(rules("go.mod", "module a\n", "module a\nreplace b => x.example/b v1\n"), [id::DEPENDENCY_REDIRECT]);
    assert_eq!(compare("build.rs", None, Some(b"fn main() {}"))[0].rule, id::DEPENDENCY_SCRIPT);
    assert!(
        rules(
            "package.json",
            r#"{"scripts": {"test": "x"}}"#,
            r#"{"scripts": {"test": "y"}, "dependencies": {"a": "^1.2.0"}}"#
        )
        .is_empty()
    );
}

proptest! {
    #[test]
    fn any_bytes_never_panic(old in proptest::collection::vec(any::<u8>(), 0..120), new in proptest::collection::vec(any::<u8>(), 0..120), which in 0usize..8) {
        let name = ["Cargo.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "go.sum", "requirements.txt", "package.json", "setup.py"][which];
        let _ = compare(name, Some(&old), Some(&new));
        let _ = read_lock(name, &new);
    }
}
