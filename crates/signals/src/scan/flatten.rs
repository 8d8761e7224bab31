//! Settings files of any syntax as one list of (path, value, line): what gates and agent settings are compared on.

use super::paths::extension;
use super::yaml::{self, Node, Value};
use std::collections::BTreeMap;

/// Most entries of one file.
const MAX_ENTRIES: usize = 50_000;
/// Longest settings file, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Keys from the root, joined with `/`. Items of lists have `[]` as their key, so that their order does not matter.
    pub path: String,
    /// Scalar text.
    pub value: String,
    /// Line, from 1; 0 where the syntax's reader gives none.
    pub line: u32,
}

/// All settings of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(pub Vec<Entry>);

impl Settings {
    /// Reads a file by its ending: TOML, YAML, JSON (comments allowed), else `key = value` lines with `[sections]`.
    ///
    /// # Errors
    /// The reader's words; no file content is assumed then.
    pub fn read(path: &str, bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_BYTES {
            return Err("longer than 4 MiB".to_owned());
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
        match extension(path).as_deref() {
            Some("toml" | "lock") => from_toml(text),
            Some("yml" | "yaml") => from_yaml(bytes),
            Some("json" | "jsonc" | "json5" | "eslintrc") => from_json(text),
            _ if text.trim_start().starts_with('{') => from_json(text),
            _ if path.ends_with(".clang-format") || path.ends_with(".eslintrc") => from_yaml(bytes),
            _ => Ok(from_lines(text)),
        }
    }

    /// Values by path.
    #[must_use]
    pub fn by_path(&self) -> BTreeMap<&str, Vec<&Entry>> {
        let mut out: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in &self.0 {
            out.entry(&entry.path).or_default().push(entry);
        }
        out
    }

    /// The first value of a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.path == path)
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}/{key}") }
}

fn from_yaml(bytes: &[u8]) -> Result<Settings, String> {
    let mut out = Settings::default();
    for node in yaml::parse_all(bytes).map_err(|error| error.to_string())? {
        walk_yaml(&node, "", &mut out)?;
    }
    Ok(out)
}

fn walk_yaml(node: &Node, path: &str, out: &mut Settings) -> Result<(), String> {
    match &node.value {
        Value::Scalar { text, .. } => {
            out.0.push(Entry { path: path.to_owned(), value: text.clone(), line: node.line });
            if out.0.len() > MAX_ENTRIES { Err(format!("more than {MAX_ENTRIES} settings")) } else { Ok(()) }
        }
        Value::Sequence(items) => items.iter().try_for_each(|item| walk_yaml(item, &join(path, "[]"), out)),
        Value::Mapping(entries) => {
            entries.iter().try_for_each(|(key, value)| walk_yaml(value, &join(path, key.text().unwrap_or("?")), out))
        }
    }
}

fn from_json(text: &str) -> Result<Settings, String> {
    let plain = strip_comments(text);
    // JSON is YAML but for tabs, and that reader knows the lines.
    if let Ok(settings) = from_yaml(plain.as_bytes()) {
        return Ok(settings);
    }
    let value: serde_json::Value = serde_json::from_str(&plain).map_err(|error| error.to_string())?;
    let mut out = Settings::default();
    walk_json(&value, "", &mut out)?;
    Ok(out)
}

fn walk_json(value: &serde_json::Value, path: &str, out: &mut Settings) -> Result<(), String> {
    match value {
        serde_json::Value::Array(items) => items.iter().try_for_each(|item| walk_json(item, &join(path, "[]"), out)),
        serde_json::Value::Object(entries) => {
            entries.iter().try_for_each(|(key, value)| walk_json(value, &join(path, key), out))
        }
        scalar => {
            let value = scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned);
            out.0.push(Entry { path: path.to_owned(), value, line: 0 });
            if out.0.len() > MAX_ENTRIES { Err(format!("more than {MAX_ENTRIES} settings")) } else { Ok(()) }
        }
    }
}

