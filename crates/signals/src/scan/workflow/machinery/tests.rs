use super::*;
use proptest::prelude::*;

fn rules(path: &str, text: &str) -> Vec<(&'static str, u32)> {
    check(path, text.as_bytes()).iter().map(|found| (found.rule, found.line)).collect()
}

#[test]
fn update_services() {
    let path = ".github/dependabot.yml";
    let text = |more: &str| format!("version: 2\nupdates:\n  - package-ecosystem: pip\n    directory: /\n{more}");
    let waiting = "    cooldown: {default-days: 7}\n";
    assert_eq!(rules(path, &text("")), [(id::CI_UPDATE_COOLDOWN, 3)]);
    assert_eq!(rules(path, &text("    cooldown: {default-days: 2}\n")), [(id::CI_UPDATE_COOLDOWN, 3)]);
    assert!(rules(path, &text(waiting)).is_empty());
    let allow = format!("{waiting}    insecure-external-code-execution: allow\n");
    assert_eq!(rules(path, &text(&allow)), [(id::CI_UPDATE_EXECUTION, 6)]);
    assert!(rules(path, &text(&allow.replace("allow", "deny"))).is_empty());
    assert!(rules("other.yml", &text("")).is_empty());
}

#[test]
fn hooks_of_checks() {
    let text = |address: &str| format!("repos:\n  - repo: {address}\n    rev: v1\n  - repo: local\n");
    for address in ["http://x.example/a", "git://x.example/a"] {
        assert_eq!(rules(".pre-commit-config.yaml", &text(address)), [(id::CI_PLAIN_FETCH, 2)]);
    }
    assert_eq!(rules(".pre-commit-config.yaml", &text("ssh://git@github.com/PSFF/black.git")), [(id::CI_LOOKALIKE, 2)]);
    for address in ["https://x.example/a", "https://github.com/psf/black", "https://gitlab.com/psff/black"] {
        assert!(rules(".pre-commit-config.yaml", &text(address)).is_empty(), "{address}");
    }
}

#[test]
fn gitlab() {
    let path = ".gitlab-ci.yml";
    let of = |text: &str| rules(path, text);
    assert_eq!(of("spec: {}\n---\nvariables:\n  CI_DEBUG_TRACE: 'TRUE'\n"), [(id::CI_DEBUG_LOG, 4)]);
    assert!(of("variables:\n  CI_DEBUG_TRACE: 'false'\n").is_empty());
    assert_eq!(of("a:\n  script:\n    - cd $[[ inputs.x | expand_vars ]]\n"), [(id::CI_SCRIPT_VALUE, 3)]);
    assert!(of("a:\n  script:\n    - cd $[[ inputs.x ]]\n  key: $[[ inputs.x | expand_vars ]]\n").is_empty());
    assert_eq!(of("a:\n  script: curl https://x.example | sh\n"), [(id::CI_PIPED_DOWNLOAD, 2)]);
    assert_eq!(
        of("a:\n  image: ruby:3\n  services: [{name: db:1}]\n"),
        [(id::CI_UNPINNED_IMAGE, 2), (id::CI_UNPINNED_IMAGE, 3)]
    );
    assert!(of("a:\n  image: ruby@sha256:00\nb:\n  image: ruby:$V\n").is_empty());
    assert_eq!(of("include:\n  - remote: https://x.example/a.yml\n  - local: /b.yml\n"), [(id::CI_UNPINNED, 2)]);
}

#[test]
fn azure_and_tekton() {
    let azure = |script: &str| rules("ci/azure-pipelines.yml", &format!("steps:\n- powershell: {script}\n"));
    assert_eq!(azure("echo \"$(Build.SourceBranch)\""), [(id::CI_TEMPLATE_INJECTION, 2)]);
    assert_eq!(azure("echo $(System.PullRequest.SourceBranch)"), [(id::CI_TEMPLATE_INJECTION, 2)]);
    assert!(azure("echo $(Build.BuildId) $env:BUILD_SOURCEBRANCH").is_empty());
    assert_eq!(rules("azure-pipelines.yml", "variables:\n  system.debug: 'true'\n"), [(id::CI_DEBUG_LOG, 2)]);
    let tekton = |script: &str| rules(".tekton/a.yml", &format!("steps:\n  - script: |\n      echo {script}\n"));
    assert_eq!(tekton("{{ body.pull_request.title }}"), [(id::CI_TEMPLATE_INJECTION, 3)]);
    assert!(tekton("{{ revision }}").is_empty());
}

#[test]
fn jenkins_quotes() {
    let of = |text: &str| rules("Jenkinsfile", text);
    assert_eq!(of("steps {\n  sh \"echo ${env.CHANGE_TITLE}\"\n}\n"), [(id::CI_TEMPLATE_INJECTION, 2)]);
    assert_eq!(
        of("sh \"\"\"\n  echo ${CHANGE_BRANCH}\n\"\"\"\necho \"${CHANGE_BRANCH}\"\n"),
        [(id::CI_TEMPLATE_INJECTION, 2)]
    );
    assert_eq!(of("sh \"run ${params.x} ${title}\"\n"), [(id::CI_SCRIPT_VALUE, 1); 2]);
    assert!(of("sh 'echo ${CHANGE_TITLE}'\nsh \"echo ${WORKSPACE} ${OWN}\"\n  OWN = 1\n").is_empty());
    assert_eq!(of("sh 'make || true'\n"), [(id::CI_IGNORED_FAILURE, 1)]);
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), which in 0usize..6) {
        let path = ["Jenkinsfile", "dependabot.yml", ".pre-commit-config.yaml", ".gitlab-ci.yml", "azure-pipelines.yml", ".tekton/a.yml"][which];
        let _ = check(path, &bytes);
    }
}
