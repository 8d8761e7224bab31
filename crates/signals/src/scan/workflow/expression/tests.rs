#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn flows(text: &str) -> Vec<String> {
    let expression = parse(text).unwrap();
    let mut out = Vec::new();
    expression.flows(&mut out);
    out
}

#[test]
fn paths_are_read_without_case_and_in_both_forms() {
    assert_eq!(flows("github.EVENT.issue.title"), ["github.event.issue.title"]);
    assert_eq!(flows("github['event']['Issue'].title"), ["github.event.issue.title"]);
    assert_eq!(flows("github.event.commits[0].message"), ["github.event.commits.*.message"]);
    assert_eq!(flows("steps.a-b.outputs.*"), ["steps.a-b.outputs.*"]);
    assert_eq!(flows("inputs[inputs.foo]"), ["inputs.*"]);
}

#[test]
fn only_what_can_reach_the_result_flows() {
    assert!(flows("github.head_ref == 'x'").is_empty());
    assert!(flows("contains(github.head_ref, 'x')").is_empty());
    assert!(flows("!github.head_ref").is_empty());
    assert_eq!(flows("a.b && c.d || e.f"), ["c.d", "e.f"]);
    assert_eq!(flows("format('{0}', toJSON(github.event))"), ["github.event"]);
    assert_eq!(flows("fromJSON(a.b).c[0].d"), ["a.b"]);
    assert_eq!(flows("(a.b || c.d).e"), ["a.b.e", "c.d.e"]);
    assert_eq!(flows("case(a.b == 'x', c.d, 'y')"), ["c.d"]);
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in ["", "a.", "a b", "'open", "f(", "(a", "a[", "a ||", "1x", "\u{2028}"] {
        assert_eq!(parse(text), None, "{text}");
    }
    assert!(parse(&"(".repeat(5_000)).is_none() && parse(&"!".repeat(5_000)).is_none());
    assert!(parse(&format!("'{}'", "a".repeat(MAX_BYTES))).is_none());
}

#[test]
fn truth_as_far_as_it_is_known() {
    let none = |_: &Expression| None;
    let tag = |expression: &Expression| match expression {
        Expression::Call(name, _) if name == "startswith" => Some(true),
        _ => None,
    };
    assert_eq!(parse("true && !false").unwrap().truth(&none), Some(true));
    assert_eq!(parse("a.b && false").unwrap().truth(&none), Some(false));
    assert_eq!(parse("a.b || ''").unwrap().truth(&none), None);
    assert_eq!(parse("!startsWith(github.ref, 'refs/tags/')").unwrap().truth(&tag), Some(false));
    assert_eq!(parse("'a' == 'A' && 1 != 2").unwrap().truth(&none), Some(true));
}

#[test]
fn constants() {
    for text in ["true || false", "format('{0}', 'abc')", "1 > 2 || true", "''", "EndsWith('abc', 'c')"] {
        assert!(parse(text).unwrap().is_constant(), "{text}");
    }
    for text in ["a.b", "format('{0}', a.b)", "always()", "fromJSON('[1]')", "hashFiles('a')"] {
        assert!(!parse(text).unwrap().is_constant(), "{text}");
    }
}

#[test]
fn fences_know_quotes() {
    let inside = |text| fences(text).into_iter().map(|fence| fence.inside).collect::<Vec<_>>();
    assert_eq!(inside("a ${{ b }} ${{c}}"), [" b ", "c"]);
    assert_eq!(inside("${{ format('}}', a) }}"), [" format('}}', a) "]);
    assert!(inside("${{ open").is_empty());
    assert_eq!(whole(" ${{ a }}\n"), Some(" a "));
    assert_eq!(whole("x ${{ a }}"), None);
}

proptest! {
    #[test]
    fn any_text_never_panics(text in ".{0,80}", tokens in proptest::collection::vec(proptest::sample::select(vec!["${{", "}}", "a", ".", "*", "[", "]", "(", ")", "'", "!", "&&", "||", "==", "1", ",", "case", " ", "é"]), 0..40)) {
        for text in [text, tokens.concat()] {
            for fence in fences(&text) {
                let _ = parse(fence.inside);
            }
            if let Some(expression) = parse(&text) {
                let (mut flows, mut leaves) = (Vec::new(), Vec::new());
                expression.flows(&mut flows);
                expression.leaves(&mut leaves);
                let _ = (expression.truth(&|_| None), expression.is_constant());
            }
        }
    }
}