/// JSON without `//` and `/* */` comments and without trailing commas; line ends stay, so that lines keep their numbers.
fn strip_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let (mut quoted, mut pending_comma) = (false, false);
    while let Some(c) = chars.next() {
        if quoted {
            out.push(c);
            match c {
                '\\' => out.extend(chars.next()),
                '"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match (c, chars.peek()) {
            ('/', Some('/')) => while chars.next_if(|next| *next != '\n').is_some() {},
            ('/', Some('*')) => {
                let mut last = ' ';
                for next in chars.by_ref() {
                    if next == '\n' {
                        out.push('\n');
                    }
                    if last == '*' && next == '/' {
                        break;
                    }
                    last = next;
                }
            }
            (',', _) => pending_comma = true,
            (space, _) if space.is_whitespace() => out.push(space),
            _ => {
                if std::mem::take(&mut pending_comma) && !matches!(c, ']' | '}') {
                    out.push(',');
                }
                quoted = c == '"';
                out.push(c);
            }
        }
    }
    out
}

fn from_toml(text: &str) -> Result<Settings, String> {
    let value: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let mut out = Settings::default();
    walk_toml(&toml::Value::Table(value), "", &mut out)?;
    Ok(out)
}

fn walk_toml(value: &toml::Value, path: &str, out: &mut Settings) -> Result<(), String> {
    match value {
        toml::Value::Array(items) => items.iter().try_for_each(|item| walk_toml(item, &join(path, "[]"), out)),
        toml::Value::Table(entries) => {
            entries.iter().try_for_each(|(key, value)| walk_toml(value, &join(path, key), out))
        }
        scalar => {
            let value = scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned);
            out.0.push(Entry { path: path.to_owned(), value, line: 0 });
            if out.0.len() > MAX_ENTRIES { Err(format!("more than {MAX_ENTRIES} settings")) } else { Ok(()) }
        }
    }
}

/// `key = value` lines with sections; a line that continues a list (indented, no `=`) is an item of the last key.
fn from_lines(text: &str) -> Settings {
    let mut out = Settings::default();
    let (mut section, mut last_key) = (String::new(), String::new());
    for (index, line) in text.lines().enumerate().take(MAX_ENTRIES) {
        let trimmed = line.trim();
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim().to_owned();
            continue;
        }
        match trimmed.split_once(['=', ':']) {
            Some((key, value)) if !line.starts_with([' ', '\t']) || last_key.is_empty() => {
                last_key = join(&section, key.trim());
                if !value.trim().is_empty() {
                    out.0.push(Entry { path: last_key.clone(), value: value.trim().to_owned(), line: number });
                }
            }
            _ => out.0.push(Entry {
                path: join(&last_key, "[]"),
                value: trimmed.trim_end_matches(',').to_owned(),
                line: number,
            }),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn four_syntaxes_give_one_list() {
        let wanted = "80";
        for (path, text) in [
            ("a.toml", "[tool.coverage.report]\nfail_under = 80\n"),
            ("a.yml", "tool:\n  coverage:\n    report:\n      fail_under: 80\n"),
            ("a.json", "{\"tool\": {\"coverage\": {\"report\": {\"fail_under\": 80,}}}} // note\n"),
            ("tabs.json", "{\n\t\"tool\": {\n\t\t\"coverage\": {\"report\": {\"fail_under\": 80}}}}\n"),
        ] {
            let settings = Settings::read(path, text.as_bytes()).unwrap();
            assert_eq!(settings.get("tool/coverage/report/fail_under").unwrap().value, wanted, "{path}");
        }
        let ini = Settings::read(".coveragerc", b"[report]\nfail_under = 80\nomit =\n    a/*\n    b/*\n").unwrap();
        assert_eq!(ini.get("report/fail_under").unwrap().value, wanted);
        assert_eq!(ini.by_path()["report/omit/[]"].len(), 2);
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), which in 0usize..4) {
            let _ = Settings::read(["a.toml", "a.yml", "a.json", "a.ini"][which], &bytes);
        }
    }
}
