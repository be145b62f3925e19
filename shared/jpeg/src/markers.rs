//! Finds markers and segments, and skips bytes between them.
//!
//! Some cameras and editors leave bytes between two segments, or state a wrong length. libjpeg skips to the next
//! marker, and so does this module.

/// The marker that begins a scan's header.
pub(crate) const SCAN: u8 = 0xDA;
/// The marker at the end of the image.
pub(crate) const END: u8 = 0xD9;
/// The marker at the start of an image.
pub(crate) const START: u8 = 0xD8;

/// Returns the next segment: its marker, its content and where the next one begins. The start and the end of an image
/// have no content.
pub(crate) fn segment(file: &[u8], at: usize) -> Option<(u8, &[u8], usize)> {
    let at = next_marker(file, at)?;
    let marker = *file.get(at + 1)?;
    if marker == START || marker == END {
        return Some((marker, &[], at + 2));
    }
    let length = usize::from(u16::from_be_bytes([*file.get(at + 2)?, *file.get(at + 3)?]));
    let next = at + 2 + length.max(2);
    Some((marker, file.get(at + 4..next)?, next))
}

/// Finds the next marker that begins a segment or ends the image. Skips restart markers, stuffed bytes and stray bytes.
pub(crate) fn next_marker(file: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let (marker, next) = any_marker(file, at)?;
        match marker {
            0x01 | 0xD0..=0xD7 => at = next,
            _ => return Some(next - 2),
        }
    }
}

/// Returns the next marker of any kind, and where it ends.
pub(crate) fn any_marker(file: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        while file.get(at..)?.first_chunk().is_some_and(|&bytes| !has_byte_ff(u64::from_be_bytes(bytes))) {
            at += 8;
        }
        at += file[at..].iter().position(|&byte| byte == 0xFF)?;
        match file.get(at + 1)? {
            0x00 => at += 2,
            0xFF => at += 1,
            &marker => return Some((marker, at + 2)),
        }
    }
}

/// Tells whether one of the eight bytes is 255.
#[inline(always)]
pub(crate) fn has_byte_ff(word: u64) -> bool {
    const LOW: u64 = 0x0101_0101_0101_0101;
    // A byte that is 255 is zero when inverted, and only a zero borrows up to its highest bit.
    (!word).wrapping_sub(LOW) & word & (LOW << 7) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_between_segments_are_passed() {
        let tables = [0xFF, 0xDB, 0, 4, 7, 8];
        let before: [&[u8]; 6] = [&[], &[0], &[0xFF], &[1, 0xFF, 0, 2, 0xFF], &[0xFF, 0xD3], &[9; 30]];
        for before in before {
            let file = [before, &tables, &[0xFF, 0xD9]].concat();
            assert_eq!(segment(&file, 0), Some((0xDB, &[7, 8][..], before.len() + 6)), "{before:?}");
        }
    }

    #[test]
    fn a_segment_that_the_file_does_not_hold_is_none() {
        for file in [&[0xFF, 0xDB, 0, 5, 7, 8][..], &[0xFF, 0xDB, 0], &[0xFF], &[1, 2, 3], &[]] {
            assert_eq!(segment(file, 0), None);
        }
        // Stated lengths that leave no room for themselves count as empty.
        assert_eq!(segment(&[0xFF, 0xFE, 0, 1, 9], 0), Some((0xFE, &[][..], 4)));
    }
}
