//! How strong a test file is, before and after: tests, assertions, skips, expected values.

use super::finding::Finding;
use super::paths::extension;
use super::rules::id;
use std::collections::BTreeMap;

/// Longest test file that is compared, in bytes.
const MAX_BYTES: usize = 4 << 20;

/// Marks that a line asserts something.
const ASSERTIONS: [&str; 30] = [
    "assert!(",
    "assert_eq!(",
    "assert_ne!(",
    "assert_matches!(",
    "prop_assert",
    "debug_assert",
    "assert ",
    "assert(",
    "self.assert",
    "pytest.raises",
    "pytest.approx(",
    "expect(",
    "expect!(",
    ".should(",
    ".should.",
    "EXPECT_",
    "ASSERT_",
    "CHECK(",
    "REQUIRE(",
    "t.Error",
    "t.Fatal",
    "require.",
    "assert.",
    "Assert.",
    "assertThat(",
    "assertEquals(",
    "assertTrue(",
    "assertFalse(",
    "assertThrows(",
    "should_panic",
];

/// Marks that a test does not run or may fail.
const SKIPS: [&str; 26] = [
    "#[ignore",
    "pytest.mark.skip",
    "pytest.mark.xfail",
    "pytest.skip(",
    "pytest.xfail(",
    "unittest.skip",
    "@skip",
    "self.skipTest(",
    "it.skip(",
    "test.skip(",
    "describe.skip(",
    "xit(",
    "xdescribe(",
    "xtest(",
    "it.todo(",
    "test.todo(",
    "test.fails(",
    "it.fails(",
    "t.Skip(",
    "t.SkipNow(",
    "@Disabled",
    "@Ignore",
    "[Ignore",
    "GTEST_SKIP(",
    "DISABLED_",
    "it.only(",
];

