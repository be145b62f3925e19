//! Entropy-coded data of progressive scans (T.81, G.1).

use super::Scan;

/// Writes entropy-coded data. Codes of DC differences have four bits, those of bands eight or nine.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    buffer: u32,
    count: u32,
    /// Blocks at whose end nothing new comes, and the corrections that belong to them.
    run: u32,
    corrections: Vec<u32>,
}

/// Those codes: the beginning of a DC table and of one for bands, without their symbols 0 to 11 and 0 to 255.
pub(super) const DC_CODES: [u8; 21] = [0xFF, 0xC4, 0, 31, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
pub(super) const BAND_CODES: [u8; 21] =
    [0xFF, 0xC4, 1, 19, 0x10, 0, 0, 0, 0, 0, 0, 0, 128, 128, 0, 0, 0, 0, 0, 0, 0];

impl Writer {
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        for n in (0..count).rev() {
            self.buffer = self.buffer << 1 | (bits >> n & 1);
            self.count += 1;
            if self.count == 8 {
                let byte = self.buffer as u8;
                self.bytes.push(byte);
                if byte == 0xFF {
                    self.bytes.push(0);
                }
                (self.buffer, self.count) = (0, 0);
            }
        }
    }

    fn symbol(&mut self, symbol: u32) {
        if symbol < 128 { self.put(symbol, 8) } else { self.put(128 + symbol, 9) }
    }

    fn value(&mut self, value: i32, size: u32) {
        self.put(if value < 0 { (value - 1).cast_unsigned() } else { value.cast_unsigned() }, size);
    }

    fn end_run(&mut self) {
        if self.run > 0 {
            let size = self.run.ilog2();
            self.symbol(size << 4);
            self.put(self.run, size);
            self.run = 0;
            self.put_corrections(0);
        }
    }

    /// Those after so many that belong to the blocks before.
    fn put_corrections(&mut self, first: usize) {
        for bit in self.corrections.split_off(first) {
            self.put(bit, 1);
        }
    }

    pub(super) fn finish(&mut self) {
        self.end_run();
        while self.count != 0 {
            self.put(1, 1);
        }
    }

    pub(super) fn difference(&mut self, value: i32) {
        let size = size_of(value);
        self.put(size, 4);
        self.value(value, size);
    }

    pub(super) fn band(&mut self, block: &[i32; 64], scan: &Scan) {
        let mut zeros = 0;
        for &level in &block[scan.band.0..=scan.band.1] {
            let value = level.signum() * (level.abs() >> scan.shift);
            if value == 0 {
                zeros += 1;
                continue;
            }
            self.end_run();
            for _ in 0..zeros / 16 {
                self.symbol(0xF0);
            }
            self.symbol((zeros % 16) << 4 | size_of(value));
            self.value(value, size_of(value));
            zeros = 0;
        }
        self.run += u32::from(zeros > 0);
    }

    pub(super) fn refine(&mut self, block: &[i32; 64], scan: &Scan) {
        let places = scan.band.0..=scan.band.1;
        let last_new = places.clone().rev().find(|&k| block[k].abs() >> scan.shift == 1).unwrap_or(0);
        let mut zeros = 0;
        let mut first = self.corrections.len();
        for k in places {
            let value = block[k].unsigned_abs() >> scan.shift;
            if value == 0 {
                zeros += 1;
                continue;
            }
            while zeros > 15 && k <= last_new {
                let own = self.corrections.split_off(first);
                self.end_run();
                self.symbol(0xF0);
                zeros -= 16;
                (self.corrections, first) = (own, 0);
                self.put_corrections(0);
            }
            if value > 1 {
                self.corrections.push(value & 1);
                continue;
            }
            let own = self.corrections.split_off(first);
            self.end_run();
            self.symbol(zeros << 4 | 1);
            self.put(u32::from(block[k] > 0), 1);
            (self.corrections, first) = (own, 0);
            self.put_corrections(0);
            zeros = 0;
        }
        self.run += u32::from(zeros > 0 || self.corrections.len() > first);
    }
}

fn size_of(value: i32) -> u32 {
    value.unsigned_abs().checked_ilog2().map_or(0, |log| log + 1)
}
