//! Each rule of a workflow as it stands: one form that is found, and the closest form that is not.
#![allow(clippy::unwrap_used)]
use super::super::read;
use super::*;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

fn rules(text: &str) -> Vec<&'static str> {
    check(&read(text.as_bytes()).unwrap()).iter().map(|found| found.rule).collect()
}

/// A workflow of one job that is clean, with events, keys of the job and steps put in.
fn workflow(on: &str, job: &str, steps: &str) -> Vec<&'static str> {
    let steps = if steps.is_empty() { "      - run: make\n" } else { steps };
    rules(&format!("on: {on}\npermissions: {{}}\njobs:\n  a:\n    runs-on: x\n{job}    steps:\n{steps}"))
}

fn run(script: &str) -> Vec<&'static str> {
    workflow("push", "", &format!("      - run: {script}\n"))
}

fn has(found: &[&'static str], rule: &str) -> bool {
    found.contains(&rule)
}

#[test]
fn text_of_strangers_in_scripts() {
    for expression in [
        "github.head_ref",
        "github['head_ref']",
        "GitHub.Event.Issue.Title",
        "github.event.commits[0].message",
        "github.event.workflow_run.head_branch",
        "toJSON(github.event)",
        "fromJSON(toJSON(github.event.issue.title))",
        "case(github.event.action == 'opened', github.event.issue.title, 'x')",
        "github.event[inputs.which]",
    ] {
        assert!(has(&run(&format!("echo \"${{{{ {expression} }}}}\"")), id::CI_TEMPLATE_INJECTION), "{expression}");
    }
    for expression in [
        "github.event.pull_request.head.sha",
        "github.event.issue.number",
        "github.event_name",
        "github.head_ref == 'x'",
        "(github.event.pull_request || github.event.issue).number",
    ] {
        let found = run(&format!("echo \"${{{{ {expression} }}}}\""));
        assert_eq!(found, [id::CI_SCRIPT_EXPRESSION], "{expression}");
    }
}

#[test]
fn text_of_strangers_through_a_variable_or_a_matrix() {
    let title = "${{ github.event.issue.title }}";
    let of = |job: &str, script: &str| workflow("push", job, &format!("      - run: {script}\n"));
    let variable = format!("    env: {{T: \"{title}\", U: fixed}}\n");
    assert_eq!(of(&variable, "echo ${{ env.T }}"), [id::CI_TEMPLATE_INJECTION]);
    assert_eq!(of(&variable, "echo ${{ env.U }}"), [id::CI_SCRIPT_EXPRESSION]);
    assert!(of(&variable, "echo $T").is_empty(), "the shell reads it");
    let later = "      - run: ./x \"Y=1\" >> $GITHUB_ENV\n      - run: echo ${{ env.Y }}\n";
    assert!(has(&workflow("issues", "    env: {Y: fixed}\n", later), id::CI_SCRIPT_VALUE), "another value since");
    assert!(!has(&workflow("issues", "    env: {Y: fixed}\n", &later.replace("Y=1", "Z=1")), id::CI_SCRIPT_VALUE));
    let matrix = format!("    strategy: {{matrix: {{t: [\"{title}\"], u: [1]}}}}\n");
    assert_eq!(of(&matrix, "echo ${{ matrix.t }}"), [id::CI_TEMPLATE_INJECTION]);
    assert_eq!(of(&matrix, "echo ${{ matrix.u }}"), [id::CI_SCRIPT_EXPRESSION]);
    let files = format!(
        "      - id: f\n        uses: tj-actions/changed-files@{SHA}\n      - run: echo ${{{{ steps.f.outputs.all_changed_files }}}}\n"
    );
    assert_eq!(workflow("push", "", &files), [id::CI_TEMPLATE_INJECTION]);
}

#[test]
fn text_of_strangers_through_outputs() {
    let of = |script: &str, env: &str| {
        workflow(
            "push",
            "",
            &format!(
                "      - id: s\n        env: {{T: \"{env}\"}}\n        run: {script}\n      - run: echo ${{{{ steps.s.outputs.t }}}}\n"
            ),
        )
    };
    let title = "${{ github.event.issue.title }}";
    for script in
        ["echo \"t=$T\" >> $GITHUB_OUTPUT", "echo \"t=${T}\" >> \"$GITHUB_OUTPUT\"", "echo \"::set-output name=t::$T\""]
    {
        assert_eq!(of(script, title), [id::CI_TEMPLATE_INJECTION], "{script}");
        assert_eq!(of(script, "fixed"), [id::CI_SCRIPT_EXPRESSION], "{script}");
    }
    assert_eq!(of("./count >> $GITHUB_OUTPUT", title), [id::CI_SCRIPT_VALUE], "it may hand it on");
    assert_eq!(of("echo $TX >> $GITHUB_OUTPUT", title), [id::CI_SCRIPT_VALUE], "another variable");
    let replaced = |source: &str| {
        workflow(
            "push",
            "",
            &format!(
                "      - id: s\n        uses: x/replace@{SHA}\n        with: {{source: \"{source}\"}}\n      - run: echo ${{{{ steps.s.outputs.t }}}}\n"
            ),
        )
    };
    assert_eq!(replaced(title), [id::CI_SCRIPT_VALUE]);
    assert_eq!(replaced("fixed"), [id::CI_SCRIPT_EXPRESSION]);
    assert_eq!(of("gh pr view 1 --json title >> $GITHUB_OUTPUT", "fixed"), [id::CI_SCRIPT_VALUE], "the forge's answer");
    let jobs = |context: &str| {
        rules(&format!(
            "on: push\npermissions: {{}}\njobs:\n  a:\n    runs-on: x\n    outputs: {{o: \"${{{{ {context} }}}}\"}}\n    steps: [{{run: make}}]\n  b:\n    needs: a\n    runs-on: x\n    steps:\n      - run: echo ${{{{ needs.a.outputs.o }}}}\n"
        ))
    };
    assert_eq!(jobs("github.head_ref"), [id::CI_TEMPLATE_INJECTION]);
    assert_eq!(jobs("github.sha"), [id::CI_SCRIPT_EXPRESSION]);
    assert_eq!(jobs("needs.a.outputs.o"), [id::CI_SCRIPT_EXPRESSION], "a circle ends");
}

#[test]
fn variables_that_name_each_other_without_end_are_not_followed_without_end() {
    let many = "${{ env.X }}".repeat(200);
    let steps = "      - run: echo ${{ env.X }}\n".repeat(200);
    let found = workflow("push", &format!("    env: {{X: \"{many}\"}}\n"), &steps);
    assert!(has(&found, id::CI_TEMPLATE_INJECTION), "and what is not followed counts as a stranger's");
}

#[test]
fn values_that_a_stranger_may_reach() {
    let step = "      - run: echo ${{ steps.x.outputs.y }}\n";
    assert!(has(&workflow("issues", "", step), id::CI_SCRIPT_VALUE));
    assert_eq!(workflow("push", "", step), [id::CI_SCRIPT_EXPRESSION]);
    let action = |kind: &str| {
        rules(&format!(
            "inputs:\n  x: {{{kind}}}\nruns:\n  using: composite\n  steps:\n    - run: echo ${{{{ inputs.x }}}}\n"
        ))
    };
    assert_eq!(action("required: true"), [id::CI_SCRIPT_VALUE]);
    assert_eq!(action("type: boolean"), [id::CI_SCRIPT_EXPRESSION]);
}

#[test]
fn models_that_strangers_can_reach() {
    let model = |prompt: &str| {
        format!("      - uses: anthropics/claude-code-action@{SHA}\n        with: {{prompt: \"{prompt}\"}}\n")
    };
    let title = "Look at ${{ github.event.issue.title }}";
    assert_eq!(workflow("issues", "", &model(title)), [id::CI_MODEL_STRANGERS, id::CI_MODEL_PROMPT]);
    assert_eq!(workflow("issues", "", &model("Look at ${{ github.event.issue.number }}")), [id::CI_MODEL_STRANGERS]);
    assert!(workflow("push", "", &model("Look at ${{ github.event.issue.number }}")).is_empty());
}

#[test]
fn rights_of_the_token() {
    let of = |permissions: &str, on: &str| {
        rules(&format!("on: {on}\n{permissions}jobs:\n  a:\n    runs-on: x\n    steps: [{{run: make}}]\n"))
    };
    assert_eq!(of("", "push"), [id::CI_PERMISSIONS_UNSAID]);
    assert!(of("permissions: {}\n", "push").is_empty());
    assert_eq!(of("permissions: read-all\n", "push"), [id::CI_READ_ALL]);
    assert_eq!(of("permissions: {contents: write}\n", "push"), [id::CI_WORKFLOW_WRITE]);
    assert!(of("permissions: {contents: read}\n", "push").is_empty());
    assert!(has(&of("", "pull_request_target"), id::CI_STRANGERS_RIGHTS));
    assert!(!has(&of("permissions: {contents: read}\n", "pull_request_target"), id::CI_STRANGERS_RIGHTS));
    assert!(!has(&of("", "pull_request"), id::CI_STRANGERS_RIGHTS));
    assert_eq!(workflow("push", "    permissions: read-all\n", ""), [id::CI_READ_ALL]);
}

#[test]
fn labels_alone_are_no_danger() {
    let labels = format!("      - uses: actions/labeler@{SHA}\n");
    assert!(workflow("pull_request_target", "", &labels).is_empty());
    assert_eq!(
        workflow("pull_request_target", "", &format!("{labels}      - run: make\n")),
        [id::CI_DANGEROUS_TRIGGER]
    );
}

#[test]
fn caches() {
    let go = format!("      - uses: actions/setup-go@{SHA}\n");
    assert_eq!(workflow("release", "", &go), [id::CI_RELEASE_CACHE_UNASKED]);
    assert!(
        workflow("release", "", &go.replace(&format!("{SHA}\n"), &format!("{SHA}\n        with: {{cache: false}}\n")))
            .is_empty()
    );
    assert!(workflow("release", "    cache-mode: none\n", &go).is_empty());
    assert!(workflow("push", "", &go).is_empty());
    let cache = format!("      - uses: actions/cache@{SHA}\n");
    assert!(has(&workflow("pull_request_target", "", &cache), id::CI_STRANGERS_CACHE));
    assert!(has(&workflow("pull_request_target", "    cache-mode: write\n", ""), id::CI_STRANGERS_CACHE));
    assert!(!has(&workflow("pull_request_target", "    cache-mode: none\n", &cache), id::CI_STRANGERS_CACHE));
    assert!(!has(&workflow("pull_request", "", &cache), id::CI_STRANGERS_CACHE));
}

#[test]
fn machines() {
    let on = |event: &str, machine: &str| {
        rules(&format!(
            "on: {event}\npermissions: {{}}\njobs:\n  a:\n    runs-on: {machine}\n    steps: [{{run: make}}]\n"
        ))
    };
    assert_eq!(on("push", "{group: own}"), [id::CI_SELF_HOSTED]);
    assert_eq!(on("push", "\"${{ inputs.x && fromJSON('[\\\"self-hosted\\\"]') || 'y' }}\""), [id::CI_SELF_HOSTED]);
    assert_eq!(on("pull_request", "self-hosted"), [id::CI_SELF_HOSTED, id::CI_STRANGERS_MACHINE]);
    assert!(on("pull_request", "ubuntu-latest").is_empty());
}

#[test]
fn images_without_their_hash() {
    let of = |job: &str| workflow("push", job, "");
    for job in [
        "    container: node:18\n",
        "    container: {image: node}\n",
        "    services: {db: {image: 'db:1'}}\n",
        "    container: {image: \"${{ inputs.image || 'node:18' }}\"}\n",
        "    container: \"${{ matrix.i }}\"\n    strategy: {matrix: {i: [node, '']}}\n",
        "    container: \"${{ matrix.i }}\"\n    strategy: {matrix: \"${{ fromJSON(vars.X) }}\"}\n",
    ] {
        assert_eq!(of(job), [id::CI_UNPINNED_IMAGE], "{job}");
    }
    for job in [
        "    container: node@sha256:00\n",
        "    services: {db: {image: ''}}\n",
        "    container: \"${{ matrix.i || '' }}\"\n    strategy: {matrix: {i: ['node@sha256:00']}}\n",
        "    container: {image: \"${{ inputs.x == 'y' && 'db@sha256:00' || '' }}\"}\n",
    ] {
        assert!(of(job).is_empty(), "{job}");
    }
    assert_eq!(rules("runs: {using: docker, image: 'docker://alpine:3'}\n"), [id::CI_UNPINNED_IMAGE]);
    assert!(rules("runs: {using: docker, image: Dockerfile}\n").is_empty());
}

#[test]
fn secrets_in_the_open() {
    let image = "node@sha256:00";
    let password = |text: &str| {
        workflow(
            "push",
            &format!(
                "    container: {{image: '{image}', credentials: {{username: u, password: \"{text}\"}}}}\n    environment: e\n"
            ),
            "",
        )
    };
    assert_eq!(password("hackme"), [id::CI_CONTAINER_PASSWORD]);
    assert!(password("${{ secrets.P }}").is_empty());
    let env =
        |value: &str| workflow("push", &format!("    environment: e\n    env: {{X: \"${{{{ {value} }}}}\"}}\n"), "");
    assert_eq!(env("toJSON(secrets)"), [id::CI_ALL_SECRETS]);
    assert_eq!(env("format('{0}', toJSON(secrets))"), [id::CI_ALL_SECRETS]);
    assert!(has(&env("secrets[format('A_{0}', inputs.x)]"), id::CI_ALL_SECRETS));
    assert!(env("toJSON(secrets.one)").is_empty() && env("secrets['one']").is_empty());
    assert_eq!(env("fromJSON(secrets.one).part"), [id::CI_SECRET_UNMASKED]);
    assert!(env("fromJSON(vars.one).part").is_empty());
}

#[test]
fn secrets_outside_of_an_environment() {
    let of =
        |job: &str, name: &str| workflow("push", &format!("{job}    env: {{X: \"${{{{ secrets.{name} }}}}\"}}\n"), "");
    assert_eq!(of("", "KEY"), [id::CI_SECRET_UNGUARDED]);
    assert!(of("    environment: release\n", "KEY").is_empty());
    assert!(of("", "GITHUB_TOKEN").is_empty());
}

#[test]
fn switches() {
    for name in ["ACTIONS_RUNNER_DEBUG", "ACTIONS_STEP_DEBUG"] {
        assert_eq!(workflow("push", &format!("    env: {{{name}: true}}\n"), ""), [id::CI_DEBUG_LOG]);
        assert!(workflow("push", &format!("    env: {{{name}: false}}\n"), "").is_empty());
    }
}

#[test]
fn tokens_of_apps_and_registries() {
    let app = |with: &str| {
        workflow(
            "push",
            "",
            &format!("      - uses: actions/create-github-app-token@{SHA}\n        with: {{{with}}}\n"),
        )
    };
    assert_eq!(app("permission-issues: write, skip-token-revoke: true"), [id::CI_APP_TOKEN]);
    assert_eq!(app("app-id: 1"), [id::CI_APP_TOKEN]);
    assert_eq!(app("permission-issues: write, owner: o"), [id::CI_APP_TOKEN]);
    for with in [
        "permission-issues: write",
        "permission-issues: write, owner: o, repositories: r",
        "permission-members: read, owner: o",
    ] {
        assert!(app(with).is_empty(), "{with}");
    }
    assert_eq!(run("cargo publish --token $T"), [id::CI_PUBLISH_TOKEN]);
    assert!(run("cargo publish --dry-run").is_empty() && run("uv publish").is_empty());
    let pypi = |with: &str| workflow("push", "", &format!("      - uses: pypa/gh-action-pypi-publish@{SHA}\n{with}"));
    assert_eq!(pypi("        with: {password: x}\n"), [id::CI_PUBLISH_TOKEN]);
    assert!(
        pypi("").is_empty() && pypi("        with: {password: x, repository-url: 'https://own.example'}\n").is_empty()
    );
}

#[test]
fn names_that_mislead() {
    let uses = |name: &str| workflow("push", "", &format!("      - uses: {name}@{SHA}\n"));
    for name in ["actions/cache//", "actions/cache/save/../save", "github/codeql-action/./init"] {
        assert_eq!(uses(name), [id::CI_OBFUSCATED_USES], "{name}");
    }
    assert_eq!(uses("action/cache"), [id::CI_LOOKALIKE]);
    assert!(uses("actions/cache/save").is_empty() && uses("other/cache").is_empty());
    assert!(workflow("push", "", "      - uses: ./own/../action\n").is_empty());
    assert!(uses("https://code.forge.example/actions/cache").is_empty(), "an address, as Forgejo takes them");
    assert_eq!(uses("https://code.forge.example/actions/./cache"), [id::CI_OBFUSCATED_USES]);
}

#[test]
fn expressions_that_hide() {
    for text in ["true || false", "format('{0}', 'abc')", "'a'"] {
        assert_eq!(
            workflow("push", &format!("    env: {{X: \"${{{{ {text} }}}}\"}}\n"), ""),
            [id::CI_OBFUSCATED_EXPRESSION],
            "{text}"
        );
    }
    for text in ["'${{'", "github.ref == 'x'", "format('{0}', github.ref)"] {
        assert!(workflow("push", &format!("    env: {{X: \"${{{{ {text} }}}}\"}}\n"), "").is_empty(), "{text}");
    }
    let unseen = format!("      - uses: x/y@{SHA}\n        with: ${{{{ fromJSON(steps.a.outputs.b) }}}}\n");
    assert_eq!(workflow("push", "", &unseen), [id::CI_OBFUSCATED_EXPRESSION]);
    assert_eq!(workflow("push", "    env: {X: \"${{ a && '' || 'b' }}\"}\n", ""), [id::CI_UNSOUND_TERNARY]);
    assert!(workflow("push", "    env: {X: \"${{ a && 'b' || '' }}\"}\n", "").is_empty());
}

#[test]
fn conditions() {
    let of = |condition: &str| workflow("push", &format!("    if: {condition}\n"), "");
    for condition in
        ["github.actor_id == 49699333", "github['ACTOR'] == 'x[bot]'", "${{ github.actor_id == '49699333' }}"]
    {
        assert_eq!(of(condition), [id::CI_ACTOR_CONDITION], "{condition}");
    }
    assert!(of("github.actor == 'person'").is_empty());
    assert_eq!(of("contains('main,release', github.ref_name)"), [id::CI_UNSOUND_CONTAINS]);
    assert!(of("contains(fromJSON('[1]'), github.ref_name)").is_empty());
    assert!(of("contains(github.ref_name, 'release')").is_empty());
    assert_eq!(of("\" ${{ a.b }}\""), [id::CI_ALWAYS_TRUE]);
    assert!(of("|-\n      ${{ a.b }}").is_empty());
}

#[test]
fn installs_and_shells() {
    assert_eq!(run("gem install x"), [id::CI_UNLOCKED_INSTALL]);
    assert!(run("bundle install").is_empty());
    let tool = |with: &str| workflow("push", "", &format!("      - uses: aquasecurity/setup-trivy@{SHA}\n{with}"));
    assert_eq!(tool(""), [id::CI_UNLOCKED_INSTALL]);
    assert!(tool("        with: {version: v0.60.0}\n").is_empty());
    assert!(tool("        if: false\n").is_empty(), "it never runs");
    let shell = |name: &str| workflow("push", "", &format!("      - run: make\n        shell: {name}\n"));
    assert_eq!(shell("tcc -run {0}"), [id::CI_ODD_SHELL]);
    assert_eq!(workflow("push", "    defaults: {run: {shell: cmd}}\n", ""), [id::CI_ODD_SHELL]);
    assert!(shell("bash -e {0}").is_empty() && shell("/bin/bash").is_empty() && shell("pwsh").is_empty());
}

#[test]
fn downloads_that_are_run() {
    let script = |lines: &str| workflow("push", "", &format!("      - run: |\n{lines}"));
    let fetch = "          curl -Os https://x.example/a.sh\n";
    assert_eq!(script(&format!("{fetch}          chmod +x a.sh\n          ./a.sh\n")), [id::CI_PIPED_DOWNLOAD]);
    assert_eq!(script(&format!("{fetch}          bash a.sh\n")), [id::CI_PIPED_DOWNLOAD]);
    assert_eq!(run("bash <(curl -s https://x.example/a)"), [id::CI_PIPED_DOWNLOAD]);
    assert!(script(&format!("{fetch}          sha256sum -c a.sum\n          bash a.sh\n")).is_empty());
    assert!(script(&format!("{fetch}          cat a.sh\n")).is_empty());
}

#[test]
fn the_environment_of_later_steps() {
    let of = |line: &str| workflow("issues", "", &format!("      - run: {line}\n"));
    assert_eq!(of("echo \"A=$B\" >> $GITHUB_ENV"), [id::CI_ENVIRONMENT_FILE]);
    assert_eq!(of("cat a.txt >> \"$GITHUB_ENV\""), [id::CI_ENVIRONMENT_FILE]);
    assert!(of("echo \"A=1\" >> \"$GITHUB_ENV\"").is_empty() && of("cat $GITHUB_ENV").is_empty());
    assert!(workflow("push", "", "      - run: echo \"A=$B\" >> $GITHUB_ENV\n").is_empty());
}

#[test]
fn a_strangers_code() {
    let of = |line: &str| workflow("issue_comment", "", &format!("      - run: {line}\n"));
    assert!(has(&of("gh pr checkout 1"), id::CI_UNTRUSTED_CHECKOUT));
    assert!(has(&of("git fetch origin refs/pull/1/head"), id::CI_UNTRUSTED_CHECKOUT));
    assert_eq!(of("git fetch origin main"), [id::CI_DANGEROUS_TRIGGER]);
    let reference = |text: &str, env: &str| {
        let step = format!(
            "      - uses: actions/checkout@{SHA}\n        with: {{persist-credentials: false, ref: \"{text}\"}}\n"
        );
        workflow("workflow_run", env, &step)
    };
    for text in [
        "${{ github.event['pull_request'].head.sha }}",
        "${{ github.event.workflow_run }}",
        "${{ github.event.workflow_run.head_sha || 'main' }}",
        "refs/pull/${{ github.event.number }}/merge",
        "${{ steps.pr.outputs.head_sha }}",
    ] {
        assert!(has(&reference(text, ""), id::CI_UNTRUSTED_CHECKOUT), "{text}");
    }
    let env = "    env: {CODE: \"${{ github.head_ref }}\"}\n";
    assert!(has(&reference("${{ env.CODE }}", env), id::CI_UNTRUSTED_CHECKOUT));
    for text in ["main", "${{ github.sha }}", "${{ steps.x.outputs.version }}", "${{ github.head_ref == 'x' }}"] {
        assert!(!has(&reference(text, env), id::CI_UNTRUSTED_CHECKOUT), "{text}");
    }
}

/// Variables that name variables would multiply: 4,000 times 4,000 times 4,000 expressions. What is not followed counts as the worst.
#[test]
fn expressions_that_multiply_end_in_a_finding() {
    let many = |name: &str| format!("${{{{ env.{name} }}}}").repeat(4_000);
    let steps = format!(
        "      - run: {}\n        env:\n          A: {}\n          B: {}\n          C: {}\n",
        many("A"),
        many("B"),
        many("C"),
        many("D")
    );
    let text = format!("on: push\npermissions: {{}}\njobs:\n  a:\n    runs-on: x\n    steps:\n{steps}");
    let found = check(&read(text.as_bytes()).unwrap());
    let told: Vec<_> = found.iter().filter(|one| one.rule == id::CI_TEMPLATE_INJECTION).collect();
    assert!(!told.is_empty() && told.len() < 4, "{told:?}");
    assert!(told.iter().any(|one| one.message.contains("more expressions than are followed")), "{told:?}");
}
