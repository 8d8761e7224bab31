#![allow(clippy::unwrap_used)]
use super::super::finding::Severity;
use super::*;
use proptest::prelude::*;

fn scanner() -> Scanner {
    Scanner::builtin().unwrap()
}

fn change(path: &str, old: &str, new: &str) -> Vec<Finding> {
    scanner().scan_change(&[FileChange { path, old: Some(old.as_bytes()), new: Some(new.as_bytes()) }], 0)
}

#[test]
fn only_what_is_new_is_found_in_a_change() {
    let old = "a = '\u{202e}'\n";
    let new = format!("x = 1\n{old}");
    assert!(change("a.py", old, &new).is_empty());
    let twice = format!("{old}{old}");
    assert_eq!(change("a.py", old, &twice).len(), 1);
}

#[test]
fn agent_files_need_a_person() {
    let found = change("CLAUDE.md", "Use tabs.\n", "Use spaces.\n");
    assert_eq!(found.iter().map(|found| found.rule).collect::<Vec<_>>(), [id::AGENT_CHANGED]);
    assert_eq!(change(".mcp.json", "{}", "{\"mcpServers\": {}}")[0].rule, id::AGENT_CHANGED);
}

#[test]
fn oversight_changes_are_told_and_approvals_quieten_them() {
    let files = [FileChange { path: "src/monitor/x.py", old: Some(b"def f():\n    return check()\n"), new: None }];
    let found = scanner().scan_change(&files, 0);
    assert_eq!((found[0].rule, found[0].severity), (id::OVERSIGHT_REMOVED, Severity::Block));
    assert_eq!(scanner().scan_change(&files, 2)[0].severity, Severity::Note);
    let found = change(
        "src/monitor/x.py",
        "def f(x):\n    if bad(x):\n        alarm(x)\n    return ok(x)\n",
        "def f(x):\n    return True\n",
    );
    assert!(found.iter().any(|found| found.rule == id::OVERSIGHT_REMOVED), "{found:?}");
}

#[test]
fn expected_values_edited_with_code() {
    let test = |value: u8| format!("#[test]\nfn a() {{ assert_eq!(f(), {value}); }}\n");
    let (old, new) = (test(1), test(2));
    let files = [
        FileChange { path: "src/a.rs", old: Some(b"fn f() {}"), new: Some(b"fn f() { }") },
        FileChange { path: "tests/a.rs", old: Some(old.as_bytes()), new: Some(new.as_bytes()) },
    ];
    assert_eq!(scanner().scan_change(&files, 0)[0].rule, id::TEST_EXPECTATION);
}

#[test]
fn nul_bytes_do_not_hide_a_source_file() {
    let found = scanner().scan_file("a.py", b"x = 1\0\ny = '\xe2\x80\xae'\n");
    let rules: Vec<_> = found.iter().map(|found| found.rule).collect();
    assert_eq!(rules, [id::BINARY_SOURCE, id::BIDI_UNTERMINATED]);
    assert!(scanner().scan_file("a.bin", b"\0\0\0\xe2\x80\xae").is_empty());
}

#[test]
fn utf16_does_not_hide_a_source_file() {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend("x = '\u{202e}'\n".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(scanner().scan_file("a.py", &bytes)[0].rule, id::BIDI_UNTERMINATED);
}

#[test]
fn linters_inside_manifests_are_gates() {
    let old = "[tool.coverage.report]\nfail_under = 90\n[tool.ruff.lint]\nselect = [\"S\"]\n";
    let found = change("pyproject.toml", old, &old.replace("90", "10").replace("[\"S\"]", "[]"));
    assert_eq!(found.iter().map(|found| found.rule).collect::<Vec<_>>(), [id::GATE_THRESHOLD, id::GATE_LINT]);
    assert!(change("pyproject.toml", old, &format!("{old}[project]\nname = \"x\"\n")).is_empty());
}

#[test]
fn gitlab_jobs_that_may_fail() {
    let old = "test:\n  script: [make]\n  allow_failure: false\n";
    assert_eq!(change(".gitlab-ci.yml", old, &old.replace("false", "true"))[0].rule, id::CI_FAILURE_IGNORED);
}

#[test]
fn ordinary_files_are_clean() {
    for (path, text) in [
        ("src/a.rs", "//! Grüße – „quoted“ … 日本語\nfn main() { println!(\"Привет, мир\"); let µs = 1; }\n"),
        (
            "README.md",
            "# Title ✅\u{fe0f} 👩\u{200d}💻 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} naïve\n",
        ),
        ("a.json", "{\"ru\": \"Да\", \"hi\": \"क्\u{200d}ष\"}\n"),
        ("a.txt", "עברית \u{200f}טקסט\n"),
    ] {
        let found = scanner().scan_file(path, text.as_bytes());
        assert!(found.iter().all(|found| found.severity == Severity::Note), "{path}: {found:?}");
    }
}

const WORKFLOW: &str = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: cargo test\n";

fn rules_of(found: &[Finding]) -> Vec<&'static str> {
    found.iter().map(|found| found.rule).collect()
}

