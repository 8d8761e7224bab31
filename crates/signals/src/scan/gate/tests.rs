#![allow(clippy::unwrap_used)]
use super::*;

fn rules(path: &str, old: &str, new: &str) -> Vec<&'static str> {
    compare(path, Some(old.as_bytes()), Some(new.as_bytes())).iter().map(|found| found.rule).collect()
}

#[test]
fn code_owners() {
    let old = "* @team\n/src/monitor/ @safety @lead\n";
    assert_eq!(rules("CODEOWNERS", old, "* @team\n"), [id::GATE_OWNERS]);
    assert_eq!(rules("CODEOWNERS", old, "* @team\n/src/monitor/\n"), [id::GATE_OWNERS]);
    assert_eq!(
        rules("CODEOWNERS", old, "* @team\n/src/monitor/ @safety @lead\n/src/monitor/x.py\n"),
        [id::GATE_OWNERS]
    );
    assert_eq!(rules("CODEOWNERS", old, "* @team\n/src/monitor/ @safety\n"), [id::GATE_EXCEPTION]);
    assert!(
        rules("CODEOWNERS", old, "* @team\n/src/monitor/ @safety @other\n/x @y\n").is_empty(),
        "a handover and a new entry"
    );
    assert_eq!(compare("CODEOWNERS", Some(old.as_bytes()), None)[0].rule, id::GATE_REMOVED);
}

#[test]
fn branch_rules() {
    let old = "branches:\n  - name: main\n    protection:\n      enforce_admins: true\n      required_pull_request_reviews:\n        required_approving_review_count: 2\n      required_status_checks:\n        contexts: [test, lint]\n      required_signatures: true\n";
    let cut = |from: &str, to: &str| rules(".github/settings.yml", old, &old.replace(from, to));
    assert_eq!(cut("enforce_admins: true", "enforce_admins: false"), [id::GATE_BRANCH_RULE]);
    assert_eq!(cut("count: 2", "count: 1"), [id::GATE_BRANCH_RULE]);
    assert_eq!(cut("[test, lint]", "[test]"), [id::GATE_BRANCH_RULE]);
    assert_eq!(cut("required_signatures: true", "required_signatures: false"), [id::GATE_SIGNATURE]);
    assert_eq!(cut("      required_signatures: true\n", ""), [id::GATE_SIGNATURE]);
    assert!(cut("[test, lint]", "[test, lint, fuzz]").is_empty());
    assert!(cut("count: 2", "count: 3").is_empty());
}

#[test]
fn hooks_and_attributes() {
    let old = "repos:\n- repo: x\n  rev: v1\n  hooks: [{id: ruff}, {id: detect-secrets}]\n";
    assert_eq!(rules(".pre-commit-config.yaml", old, &old.replace(", {id: detect-secrets}", "")), [id::GATE_HOOK]);
    assert!(rules(".pre-commit-config.yaml", old, &old.replace("v1", "v2")).is_empty());
    assert_eq!(rules(".gitattributes", "* text=auto\n", "* text=auto\nsrc/core.py -diff\n"), [id::GATE_EXCEPTION]);
    assert!(rules(".gitattributes", "* text=auto\n", "* text=auto\n*.sh eol=lf\n").is_empty());
    assert_eq!(
        rules("allowed_signers", "a@x ssh-ed25519 AAAA\n", "a@x ssh-ed25519 AAAA\nb@x ssh-ed25519 BBBB\n"),
        [id::GATE_SIGNATURE]
    );
    assert_eq!(rules(".husky/pre-commit", "npm run lint\nnpm test\n", "npm test\n"), [id::GATE_HOOK]);
}

#[test]
fn lint_levels_and_supply_rules() {
    assert_eq!(
        rules("clippy.toml", "too-many-lines-threshold = 70\n", "too-many-lines-threshold = 700\n"),
        [id::GATE_THRESHOLD]
    );
    let deny = "[advisories]\nyanked = \"deny\"\n[bans]\ndeny = [{ crate = \"dapol\" }]\n";
    assert_eq!(rules("deny.toml", deny, &deny.replace("yanked = \"deny\"", "yanked = \"warn\"")), [id::GATE_LINT]);
    assert_eq!(
        rules("deny.toml", deny, &format!("{deny}[advisories.x]\nignore = [\"RUSTSEC-1\"]\n")),
        [id::GATE_EXCEPTION]
    );
    assert!(rules("deny.toml", &deny.replace("deny\"", "warn\""), deny).is_empty(), "stricter is fine");
    assert_eq!(
        rules(".eslintrc.json", r#"{"rules": {"no-eval": "error"}}"#, r#"{"rules": {"no-eval": "off"}}"#),
        [id::GATE_LINT]
    );
    assert_eq!(
        rules("eslint.config.js", "rules: {\n 'no-eval': 'error',\n}", "rules: {\n 'no-eval': 'off',\n}"),
        [id::GATE_LINT]
    );
    assert_eq!(
        rules("tsconfig.json", r#"{"compilerOptions": {"strict": true}}"#, r#"{"compilerOptions": {"strict": false}}"#),
        [id::GATE_LINT]
    );
    assert_eq!(rules("ruff.toml", "select = [\"E\", \"S\"]\n", "select = [\"E\"]\n"), [id::GATE_LINT]);
    assert_eq!(rules("ruff.toml", "ignore = []\n", "ignore = [\"S608\"]\n"), [id::GATE_EXCEPTION]);
}

#[test]
fn thresholds() {
    assert_eq!(
        rules(".coveragerc", "[report]\nfail_under = 90\n", "[report]\nfail_under = 50\n"),
        [id::GATE_THRESHOLD]
    );
    assert_eq!(rules(".coveragerc", "[report]\nfail_under = 90\n", "[report]\n"), [id::GATE_THRESHOLD]);
    assert_eq!(
        rules(
            "codecov.yml",
            "coverage:\n  status:\n    project:\n      default:\n        target: 80%\n",
            "coverage:\n  status:\n    project:\n      default:\n        target: 60%\n"
        ),
        [id::GATE_THRESHOLD]
    );
    assert_eq!(rules("codecov.yml", "a:\n  informational: false\n", "a:\n  informational: true\n"), [id::GATE_LINT]);
    assert!(rules(".coveragerc", "[report]\nfail_under = 90\n", "[report]\nfail_under = 95\n").is_empty());
    assert_eq!(
        rules("deny.toml", "[a]\nyanked = \"deny\"\n", "[a\n"),
        [id::GATE_REMOVED],
        "an unreadable gate is no gate"
    );
}

#[test]
fn lint_levels_in_source() {
    let rules = |old: &str, new: &str| {
        source_levels(old.as_bytes(), new.as_bytes()).iter().map(|found| found.rule).collect::<Vec<_>>()
    };
    assert_eq!(rules("#![forbid(unsafe_code)]\nfn a() {}\n", "fn a() {}\n"), [id::GATE_LINT]);
    assert_eq!(rules("x = 1\n", "# mypy: ignore-errors\nx = 1\n"), [id::GATE_LINT]);
    assert!(rules("#![deny(unsafe_code)]\n", "#![forbid(unsafe_code)]\n").is_empty());
}
