//! Where in a line of code a character stands: in code, in a string or in a comment. A heuristic over one line; block comments and
//! strings over several lines read as code, which errs on the loud side.

use super::super::paths::extension;

/// Comment and quote style of a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `//` and `/* */`; `'` quotes strings.
    Slashes,
    /// As [`Style::Slashes`], but `'` may start a lifetime.
    Rust,
    /// `#`.
    Hash,
    /// `--`.
    Dashes,
    /// `;` or `%`.
    Other,
}

impl Style {
    pub(super) fn of(path: &str) -> Self {
        match extension(path).as_deref() {
            Some("rs") => Self::Rust,
            Some(
                "py" | "pyi" | "pyx" | "sh" | "bash" | "zsh" | "fish" | "rb" | "pl" | "pm" | "r" | "jl" | "ps1"
                | "psm1" | "yaml" | "yml" | "toml" | "cfg" | "conf" | "cmake" | "mk" | "mak" | "am" | "ac" | "nix"
                | "tf" | "hcl" | "nim" | "ex" | "exs" | "bzl" | "bazel" | "star" | "tcl",
            )
            | None => Self::Hash,
            Some("lua" | "sql" | "hs" | "vhd" | "adb") => Self::Dashes,
            Some("ini" | "asm" | "s" | "erl" | "clj" | "cljs" | "el" | "lisp" | "m") => Self::Other,
            Some(_) => Self::Slashes,
        }
    }

    fn comment(self, rest: &str) -> bool {
        match self {
            Self::Slashes | Self::Rust => rest.starts_with("//") || rest.starts_with("/*"),
            Self::Hash => rest.starts_with('#'),
            Self::Dashes => rest.starts_with("--"),
            Self::Other => {
                rest.starts_with(';') || rest.starts_with('%') || rest.starts_with('#') || rest.starts_with("//")
            }
        }
    }
}

/// Place of a byte offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Code,
    Text,
}

/// Where `byte` stands in `line`.
pub(super) fn place(line: &str, byte: usize, style: Style) -> Place {
    let start = line.trim_start();
    let continued = start.starts_with('*') && matches!(style, Style::Slashes | Style::Rust);
    if continued || start.starts_with("<!--") {
        return Place::Text;
    }
    let mut quote = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        if at >= byte {
            break;
        }
        match quote {
            Some(open) => {
                if c == '\\' {
                    chars.next();
                } else if c == open {
                    quote = None;
                }
            }
            None if style.comment(&line[at..]) => return Place::Text,
            None if matches!(c, '"' | '`') => quote = Some(c),
            None if c == '\'' => {
                let literal = style != Style::Rust || line[at + 1..].chars().take(12).skip(1).any(|next| next == '\'');
                quote = literal.then_some(c);
            }
            None => {}
        }
    }
    if quote.is_some() { Place::Text } else { Place::Code }
}
