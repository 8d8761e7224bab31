//! Positive cases, and negatives that are close to them.

use super::*;
use proptest::prelude::*;

fn body(name: &str, count: usize) -> String {
    (0..count).map(|at| format!("    let {name}_{at} = compute({at}, total);\n")).collect()
}

/// AI writes `ai`; then a person turns `old` into `new`.
fn judged(ai: &str, old: &str, new: &str) -> Again {
    let mut origins = Origins::default();
    origins.enter(ai.as_bytes(), Some(7));
    origins.enter(old.as_bytes(), None);
    let mut again = Again::default();
    origins.judge(old.as_bytes(), new.as_bytes(), &mut again);
    again
}

#[test]
fn lines_that_move_keep_their_origin() {
    let ai = body("x", 30);
    let again = judged(&ai, "", &format!("fn other() {{\n{ai}}}\n"));
    assert_eq!((again.telling, again.moved, again.laid_out), (31, 30, 0));
    assert_eq!(again.from, BTreeMap::from([(7, 30)]));
    // Within a file: the block goes from the top to the end.
    let rest = body("own", 40);
    let again = judged(&ai, &format!("{ai}{rest}"), &format!("{rest}{ai}"));
    assert_eq!((again.telling, again.moved), (30, 30));
}

#[test]
fn new_text_and_a_persons_own_lines_are_not_moved() {
    let ai = body("x", 30);
    assert_eq!(judged(&ai, "", &body("y", 30)).moved, 0, "other lines");
    assert_eq!(judged(&ai, &ai, "").telling, 0, "AI's lines removed");
    let mut origins = Origins::default();
    // The person had them first; that AI moved them does not make them AI's.
    origins.enter(ai.as_bytes(), None);
    origins.enter(ai.as_bytes(), Some(7));
    let mut again = Again::default();
    origins.judge(b"", ai.as_bytes(), &mut again);
    assert_eq!((again.telling, again.moved), (30, 0));
    // Short lines say nothing.
    let short = "}\n\nelse {\nx = 1\n".repeat(20);
    assert_eq!(judged(&short, "", &short), Again::default());
}

#[test]
fn another_layout_keeps_the_origin() {
    let ai = body("x", 30);
    let tabs = ai.replace("    ", "\t").replace(" = ", "=");
    let again = judged(&ai, &ai, &tabs);
    assert_eq!((again.telling, again.laid_out, again.moved), (30, 30, 0));
    // A formatter breaks lines, and adds the comma before the bracket; another kind of quotes.
    let wide: String =
        (0..12).map(|at| format!("value_{at} = function_{at}(first_argument, 'second', third)\n")).collect();
    let tall: String = (0..12)
        .map(|at| {
            format!("value_{at} = function_{at}(\n    first_argument,\n    \"second\",\n    third_word,\n)\n")
                .replace("third_word", "third")
        })
        .collect();
    let again = judged(&wide, &wide, &tall);
    // `third` alone is too short to tell.
    assert_eq!((again.telling, again.laid_out, again.moved), (36, 36, 0));
    let again = judged(&tall, &tall, &wide);
    assert_eq!((again.telling, again.laid_out), (12, 12), "and back");
}

#[test]
fn what_also_changes_text_is_not_only_laid_out() {
    let ai = body("x", 30);
    let other = ai.replace("    ", "\t").replace("compute", "guess");
    assert_eq!(judged(&ai, &ai, &other).laid_out, 0);
    let mixed = ai.replace("    ", "\t").replacen("compute", "guess", 10);
    let again = judged(&ai, &ai, &mixed);
    assert_eq!((again.telling, again.laid_out, again.moved), (30, 20, 0));
    // Laid out by a person, written by a person.
    let again = judged("", &ai, &ai.replace("    ", "\t"));
    assert_eq!((again.telling, again.laid_out), (30, 0));
}

#[test]
fn a_broken_line_keeps_its_origin_when_it_moves_later() {
    let wide: String =
        (0..30).map(|at| format!("call_it_{at}(first_argument_{at}, second_argument_{at});\n")).collect();
    let tall = wide.replace("(first", "(\n    first").replace(", second", ",\n    second").replace(");", ",\n);");
    let mut origins = Origins::default();
    origins.enter(wide.as_bytes(), Some(3));
    origins.judge(wide.as_bytes(), tall.as_bytes(), &mut Again::default());
    let mut again = Again::default();
    origins.judge(b"", tall.as_bytes(), &mut again);
    assert_eq!((again.telling, again.moved), (90, 90));
}

proptest! {
    #[test]
    fn any_bytes_never_panic(
        ai in proptest::collection::vec(any::<u8>(), 0..80),
        old in "[ab,)( \n]{0,80}",
        new in "[ab,)( \n]{0,80}",
    ) {
        let mut origins = Origins::default();
        origins.enter(&ai, Some(0));
        let mut again = Again::default();
        origins.judge(&ai, old.as_bytes(), &mut again);
        origins.judge(old.as_bytes(), new.as_bytes(), &mut again);
        prop_assert!(again.laid_out + again.moved <= again.telling);
        prop_assert_eq!(again.from.values().sum::<u64>(), again.laid_out + again.moved);
    }
}
