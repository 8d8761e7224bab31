//! Trailers of a commit message (`git interpret-trailers`): `Key: value` lines in the last paragraph.
//!
//! Real messages are less tidy: squash merges leave trailers in the middle and separators after them. Attribution must not depend on
//! a blank line, so that lines of the keys that matter count anywhere after the subject, and only they do.

/// Most trailers that are read of one message; the rest is not looked at.
pub const MAX_TRAILERS: usize = 1_000;
/// Longest value that is kept, in bytes.
const MAX_VALUE_BYTES: usize = 512;

/// A trailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Key in lower case.
    pub key: String,
    /// Value without surrounding white space.
    pub value: String,
}

/// The end of the longest prefix of at most `most` bytes that is whole characters.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// All lines after the subject that look like a trailer with a key of `keys` (lower case).
#[must_use]
pub fn trailers(message: &str, wanted: impl Fn(&str) -> bool) -> Vec<Trailer> {
    let mut out = Vec::new();
    for line in message.lines().skip(1) {
        // Quoting and list signs that forges put in front of squashed messages.
        let line = line.trim_start_matches([' ', '\t', '*', '-', '>', '|']);
        let Some(colon) = line.find(':').filter(|colon| (1..=40).contains(colon)) else { continue };
        let key = line[..colon].trim_end().to_ascii_lowercase();
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') || !wanted(&key) {
            continue;
        }
        let value = cut(line[colon + 1..].trim(), MAX_VALUE_BYTES).to_owned();
        if !value.is_empty() {
            out.push(Trailer { key, value });
        }
        if out.len() >= MAX_TRAILERS {
            break;
        }
    }
    out
}

/// Name and address of `Name <address>`; without brackets all of it is the name.
#[must_use]
pub fn person(value: &str) -> (&str, &str) {
    match (value.find('<'), value.rfind('>')) {
        (Some(open), Some(close)) if open < close => (value[..open].trim(), value[open + 1..close].trim()),
        _ => (value.trim(), ""),
    }
}

/// The subject ends with `(#123)`, as forges write it when they merge a pull request.
#[must_use]
pub fn has_request_suffix(message: &str) -> bool {
    let subject = message.lines().next().unwrap_or("").trim_end();
    let Some(number) =
        subject.strip_suffix(')').and_then(|rest| rest.rsplit("(#").next().filter(|_| rest.contains("(#")))
    else {
        return false;
    };
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The message looks like several squashed ones: at least two list items after the subject.
#[must_use]
pub fn looks_squashed(message: &str) -> bool {
    message.lines().skip(1).filter(|line| line.starts_with("* ")).take(2).count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_wanted_keys_after_the_subject_count() {
        let message = "Co-authored-by: Subject <a@b.c>\n\nText: no\n* Co-Authored-By: Claude <noreply@anthropic.com>\n\nReviewed-By : A B <a@b.c>\nsigned-off-by:\n";
        let found = trailers(message, |key| ["co-authored-by", "reviewed-by", "signed-off-by"].contains(&key));
        assert_eq!(found.len(), 2);
        assert_eq!(person(&found[0].value), ("Claude", "noreply@anthropic.com"));
        assert_eq!(found[1].key, "reviewed-by");
        assert_eq!(person("just a name"), ("just a name", ""));
        assert_eq!(person("x >y< z"), ("x >y< z", ""));
    }

    #[test]
    fn request_suffixes_and_squashes() {
        assert!(has_request_suffix("Do it (#12)\n"));
        assert!(!has_request_suffix("Do it (#12a)") && !has_request_suffix("Do it 12)") && !has_request_suffix(""));
        assert!(looks_squashed("S\n\n* a\n\n* b") && !looks_squashed("S\n\n* a"));
    }

    proptest! {
        #[test]
        fn any_text_never_panics(text in "\\PC{0,200}", value in "\\PC{0,600}") {
            let _ = trailers(&format!("s\n{text}\nco-authored-by: {value}"), |_| true);
            let _ = (person(&text), has_request_suffix(&text), looks_squashed(&text));
        }
    }
}
