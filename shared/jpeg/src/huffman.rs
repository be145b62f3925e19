//! Huffman tables. One lookup decodes a code together with the value that follows it.

use crate::bits::{Bits, extend};
use crate::error::Corrupt;

/// How many bits an AC table is indexed by: nearly every code with its value, and 16 KB a table.
const AC_BITS: u32 = 12;

/// How many bits the table of single codes is indexed by.
const CODE_BITS: u32 = 9;

/// The codes of one table, and the symbols they stand for.
struct Codes {
    /// For each prefix the symbol and, above it, the length of its code; 0 for longer codes.
    lookup: Box<[u16; 1 << CODE_BITS]>,
    /// For each length the first value of 16 bits that belongs to a longer code.
    limits: [u32; 17],
    /// For each length the number to add to a code to get the index of its symbol.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Codes {
    /// Builds a table from the number of codes of each length and their symbols, as a DHT segment lists them.
    fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, Corrupt> {
        let mut codes = Self {
            lookup: Box::new([0; 1 << CODE_BITS]),
            limits: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0_u32);
        for (length, count) in (1..=16_u32).zip(counts.map(u32::from)) {
            if code + count > 1 << length || (place + count) as usize > symbols.len() {
                return Err(Corrupt);
            }
            codes.offsets[length as usize] = place.cast_signed() - code.cast_signed();
            if length <= CODE_BITS {
                let spread = 1 << (CODE_BITS - length);
                let prefixes = codes.lookup.chunks_exact_mut(spread).skip(code as usize);
                for (prefix, &symbol) in prefixes.zip(&symbols[place as usize..][..count as usize]) {
                    prefix.fill(u16::from(symbol) | u16::try_from(length << 8).unwrap_or_default());
                }
            }
            place += count;
            code += count;
            codes.limits[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Ok(codes)
    }

    /// Returns the symbol whose code begins the next 16 bits, and the code's length.
    #[inline(always)]
    fn find(&self, bits: usize) -> Result<(u8, u32), Corrupt> {
        let [symbol, length] = self.lookup[(bits >> (16 - CODE_BITS)) & ((1 << CODE_BITS) - 1)].to_le_bytes();
        if length != 0 { Ok((symbol, u32::from(length))) } else { self.find_long(bits) }
    }

    #[cold]
    #[inline(never)]
    fn find_long(&self, bits: usize) -> Result<(u8, u32), Corrupt> {
        for length in CODE_BITS + 1..=16 {
            if bits < self.limits[length as usize] as usize {
                let code = i32::try_from(bits >> (16 - length)).unwrap_or_default();
                let place = usize::try_from(code + self.offsets[length as usize]).unwrap_or(usize::MAX);
                return self.symbols.get(place).map(|&symbol| (symbol, length)).ok_or(Corrupt);
            }
        }
        Err(Corrupt)
    }
}

/// A table for a block's first coefficient.
pub(crate) struct DcTable(Codes);

impl DcTable {
    pub(crate) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, Corrupt> {
        if symbols.iter().any(|&size| size > 15) {
            return Err(Corrupt);
        }
        Codes::new(counts, symbols).map(Self)
    }

    /// Reads the difference from the previous block's DC value.
    #[inline(always)]
    pub(crate) fn difference(&self, bits: &mut Bits<'_>) -> Result<i32, Corrupt> {
        bits.refill();
        let (size, length) = self.0.find(bits.peek::<16>())?;
        bits.consume(length);
        Ok(bits.receive_and_extend(u32::from(size)))
    }
}

/// A table for a band of coefficients in a progressive scan.
pub(crate) struct BandTable(Codes);

impl BandTable {
    pub(crate) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, Corrupt> {
        Codes::new(counts, symbols).map(Self)
    }

    /// Reads the next symbol's upper and lower half. Sixteen more bits can be read after it.
    #[inline(always)]
    pub(crate) fn symbol(&self, bits: &mut Bits<'_>) -> Result<(u32, u32), Corrupt> {
        bits.refill();
        let (symbol, length) = self.0.find(bits.peek::<16>())?;
        bits.consume(length);
        Ok((u32::from(symbol >> 4), u32::from(symbol & 15)))
    }
}

/// A table for a block's other coefficients.
pub(crate) struct AcTable {
    codes: Codes,
    /// For each prefix that contains a whole code and its value: the number of their bits, the run of zeros before the
    /// value, and the value (not zero), from the lowest bit up in 8, 8 and 16 bits. Otherwise 0.
    values: Box<[u32; 1 << AC_BITS]>,
    /// For each prefix the coefficients whose codes it contains, as [`Skip`] reads them; 0 if there are none.
    skips: Box<[u32; 1 << AC_BITS]>,
}

/// The next part of a block's coefficients.
pub(crate) enum Next {
    /// So many zeros, then this value.
    Value(usize, i32),
    /// Sixteen zeros.
    Zeros,
    /// Zeros up to the block's end.
    End,
}

/// Several coefficients to skip at once. From the lowest bit up, eight bits each: their number of bits, the number of
/// positions they cover, and both for the first coefficient alone. The highest bit is set if the block ends with them.
#[derive(Clone, Copy)]
struct Skip(u32);

impl Skip {
    const END: u32 = 1 << 31;

    fn bits(self) -> u32 {
        self.0 & 0xFF
    }

    fn places(self) -> u32 {
        self.0 >> 8 & 0xFF
    }

    fn first(self) -> (u32, u32) {
        (self.0 >> 16 & 0xFF, self.0 >> 24 & 0x7F)
    }

    fn ends(self) -> bool {
        self.0 & Self::END != 0
    }

    /// Finds the coefficients whose codes a prefix contains. The value of the last one may extend beyond the prefix.
    fn over(codes: &Codes, prefix: usize) -> Self {
        let window = prefix << (16 - AC_BITS);
        let mut skip = 0;
        let (mut bits, mut places) = (0, 0);
        while bits < AC_BITS {
            let Ok((symbol, length)) = codes.find(window << bits & 0xFFFF) else { break };
            if bits + length > AC_BITS {
                break;
            }
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 && run != 15 {
                bits += length;
                skip |= Self::END;
                break;
            }
            bits += length + size;
            places += run + 1;
            if skip == 0 {
                skip = bits << 16 | places << 24;
            }
        }
        Self(skip | places << 8 | bits)
    }
}

impl AcTable {
    pub(crate) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, Corrupt> {
        let codes = Codes::new(counts, symbols)?;
        let (mut values, mut skips) = (Box::new([0; 1 << AC_BITS]), Box::new([0; 1 << AC_BITS]));
        for (prefix, (value, skip)) in values.iter_mut().zip(skips.iter_mut()).enumerate() {
            *value = Self::value(&codes, prefix);
            *skip = Skip::over(&codes, prefix).0;
        }
        Ok(Self { codes, values, skips })
    }

    fn value(codes: &Codes, prefix: usize) -> u32 {
        let Ok((symbol, length)) = codes.find(prefix << (16 - AC_BITS)) else { return 0 };
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        let bits = length + size;
        if size == 0 || bits > AC_BITS {
            return 0;
        }
        let value = prefix >> (AC_BITS - bits) & ((1 << size) - 1);
        let value = extend(i32::try_from(value).unwrap_or_default(), size);
        bits | run << 8 | value.cast_unsigned() << 16
    }

    /// Reads the next part of a block.
    #[inline(always)]
    pub(crate) fn next(&self, bits: &mut Bits<'_>) -> Result<Next, Corrupt> {
        bits.refill();
        let entry = self.values[bits.peek::<AC_BITS>()];
        if entry != 0 {
            bits.consume(entry & 0xFF);
            return Ok(Next::Value((entry >> 8 & 0xF) as usize, entry.cast_signed() >> 16));
        }
        let (symbol, length) = self.codes.find(bits.peek::<16>())?;
        bits.consume(length);
        Ok(match (symbol >> 4, symbol & 15) {
            (15, 0) => Next::Zeros,
            (_, 0) => Next::End,
            (run, size) => Next::Value(usize::from(run), bits.receive_and_extend(u32::from(size))),
        })
    }

    /// Skips the last `left` coefficients of a block.
    #[inline(always)]
    pub(crate) fn skip(&self, bits: &mut Bits<'_>, mut left: u32) -> Result<(), Corrupt> {
        while left > 0 {
            bits.refill();
            let skip = Skip(self.skips[bits.peek::<AC_BITS>()]);
            if skip.places() < left && skip.0 != 0 {
                bits.consume(skip.bits());
                if skip.ends() {
                    break;
                }
                left -= skip.places();
            } else {
                left = self.skip_one(bits, skip, left)?;
            }
        }
        Ok(())
    }

    /// Skips one coefficient, if several would be too many or the next code is long. Returns how many are left.
    #[inline(never)]
    fn skip_one(&self, bits: &mut Bits<'_>, skip: Skip, left: u32) -> Result<u32, Corrupt> {
        let (length, places) = skip.first();
        if length != 0 {
            bits.consume(length);
            return left.checked_sub(places).ok_or(Corrupt);
        }
        let (symbol, length) = self.codes.find(bits.peek::<16>())?;
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        bits.consume(length + size);
        if size == 0 && run != 15 {
            return Ok(0);
        }
        left.checked_sub(run + 1).ok_or(Corrupt)
    }
}
