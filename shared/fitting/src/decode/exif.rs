//! Reads the orientation from EXIF, and nothing else.
//!
//! Only the first directory is read, entry by entry. Pointers to values, other directories and maker notes are never
//! followed, so damage there does no harm. An orientation in XMP is ignored, as browsers and readers based on libjpeg
//! ignore it.

use crate::photo::Orientation;

const ORIENTATION: u16 = 0x0112;

/// An entry of a TIFF directory: tag, type, count, value.
const ENTRY_BYTES: usize = 12;

/// Returns the first valid orientation in a raw EXIF block (TIFF header first).
pub(super) fn orientation(block: &[u8]) -> Option<Orientation> {
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let order = match block.first_chunk()? {
        b"II*\0" => ByteOrder::Little,
        b"MM\0*" => ByteOrder::Big,
        _ => return None,
    };
    let directory = block.get(order.long(block.get(4..8)?)? as usize..)?;
    let count = usize::from(order.short(directory)?);
    let entries = directory[2..].as_chunks::<ENTRY_BYTES>().0.iter().take(count);
    entries
        .filter(|entry| order.short(&entry[..]) == Some(ORIENTATION))
        .find_map(|entry| order.orientation(entry))
}

/// The byte order of a block's numbers.
#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn short(self, bytes: &[u8]) -> Option<u16> {
        let bytes = *bytes.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    fn long(self, bytes: &[u8]) -> Option<u32> {
        let bytes = *bytes.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }

    /// The entry's value. It should be a short, but some writers store a byte or a long; a wrong count does not
    /// matter.
    fn orientation(self, entry: &[u8; ENTRY_BYTES]) -> Option<Orientation> {
        let value = &entry[8..];
        let value = match self.short(&entry[2..])? {
            1 => u32::from(value[0]),
            3 => u32::from(self.short(value)?),
            4 => self.long(value)?,
            _ => return None,
        };
        Orientation::from_exif(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A block with make, orientation and pointers to other directories, in one byte order, and the offset of the
    /// orientation's entry.
    fn block(is_little: bool, orientation: u16) -> (Vec<u8>, usize) {
        let short = |v: u16| if is_little { v.to_le_bytes() } else { v.to_be_bytes() };
        let long = |v: u32| if is_little { v.to_le_bytes() } else { v.to_be_bytes() };
        let mut block = if is_little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() };
        block.extend(long(8));
        block.extend(short(4));
        let mut entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
            block.extend([short(tag), short(kind)].concat());
            block.extend(long(count));
            block.extend(value);
            block.len() - ENTRY_BYTES
        };
        entry(0x010F, 2, 6, long(62));
        let [a, b] = short(orientation);
        let offset = entry(ORIENTATION, 3, 1, [a, b, 0, 0]);
        entry(0x8769, 4, 1, long(70));
        entry(0x8825, 4, 1, long(90));
        // The offset of the second directory, then the data that the pointers point to.
        block.extend(long(80));
        block.extend(b"Maker\0");
        block.extend([0; 48]);
        (block, offset)
    }

    fn oriented(value: u32) -> Option<Orientation> {
        Orientation::from_exif(value)
    }

    #[test]
    fn the_orientation_is_read_in_every_type_and_byte_order() {
        for (is_little, value) in [(true, 6), (false, 8)] {
            let (mut block, _) = block(is_little, value);
            assert_eq!(orientation(&block), oriented(value.into()));
            block.splice(..0, *b"Exif\0\0");
            assert_eq!(orientation(&block), oriented(value.into()), "with the segment's name in front");
        }
        let (mut long, offset) = block(true, 5);
        long[offset + 2] = 4;
        assert_eq!(orientation(&long), oriented(5), "as a long");
        let (mut byte, offset) = block(false, 5);
        (byte[offset + 3], byte[offset + 8]) = (1, 7);
        assert_eq!(orientation(&byte), oriented(7), "as a byte");
    }

    #[test]
    fn the_first_valid_orientation_counts() {
        let (mut twice, offset) = block(true, 9);
        assert_eq!(orientation(&twice), None, "9 is not an orientation");
        let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, 3, 0, 0, 0];
        twice[offset + ENTRY_BYTES..offset + 2 * ENTRY_BYTES].copy_from_slice(&entry);
        assert_eq!(orientation(&twice), oriented(3));
    }

    #[test]
    fn a_block_may_end_after_the_orientation() {
        let (block, offset) = block(true, 2);
        for end in offset + ENTRY_BYTES..block.len() {
            assert_eq!(orientation(&block[..end]), oriented(2), "cut at {end}");
        }
        for end in 0..offset + ENTRY_BYTES {
            assert_eq!(orientation(&block[..end]), None, "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn damage_elsewhere_never_loses_the_orientation(
            is_little: bool,
            value in 1_u16..=8,
            damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..64),
        ) {
            let (mut block, offset) = block(is_little, value);
            // The entry is found through the header and the directory's count, which stay intact.
            let elsewhere: Vec<usize> =
                (10..block.len()).filter(|at| !(offset..offset + ENTRY_BYTES).contains(at)).collect();
            for (at, byte) in damage {
                block[*at.get(&elsewhere)] = byte;
            }
            prop_assert_eq!(orientation(&block), oriented(value.into()));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut block = b"MM\0*".to_vec();
            block.extend(bytes);
            orientation(&block);
        }
    }
}
