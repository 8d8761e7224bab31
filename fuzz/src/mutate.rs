//! Deterministic mutations: the same seed gives the same inputs on every machine.

/// xorshift64*.
pub struct Random(u64);

impl Random {
    /// A generator; zero is replaced, because it would stay zero.
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`, 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16;
        usize::try_from(value).unwrap_or(0).checked_rem(bound).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or(0)
    }
}

/// Values that length fields, counts and numbers break on.
const WORDS: &[&[u8]] = &[
    b"",
    b"0",
    b"-1",
    b"-",
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775808",
    b"1e309",
    b"1e24",
    b"NaN",
    b"+Inf",
    b"\n",
    b"\n\n",
    b"\r\n",
    b" ",
    b"\t",
    b"\"",
    b"'",
    b",",
    b"|",
    b"=",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[[[[[[[[[[[[[[[",
    b"\\",
    b"#",
    b"\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x80\0\0\0",
    b"\x7f\xff\xff\xff",
    b"\x9b\0\0\0\0\xff\xff\xff\xff",
    b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\xbf",
    b"\x9f",
    b"\xc0",
    b"\xfb",
    b"\xe2\x80\x94 ",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"node[1-4294967295]",
    b"gres/gpu=4294967296",
];

/// Changes an input in one to four ways; `other` is a second input to splice with.
pub fn mutate(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let until = at + random.below((bytes.len() - at).min(64) + 1);
        match random.below(10) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.byte(),
            2 => drop(bytes.drain(at..until)),
            3 => bytes.truncate(at),
            4 => drop(bytes.splice(at..at, WORDS[random.below(WORDS.len())].iter().copied())),
            5 => drop(bytes.splice(at..until, WORDS[random.below(WORDS.len())].iter().copied())),
            6 => {
                let again = bytes[at..until].to_vec();
                drop(bytes.splice(at..at, again));
            }
            7 => {
                let from = random.below(other.len() + 1);
                let to = from + random.below((other.len() - from).min(256) + 1);
                drop(bytes.splice(at..until, other[from..to].iter().copied()));
            }
            8 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(if random.below(2) == 0 { 1 } else { 255 }),
            _ => swap_lines(&mut bytes, random),
        }
    }
    bytes
}

/// Exchanges two lines of a text; order and repetition are rules of many formats.
fn swap_lines(bytes: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.len() > 1 {
        let (a, b) = (random.below(lines.len()), random.below(lines.len()));
        lines.swap(a, b);
        *bytes = lines.concat();
    }
}
