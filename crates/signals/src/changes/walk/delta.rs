//! Differences between objects in packs (git's pack format, "Deltified representation"): sizes of base and result, then pieces that are copied from
//! the base or stand in the difference itself.

/// Capacity beyond base and difference that is trusted before the pieces are seen, in bytes.
const TRUSTED: usize = 1 << 20;

/// The next byte.
fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    Some(*first)
}

/// A size: seven bits a byte, lowest first.
fn size(rest: &mut &[u8]) -> Option<usize> {
    let (mut out, mut shift) = (0u64, 0u32);
    loop {
        let next = byte(rest)?;
        if shift > 56 {
            return None;
        }
        out |= u64::from(next & 0x7f) << shift;
        shift += 7;
        if next & 0x80 == 0 {
            return usize::try_from(out).ok();
        }
    }
}

/// A number of which only some bytes are there, lowest first, as the bits of `which` say.
fn sparse(rest: &mut &[u8], which: u8, bytes: u32) -> Option<usize> {
    let mut out = 0usize;
    for at in (0..bytes).filter(|at| which >> at & 1 == 1) {
        out |= usize::from(byte(rest)?) << (8 * at);
    }
    Some(out)
}

/// The object that a difference makes of its base; `None` when the difference is damaged or is of another base.
pub(super) fn apply(base: &[u8], difference: &[u8]) -> Option<Vec<u8>> {
    let mut rest = difference;
    if size(&mut rest)? != base.len() {
        return None;
    }
    let length = size(&mut rest)?;
    if length as u64 > super::packs::MAX_OBJECT_BYTES {
        return None;
    }
    let mut out = Vec::with_capacity(length.min(base.len() + difference.len() + TRUSTED));
    while let Some(command) = byte(&mut rest) {
        let piece = if command & 0x80 == 0 {
            let (piece, tail) = rest.split_at_checked(usize::from(command))?;
            rest = tail;
            piece
        } else {
            let from = sparse(&mut rest, command & 0x0f, 4)?;
            let count = sparse(&mut rest, command >> 4 & 0x07, 3)?;
            base.get(from..from.checked_add(if count == 0 { 0x1_0000 } else { count })?)?
        };
        // A command of no bytes is reserved.
        if piece.is_empty() || piece.len() > length - out.len() {
            return None;
        }
        out.extend_from_slice(piece);
    }
    (out.len() == length).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_are_copied_or_new() {
        let base = b"0123456789";
        // Copy 3 from 4, "ab", copy 2 from 0.
        let good = [10, 7, 0x91, 4, 3, 2, b'a', b'b', 0x90, 2];
        assert_eq!(apply(base, &good).as_deref(), Some(b"456ab01".as_slice()));
        assert!((0..good.len()).all(|end| apply(base, &good[..end]).is_none()), "cut short");
        for (place, value) in [(0, 9), (1, 6), (1, 8), (3, 9), (4, 7), (5, 0)] {
            let mut bad = good;
            bad[place] = value;
            assert!(apply(base, &bad).is_none(), "byte {place}");
        }
        let large = vec![7; 0x1_0000];
        assert_eq!(apply(&large, &[0x80, 0x80, 4, 0x80, 0x80, 4, 0x80]), Some(large), "no size means 65,536");
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(base in proptest::collection::vec(any::<u8>(), 0..9), difference in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut with_base = vec![u8::try_from(base.len()).unwrap_or(0)];
            with_base.extend(&difference);
            apply(&base, &difference);
            apply(&base, &with_base);
        }
    }
}
