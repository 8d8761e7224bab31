#![allow(clippy::unwrap_used)]
use super::super::rules::id;
use super::*;
use proptest::prelude::*;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

fn base() -> String {
    format!(
        "on:\n  pull_request:\n  push:\n    branches: [main]\npermissions:\n  contents: read\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@{SHA}\n        with:\n          persist-credentials: false\n      - name: Test\n        run: cargo test --locked\n      - run: cargo clippy -- -D warnings\n  publish:\n    needs: [test]\n    if: github.ref == 'refs/heads/main'\n    runs-on: ubuntu-latest\n    steps:\n      - name: Publish\n        run: ./publish\n"
    )
}

fn weakened(from: &str, to: &str) -> Vec<&'static str> {
    let old = base();
    assert!(old.contains(from), "the fixture holds {from}");
    let new = old.replace(from, to);
    compare(&read(old.as_bytes()).unwrap(), &read(new.as_bytes()).unwrap()).iter().map(|found| found.rule).collect()
}

fn stands(text: &str) -> Vec<&'static str> {
    check(&read(text.as_bytes()).unwrap()).iter().map(|found| found.rule).collect()
}

#[test]
fn nothing_changed_is_clean() {
    assert!(weakened("ubuntu-latest", "ubuntu-24.04").is_empty());
    assert!(
        weakened("  test:\n    runs-on", "  tests:\n    runs-on").is_empty()
            || !weakened("needs: [test]", "needs: [test]").contains(&id::CI_JOB_REMOVED)
    );
    assert!(weakened("contents: read", "contents: none").is_empty(), "fewer rights");
    assert!(stands(&base()).is_empty());
}

#[test]
fn wider_permissions() {
    assert_eq!(
        weakened("  contents: read", "  contents: write"),
        [id::CI_PERMISSIONS_WIDENED],
        "once for the workflow, not again for each job that inherits"
    );
    assert!(
        weakened("permissions:\n  contents: read\n", "permissions: write-all\n").contains(&id::CI_PERMISSIONS_WIDENED)
    );
    assert!(
        weakened("permissions:\n  contents: read\n", "").contains(&id::CI_PERMISSIONS_WIDENED),
        "unsaid is the default"
    );
    assert_eq!(
        weakened("  publish:\n", "  publish:\n    permissions: {id-token: write}\n"),
        [id::CI_PERMISSIONS_WIDENED]
    );
    assert_eq!(
        weakened("jobs:\n", "jobs:\n  more:\n    runs-on: x\n    permissions: write-all\n"),
        [id::CI_PERMISSIONS_WIDENED]
    );
}

#[test]
fn triggers() {
    assert_eq!(weakened("  pull_request:\n", "  pull_request:\n  pull_request_target:\n"), [id::CI_TRIGGER_ADDED]);
    assert_eq!(
        weakened("  pull_request:\n", "  pull_request:\n  workflow_run: {workflows: [x]}\n"),
        [id::CI_TRIGGER_ADDED]
    );
    assert_eq!(weakened("  pull_request:\n", ""), [id::CI_TRIGGER_NARROWED]);
    assert_eq!(
        weakened("  pull_request:\n", "  pull_request:\n    paths-ignore: [src/**]\n"),
        [id::CI_TRIGGER_NARROWED]
    );
    assert_eq!(weakened("  pull_request:\n", "  pull_request:\n    paths: [docs/**]\n"), [id::CI_TRIGGER_NARROWED]);
    assert!(weakened("branches: [main]", "branches: [main, next]").is_empty());
}

#[test]
fn pins() {
    assert_eq!(weakened(&format!("checkout@{SHA}"), "checkout@v4"), [id::CI_PIN_LOOSENED]);
    assert!(weakened(SHA, &SHA.replace('0', "f")).is_empty(), "another hash");
}

#[test]
fn failures_that_nobody_sees() {
    assert_eq!(weakened("run: cargo test --locked", "run: cargo test --locked || true"), [id::CI_FAILURE_IGNORED]);
    assert_eq!(
        weakened("      - run: cargo clippy -- -D warnings", "      - run: cargo clippy -- -D warnings || true"),
        [id::CI_FAILURE_IGNORED]
    );
    assert_eq!(
        weakened("      - name: Test\n", "      - name: Test\n        continue-on-error: true\n"),
        [id::CI_FAILURE_IGNORED]
    );
    assert_eq!(
        weakened("  test:\n    runs-on", "  test:\n    continue-on-error: true\n    runs-on"),
        [id::CI_FAILURE_IGNORED]
    );
}