/// Names of the tests of a file.
fn tests(text: &str, ending: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut marked = false;
    for line in text.lines() {
        let line = line.trim_start();
        let name_after = |mark: &str| {
            line.find(mark).map(|at| {
                line[at + mark.len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
            })
        };
        let name = match ending {
            "rs" => {
                marked = marked || (line.starts_with("#[") && line.contains("test"));
                let name = if marked { name_after("fn ") } else { None };
                marked = marked && name.is_none();
                name
            }
            "py" => name_after("def ").filter(|name| {
                name.starts_with("test") && (line.starts_with("def ") || line.starts_with("async def "))
            }),
            "go" => name_after("func Test").map(|name| format!("Test{name}")),
            "js" | "ts" | "jsx" | "tsx" | "mjs" | "cjs" => {
                let starts = [
                    "it(",
                    "test(",
                    "it.each",
                    "test.each",
                    "it.skip(",
                    "test.skip(",
                    "xit(",
                    "it.only(",
                    "test.only(",
                ]
                .iter()
                .any(|mark| line.starts_with(mark));
                starts.then(|| line.split(['\'', '"', '`']).nth(1).unwrap_or_default().to_owned())
            }
            "java" | "kt" | "cs" => {
                let is_mark = line.starts_with("@Test")
                    || line.starts_with("@ParameterizedTest")
                    || line.starts_with("[Fact")
                    || line.starts_with("[Test");
                marked = marked || is_mark;
                let name =
                    (marked && !is_mark && line.contains('(') && !line.starts_with('@') && !line.starts_with('['))
                        .then(|| {
                            line.split('(')
                                .next()
                                .and_then(|head| head.split_whitespace().last())
                                .unwrap_or_default()
                                .to_owned()
                        });
                marked = marked && name.is_none();
                name
            }
            "c" | "cc" | "cpp" => ["TEST(", "TEST_F(", "TEST_P(", "TEST_CASE("]
                .iter()
                .find_map(|mark| line.strip_prefix(mark))
                .map(|rest| rest.split(')').next().unwrap_or_default().to_owned()),
            _ => None,
        };
        out.extend(name.filter(|name| !name.is_empty()));
    }
    out
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with('#') && !line.starts_with("#[") || line.starts_with('*')
}

fn count(text: &str, marks: &[&str]) -> usize {
    text.lines().filter(|line| !is_comment(line) && marks.iter().any(|mark| line.contains(mark))).count()
}

/// An assertion without its literals: what is asserted, whatever the expected value is.
fn shape(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if is_comment(line) || !ASSERTIONS.iter().any(|mark| line.contains(mark)) {
        return None;
    }
    let (mut shape, mut literals) = (String::new(), String::new());
    let mut quote = None;
    let mut word_before = false;
    for c in line.chars() {
        match quote {
            Some(open) => {
                literals.push(c);
                if c == open {
                    quote = None;
                }
            }
            None if matches!(c, '"' | '\'' | '`') => {
                quote = Some(c);
                shape.push('§');
            }
            None if (c.is_ascii_digit() || c == '.' || c == '-') && !word_before => literals.push(c),
            None => shape.push(c),
        }
        word_before = c.is_alphabetic() || c == '_' || (word_before && c.is_ascii_digit());
    }
    for word in ["true", "false", "True", "False", "None", "null"] {
        if shape.contains(word) {
            literals.push_str(word);
            shape = shape.replace(word, "§");
        }
    }
    Some((shape, literals))
}

/// Assertions whose literals alone changed: line in the new file, old and new text.
fn edited(old: &str, new: &str) -> Vec<(u32, String)> {
    let mut before: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (shape, literals) in old.lines().filter_map(shape) {
        before.entry(shape).or_default().push(literals);
    }
    let mut now: BTreeMap<String, Vec<(u32, String, String)>> = BTreeMap::new();
    for (number, line) in (1u32..).zip(new.lines()) {
        if let Some((shape, literals)) = shape(line) {
            now.entry(shape).or_default().push((number, literals, line.trim().to_owned()));
        }
    }
    let mut out = Vec::new();
    for (shape, lines) in now {
        let Some(then) = before.get(&shape).filter(|then| then.len() == lines.len()) else { continue };
        out.extend(
            lines
                .into_iter()
                .zip(then)
                .filter(|((_, literals, _), before)| literals != *before)
                .map(|((number, _, line), _)| (number, line)),
        );
    }
    out.sort();
    out
}

/// What a changed or removed test file lost. `code_changed`: the same change also touches code that is not a test.
#[must_use]
pub fn compare(path: &str, old: &[u8], new: Option<&[u8]>, code_changed: bool) -> Vec<Finding> {
    let ending = extension(path).unwrap_or_default();
    if old.len() > MAX_BYTES || new.is_some_and(|new| new.len() > MAX_BYTES) {
        return Vec::new();
    }
    let old = String::from_utf8_lossy(old);
    let names = tests(&old, &ending);
    let Some(new) = new else {
        let counted = if names.is_empty() { String::new() } else { format!(" with {} tests", names.len()) };
        return if names.is_empty() && count(&old, &ASSERTIONS) == 0 {
            Vec::new()
        } else {
            vec![Finding::new(id::TEST_DELETED, 0, 0, format!("the file was removed{counted}"))]
        };
    };
    let new = String::from_utf8_lossy(new);
    let mut found = Vec::new();
    let now = tests(&new, &ending);
    // A test that has another name now is not lost: compare numbers first.
    if now.len() < names.len() {
        let gone: Vec<&str> = names.iter().filter(|name| !now.contains(name)).map(String::as_str).collect();
        found.push(Finding::new(
            id::TEST_DELETED,
            0,
            0,
            format!("{} tests became {}: {}", names.len(), now.len(), gone.join(", ")),
        ));
    }
    let (then, after) = (count(&old, &ASSERTIONS), count(&new, &ASSERTIONS));
    if after < then && now.len() >= names.len() {
        found.push(Finding::new(id::TEST_ASSERTIONS, 0, 0, format!("{then} assertions became {after}")));
    }
    if count(&new, &SKIPS) > count(&old, &SKIPS) {
        let line = (1u32..).zip(new.lines()).find(|(_, line)| {
            !is_comment(line) && SKIPS.iter().any(|mark| line.contains(mark)) && !old.contains(line.trim())
        });
        let (number, text) = line.unwrap_or((0, ""));
        found.push(
            Finding::new(id::TEST_SKIPPED, number, 0, "a test is skipped or expected to fail").showing(text.trim()),
        );
    }
    if code_changed {
        for (number, text) in edited(&old, &new).into_iter().take(20) {
            found.push(
                Finding::new(id::TEST_EXPECTATION, number, 0, "the expected value was edited together with code")
                    .showing(text),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests_of_strength {
    use super::*;
    use proptest::prelude::*;

    fn rules(path: &str, old: &str, new: &str, code: bool) -> Vec<&'static str> {
        compare(path, old.as_bytes(), Some(new.as_bytes()), code).iter().map(|found| found.rule).collect()
    }

    const RUST: &str = "#[test]\nfn a() {\n    assert_eq!(f(1), 2);\n    assert!(g());\n}\n\n#[test]\nfn b() {\n    assert!(h());\n}\n";

    #[test]
    fn a_lost_test_assertion_or_file_is_found() {
        let without_b = RUST.split("\n\n").next().unwrap_or_default();
        assert_eq!(rules("tests/a.rs", RUST, without_b, false), [id::TEST_DELETED]);
        assert_eq!(rules("tests/a.rs", RUST, &RUST.replace("    assert!(g());\n", ""), false), [id::TEST_ASSERTIONS]);
        assert_eq!(
            rules("tests/a.rs", RUST, &RUST.replace("    assert!(g());", "    // assert!(g());"), false),
            [id::TEST_ASSERTIONS]
        );
        assert_eq!(compare("tests/a.rs", RUST.as_bytes(), None, false)[0].rule, id::TEST_DELETED);
        assert!(compare("tests/data.txt", b"abc", None, false).is_empty());
    }

    #[test]
    fn skips_in_five_languages() {
        for (path, old, new) in [
            ("tests/a.rs", "#[test]\nfn a() {}\n", "#[test]\n#[ignore]\nfn a() {}\n"),
            ("test_a.py", "def test_a():\n    assert f()\n", "@pytest.mark.xfail\ndef test_a():\n    assert f()\n"),
            ("a.test.ts", "it('x', () => { expect(1) })\n", "it.skip('x', () => { expect(1) })\n"),
            ("a_test.go", "func TestA(t *testing.T) {\n}\n", "func TestA(t *testing.T) {\n\tt.Skip(\"later\")\n}\n"),
            ("ATest.java", "@Test\nvoid a() {}\n", "@Test\n@Disabled\nvoid a() {}\n"),
        ] {
            assert_eq!(rules(path, old, new, false), [id::TEST_SKIPPED], "{path}");
        }
    }

    #[test]
    fn an_expected_value_edited_with_code_is_found() {
        let new = RUST.replace("f(1), 2", "f(1), 3");
        assert_eq!(rules("tests/a.rs", RUST, &new, true), [id::TEST_EXPECTATION]);
        assert!(rules("tests/a.rs", RUST, &new, false).is_empty(), "a repaired test alone is ordinary");
        let python = "def test_a():\n    assert f() == 'x'\n";
        assert_eq!(rules("test_a.py", python, &python.replace("'x'", "'y'"), true), [id::TEST_EXPECTATION]);
    }

    #[test]
    fn more_and_renamed_tests_are_clean() {
        assert!(rules("tests/a.rs", RUST, &RUST.replace("fn b", "fn better"), true).is_empty());
        assert!(rules("tests/a.rs", RUST, &format!("{RUST}\n#[test]\nfn c() {{ assert!(true); }}\n"), true).is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(old in proptest::collection::vec(any::<u8>(), 0..200), new in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = compare("tests/a.rs", &old, Some(&new), true);
        }
    }
}
