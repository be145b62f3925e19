//! Inserts chunks into an encoded PNG.

/// A chunk's name and content.
pub(crate) type Chunk = ([u8; 4], Vec<u8>);

/// Inserts chunks after the header of a PNG.
pub(crate) fn with_chunks(png: &[u8], chunks: &[Chunk]) -> Vec<u8> {
    let header = 8 + 25;
    let mut result = png[..header].to_vec();
    for (name, content) in chunks {
        let checked = [&name[..], content].concat();
        result.extend(u32::try_from(content.len()).expect("a short chunk").to_be_bytes());
        result.extend(&checked);
        result.extend(crc32(&checked).to_be_bytes());
    }
    result.extend(&png[header..]);
    result
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}