#[test]
fn workflows_that_are_gone_or_cannot_be_read() {
    let path = ".github/workflows/a.yml";
    let broken = scanner().scan_file(path, b"on: [push\njobs: {");
    assert_eq!(rules_of(&broken), [id::CI_UNREADABLE]);
    assert!(scanner().scan_file("notes/a.yml", b"on: [push\njobs: {").is_empty(), "no workflow");
    let found = change(path, WORKFLOW, "on: [push\njobs: {");
    assert!(rules_of(&found).contains(&id::CI_BECAME_UNREADABLE), "{found:?}");
    let gone = scanner().scan_change(&[FileChange { path, old: Some(WORKFLOW.as_bytes()), new: None }], 0);
    assert_eq!((rules_of(&gone), gone[0].severity), (vec![id::CI_REMOVED], Severity::Block));
    assert!(change(path, WORKFLOW, &format!("# a remark\n{WORKFLOW}")).is_empty());
}

#[test]
fn machines_and_caches_as_they_stand() {
    let stands = |text: &str| rules_of(&scanner().scan_file(".github/workflows/a.yml", text.as_bytes()));
    assert_eq!(stands(&WORKFLOW.replace("on: push", "on: issue_comment")), [id::CI_DANGEROUS_TRIGGER]);
    assert_eq!(stands(&WORKFLOW.replace("runs-on: x", "runs-on: [self-hosted, linux]")), [id::CI_SELF_HOSTED]);
    let matrix = WORKFLOW.replace(
        "runs-on: x",
        "runs-on: ${{ matrix.os }}\n    strategy: {matrix: {os: [x], include: [{os: self-hosted}]}}",
    );
    assert_eq!(stands(&matrix), [id::CI_SELF_HOSTED]);
    assert!(stands(&matrix.replace("self-hosted", "y")).is_empty());
    let asked = "      - uses: x/y@0123456789abcdef0123456789abcdef01234567\n        with: {cache: true}\n      - run: docker push x\n";
    assert_eq!(stands(&WORKFLOW.replace("      - run: cargo test\n", asked)), [id::CI_RELEASE_CACHE]);
    let not = asked.replace("true", "false");
    assert!(stands(&WORKFLOW.replace("      - run: cargo test\n", &not)).is_empty());
    let cached = WORKFLOW.replace(
        "      - run: cargo test\n",
        "      - uses: actions/cache@0123456789abcdef0123456789abcdef01234567\n      - run: cargo publish\n",
    );
    assert_eq!(stands(&cached), [id::CI_RELEASE_CACHE, id::CI_PUBLISH_TOKEN]);
    assert!(stands(&cached.replace("cargo publish", "cargo test")).is_empty(), "nothing is released");
}

#[test]
fn controls_in_test_data_do_not_block() {
    let text = "[\"http://x.example/\u{202e}/a/\u{202d}/b\"]\n";
    assert_eq!(rules_of(&scanner().scan_file("tests/urls.json", text.as_bytes())), [id::BIDI_TEST_DATA]);
    assert_eq!(rules_of(&scanner().scan_file("src/urls.json", text.as_bytes())), [id::BIDI_UNTERMINATED]);
    assert_eq!(rules_of(&scanner().scan_file("tests/urls.py", text.as_bytes())), [id::BIDI_UNTERMINATED]);
}

#[test]
fn a_touched_oversight_file_is_told() {
    let found = change("src/monitor/x.py", "def f():\n    return g()\n", "def f():\n    return h()\n");
    assert_eq!((rules_of(&found), found[0].severity), (vec![id::OVERSIGHT_CHANGED], Severity::High));
    assert!(change("src/other/x.py", "def f():\n    return g()\n", "def f():\n    return h()\n").is_empty());
}

proptest! {
    #[test]
    fn any_bytes_never_panic(old in proptest::collection::vec(any::<u8>(), 0..200), new in proptest::collection::vec(any::<u8>(), 0..200), which in 0usize..7) {
        let path = ["a.py", "CLAUDE.md", ".mcp.json", ".github/workflows/a.yml", "CODEOWNERS", "tests/a.rs", "Cargo.lock"][which];
        let scanner = Scanner::builtin().unwrap();
        let _ = scanner.scan_change(&[FileChange { path, old: Some(&old), new: Some(&new) }], 0);
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,80}[\u{2000}-\u{206f}\u{e0000}-\u{e01ef}\u{fe00}-\u{fe0f}]{0,9}\\PC{0,20}") {
        let _ = Scanner::builtin().unwrap().scan_file("a.rs", text.as_bytes());
    }
}