#[test]
fn conditions() {
    assert_eq!(
        weakened("      - name: Test\n", "      - name: Test\n        if: false\n"),
        [id::CI_CONDITION_DISABLED]
    );
    assert_eq!(
        weakened("      - name: Test\n", "      - name: Test\n        if: ${{ false && github.ref }}\n"),
        [id::CI_CONDITION_DISABLED]
    );
    assert_eq!(weakened("if: github.ref == 'refs/heads/main'", "if: always()"), [id::CI_CONDITION_FORCED]);
    assert_eq!(weakened("run: cargo test --locked", "run: \"true\""), [id::CI_CONDITION_DISABLED]);
}

#[test]
fn removed_jobs_steps_and_waits() {
    let old = base();
    let start = old.find("  publish:").unwrap();
    let cut = compare(&read(old.as_bytes()).unwrap(), &read(&old.as_bytes()[..start]).unwrap());
    assert_eq!(cut.iter().map(|found| found.rule).collect::<Vec<_>>(), [id::CI_JOB_REMOVED]);
    assert_eq!(weakened("      - run: cargo clippy -- -D warnings\n", ""), [id::CI_STEP_REMOVED]);
    assert_eq!(weakened(" -D warnings", " -W warnings"), [id::CI_STEP_REMOVED]);
    assert_eq!(weakened("    needs: [test]\n", ""), [id::CI_DEPENDENCY_REMOVED]);
}

#[test]
fn secrets_machines_and_caches() {
    assert_eq!(
        weakened("jobs:\n", "jobs:\n  call:\n    uses: ./x.yml\n    secrets: inherit\n"),
        [id::CI_SECRETS_WIDENED]
    );
    assert_eq!(weakened("    needs: [test]\n", "    needs: [test]\n    secrets: inherit\n"), [id::CI_SECRETS_WIDENED]);
    assert!(weakened("runs-on: ubuntu-latest", "runs-on: [self-hosted, x64]").contains(&id::CI_SELF_HOSTED_ADDED));
    let release = |text: &str| text.replace("run: ./publish", "run: cargo publish");
    let old = release(&base());
    let new = old.replace("      - name: Test\n", &format!("      - uses: actions/cache@{SHA}\n      - name: Test\n"));
    let found = compare(&read(old.as_bytes()).unwrap(), &read(new.as_bytes()).unwrap());
    assert_eq!(found[0].rule, id::CI_RELEASE_CACHE_ADDED);
}

#[test]
fn a_workflow_as_it_stands() {
    let target = "on: pull_request_target\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@v4\n        with: {ref: '${{ github.event.pull_request.head.sha }}'}\n      - run: echo \"A=$B\" >> $GITHUB_ENV\n";
    let found = stands(target);
    for rule in [
        id::CI_DANGEROUS_TRIGGER,
        id::CI_UNTRUSTED_CHECKOUT,
        id::CI_UNPINNED,
        id::CI_KEPT_CREDENTIALS,
        id::CI_ENVIRONMENT_FILE,
    ] {
        assert!(found.contains(&rule), "{rule}");
    }
    let job = |body: &str| stands(&format!("on: push\npermissions: {{}}\njobs:\n  a:\n    runs-on: x\n{body}"));
    assert_eq!(job("    steps:\n      - run: echo ${{ github.event.issue.title }}\n"), [id::CI_TEMPLATE_INJECTION]);
    assert_eq!(
        job("    steps:\n      - run: echo $TITLE\n        env: {TITLE: '${{ github.event.issue.title }}'}\n"),
        [] as [&str; 0]
    );
    assert_eq!(job("    permissions: write-all\n"), [id::CI_WRITE_ALL]);
    assert_eq!(job("    secrets: inherit\n"), [id::CI_SECRETS_INHERIT]);
    assert_eq!(job("    env: {ACTIONS_ALLOW_UNSECURE_COMMANDS: true}\n"), [id::CI_INSECURE_COMMANDS]);
    assert_eq!(job("    if: github.actor == 'dependabot[bot]'\n"), [id::CI_ACTOR_CONDITION]);
    assert_eq!(job("    if: |\n      ${{ github.ref == 'x' }}\n"), [id::CI_ALWAYS_TRUE]);
    assert_eq!(job("    steps:\n      - run: curl -s https://x.example/a | bash\n"), [id::CI_PIPED_DOWNLOAD]);
    assert_eq!(
        job("    steps:\n      - run: make || true\n        continue-on-error: true\n"),
        [id::CI_IGNORED_FAILURE; 2]
    );
}

#[test]
fn what_is_no_workflow_is_refused() {
    assert!(read(b"a: 1\n").unwrap_err().to_string().contains("not a workflow"));
    assert!(read(b"\t- [").is_err());
    assert!(
        is_workflow(".github/workflows/a.yml") && !is_workflow(".github/workflows/x/a.yml") && !is_workflow("a.yml")
    );
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..400) {
        let _ = read(&bytes);
        let text = base();
        if let (Ok(old), Ok(new)) = (read(text.as_bytes()), read(&text.as_bytes()[..cut.min(text.len())])) {
            let _ = compare(&old, &new);
            let _ = check(&new);
        }
    }
}
