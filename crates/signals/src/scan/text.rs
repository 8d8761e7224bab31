//! Lines that deserve a look: everything that is plain ASCII is skipped at memory speed.

use std::borrow::Cow;

/// Width of the blocks that are tested at once; the compiler turns the loop over one block into vector instructions.
const BLOCK: usize = 64;

/// Longest stretch of one line that is looked at, in bytes. Longer lines are cut into such pieces, so that time stays linear.
const MAX_LINE_BYTES: usize = 1 << 20;

/// A byte that plain source text has no use for: not ASCII, or an escape, a backspace or a substitute.
const fn suspicious(byte: u8) -> bool {
    byte >= 0x80 || matches!(byte, 0x08 | 0x1a | 0x1b)
}

/// Position of the next byte at or after `from` that is not plain text.
#[must_use]
pub fn next_suspicious(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let blocks = rest.chunks_exact(BLOCK);
    let tail = blocks.remainder();
    for (index, block) in blocks.enumerate() {
        // 0x1a and 0x1b differ in their last bit.
        let any = block
            .iter()
            .fold(0u8, |any, &byte| any | (byte & 0x80) | u8::from(byte | 1 == 0x1b) | u8::from(byte == 0x08));
        if any != 0 {
            let inside = block.iter().position(|&byte| suspicious(byte))?;
            return Some(from + index * BLOCK + inside);
        }
    }
    let start = bytes.len() - tail.len();
    tail.iter().position(|&byte| suspicious(byte)).map(|inside| start + inside)
}

/// Number of line ends in `bytes`.
#[must_use]
pub fn count_lines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

/// A line with something in it, as text; bytes that are not UTF-8 stand as U+FFFD.
#[derive(Debug)]
pub struct Line<'a> {
    /// Number, from 1.
    pub number: u32,
    /// Text without the line end.
    pub text: Cow<'a, str>,
    /// True when the line starts at the first byte of the file.
    pub first: bool,
}

/// Walks the lines that hold a suspicious byte.
#[derive(Debug)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    position: usize,
    counted_to: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    /// Starts at the beginning.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, counted_to: 0, line: 1 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let hit = next_suspicious(self.bytes, self.position)?;
        let start =
            memchr::memrchr(b'\n', &self.bytes[self.position..hit]).map_or(self.position, |at| self.position + at + 1);
        let end = memchr::memchr(b'\n', &self.bytes[hit..]).map_or(self.bytes.len(), |at| hit + at);
        let end = end.min(start.max(hit) + MAX_LINE_BYTES);
        self.line += count_lines(&self.bytes[self.counted_to..start]);
        self.counted_to = start;
        self.position = if self.bytes.get(end) == Some(&b'\n') { end + 1 } else { end };
        let text = String::from_utf8_lossy(&self.bytes[start..end]);
        Some(Line { number: u32::try_from(self.line).unwrap_or(u32::MAX), text, first: start == 0 })
    }
}

/// Text of UTF-16 files with a byte order mark as UTF-8; everything else as it is.
#[must_use]
pub fn as_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let big = match bytes {
        [0xff, 0xfe, ..] => false,
        [0xfe, 0xff, ..] => true,
        _ => return Cow::Borrowed(bytes),
    };
    let units = bytes[2..].chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

/// Bytes that no tool shows as text: NUL among the first 8,000, as git decides.
#[must_use]
pub fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, &bytes[..bytes.len().min(8_000)]).is_some()
}

/// Shannon entropy in bits per byte; about 8 for compressed or encrypted bytes.
#[must_use]
pub fn entropy_bits(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let total = bytes.len().max(1) as f64;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| f64::from(count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_fast_path_agrees_with_the_slow_one(bytes in proptest::collection::vec(prop_oneof![8 => 0x20u8..0x7f, 1 => Just(b'\n'), 1 => any::<u8>()], 0..400), from in 0usize..80) {
            let slow = (from.min(bytes.len())..bytes.len()).find(|&at| suspicious(bytes[at]));
            prop_assert_eq!(next_suspicious(&bytes, from), slow);
            let expected: Vec<u32> = (1u32..).zip(bytes.split(|&b| b == b'\n'))
                .filter(|(_, line)| line.iter().any(|&b| suspicious(b))).map(|(number, _)| number).collect();
            let found: Vec<u32> = Lines::new(&bytes).map(|line| line.number).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn utf16_is_read() {
        assert_eq!(&*as_utf8(&[0xff, 0xfe, b'a', 0, 0x2e, 0x20]), "a\u{202e}".as_bytes());
        assert_eq!(&*as_utf8(&[0xfe, 0xff, 0, b'a']), b"a");
    }

    #[test]
    fn entropy_tells_text_from_noise() {
        assert!(entropy_bits(b"aaaaaaaa") < 0.01);
        let noise: Vec<u8> = (0..=255).collect();
        assert!((entropy_bits(&noise) - 8.0).abs() < 1e-9);
    }
}
