//! The one thing that is read from EXIF: the orientation. Everything else stays behind.
//!
//! Only the first directory is looked at, entry by entry; values, other directories and the maker's notes are never
//! followed, so that damage there does no harm. An orientation in XMP does not count: browsers and libjpeg's readers
//! do not heed it either.

use crate::photo::Orientation;

const ORIENTATION: u16 = 0x0112;

/// An entry of a TIFF directory: tag, type, count, value.
const ENTRY_BYTES: usize = 12;

/// The first orientation that makes sense in a raw EXIF block (TIFF header first).
pub(super) fn orientation(block: &[u8]) -> Option<Orientation> {
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let order = match block.first_chunk()? {
        b"II*\0" => Order::Little,
        b"MM\0*" => Order::Big,
        _ => return None,
    };
    let directory = block.get(order.long(block.get(4..8)?)? as usize..)?;
    let count = usize::from(order.short(directory)?);
    let entries = directory[2..].as_chunks::<ENTRY_BYTES>().0.iter().take(count);
    entries
        .filter(|entry| order.short(&entry[..]) == Some(ORIENTATION))
        .find_map(|entry| order.orientation(entry))
}

/// In which order a block has the bytes of its numbers.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
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

    /// The entry's value. It is a short, but some writers make it a byte or a long; a wrong count does not matter.
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

    /// A block with make, orientation and pointers to other directories, in one byte order; and where the
    /// orientation's entry lies.
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
        let place = entry(ORIENTATION, 3, 1, [a, b, 0, 0]);
        entry(0x8769, 4, 1, long(70));
        entry(0x8825, 4, 1, long(90));
        // The second directory, then what the pointers point to.
        block.extend(long(80));
        block.extend(b"Maker\0");
        block.extend([0; 48]);
        (block, place)
    }

    fn oriented(value: u32) -> Option<Orientation> {
        Orientation::from_exif(value)
    }

    #[test]
    fn the_orientation_is_read_whatever_its_type_and_order() {
        for (is_little, value) in [(true, 6), (false, 8)] {
            let (mut block, _) = block(is_little, value);
            assert_eq!(orientation(&block), oriented(value.into()));
            block.splice(..0, *b"Exif\0\0");
            assert_eq!(orientation(&block), oriented(value.into()), "with the segment's name before it");
        }
        let (mut long, place) = block(true, 5);
        long[place + 2] = 4;
        assert_eq!(orientation(&long), oriented(5), "as a long");
        let (mut byte, place) = block(false, 5);
        (byte[place + 3], byte[place + 8]) = (1, 7);
        assert_eq!(orientation(&byte), oriented(7), "as a byte");
    }

    #[test]
    fn the_first_orientation_that_makes_sense_counts() {
        let (mut twice, place) = block(true, 9);
        assert_eq!(orientation(&twice), None, "there are eight");
        let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, 3, 0, 0, 0];
        twice[place + ENTRY_BYTES..place + 2 * ENTRY_BYTES].copy_from_slice(&entry);
        assert_eq!(orientation(&twice), oriented(3));
    }

    #[test]
    fn a_block_may_end_after_the_orientation() {
        let (block, place) = block(true, 2);
        for end in place + ENTRY_BYTES..block.len() {
            assert_eq!(orientation(&block[..end]), oriented(2), "cut at {end}");
        }
        for end in 0..place + ENTRY_BYTES {
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
            let (mut block, place) = block(is_little, value);
            // The way to the entry is the header and the directory's count.
            let elsewhere: Vec<usize> =
                (10..block.len()).filter(|at| !(place..place + ENTRY_BYTES).contains(at)).collect();
            for (at, byte) in damage {
                block[*at.get(&elsewhere)] = byte;
            }
            prop_assert_eq!(orientation(&block), oriented(value.into()));
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut block = b"MM\0*".to_vec();
            block.extend(bytes);
            orientation(&block);
        }
    }
}
