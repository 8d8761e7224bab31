//! Classes of characters that can hide something.

/// What a line holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(u16);

impl Flags {
    /// Bidirectional embedding, override or isolate.
    pub(super) const BIDI: Self = Self(1);
    /// Directional mark.
    pub(super) const MARK: Self = Self(2);
    /// Zero-width or blank character.
    pub(super) const INVISIBLE: Self = Self(4);
    /// A space that is not U+0020.
    pub(super) const SPACE: Self = Self(8);
    /// A line or paragraph separator.
    pub(super) const BREAK: Self = Self(16);
    /// A tag character.
    pub(super) const TAG: Self = Self(32);
    /// A variation selector.
    pub(super) const SELECTOR: Self = Self(64);
    /// A letter outside ASCII.
    pub(super) const LETTER: Self = Self(128);
    /// Escape or backspace.
    pub(super) const CONTROL: Self = Self(256);

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Class of one character; empty for what hides nothing.
pub(super) fn class(c: char) -> Flags {
    match c {
        '\u{1a}' | '\u{1b}' | '\u{8}' => Flags::CONTROL,
        '\0'..='\u{7f}' => Flags(0),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Flags::BIDI,
        '\u{200e}' | '\u{200f}' | '\u{61c}' => Flags::MARK,
        '\u{85}' | '\u{2028}' | '\u{2029}' => Flags::BREAK,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Flags::SPACE,
        '\u{e0000}'..='\u{e007f}' => Flags::TAG,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Flags::SELECTOR,
        _ if is_invisible(c) => Flags::INVISIBLE,
        _ if c.is_alphabetic() => Flags::LETTER,
        _ => Flags(0),
    }
}

/// Characters that show nothing and are not spaces (Unicode default ignorables, fillers, blanks), apart from those with their own class.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0080}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}')
}

/// All classes of a line.
pub(super) fn flags(text: &str) -> Flags {
    text.chars().fold(Flags::default(), |flags, c| flags | class(c))
}

/// Symbols that have an emoji or text form, as wide ranges of `emoji-variation-sequences.txt`; digits, # and * are keycaps.
pub(super) const fn takes_emoji_selector(c: char) -> bool {
    matches!(c,
        '0'..='9' | '#' | '*' | '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}'
        | '\u{2460}'..='\u{24ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
        | '\u{1f000}'..='\u{1faff}')
}

/// Characters with standardised or ideographic variants (`StandardizedVariants.txt`, IVD), as wide ranges.
pub(super) const fn has_variants(c: char) -> bool {
    matches!(c,
        '0' | '\u{1000}'..='\u{109f}' | '\u{1820}'..='\u{1878}' | '\u{2200}'..='\u{22ff}' | '\u{2a00}'..='\u{2aff}' | '\u{2e80}'..='\u{9fff}' | '\u{a840}'..='\u{a87f}'
        | '\u{aa60}'..='\u{aa7f}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{10ac0}'..='\u{10aff}' | '\u{13000}'..='\u{1345f}' | '\u{20000}'..='\u{3ffff}')
}

/// Scripts in which the joiners U+200C and U+200D are part of ordinary spelling.
pub(super) const fn uses_joiners(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{e00}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
}
