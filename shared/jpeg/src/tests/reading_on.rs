//! Files that are not quite as the standard says, which other readers read to the same pixels; and files that lack some.

use jpeg_encoder::{ColorType, SamplingFactor};

use super::*;

const SIZE: (usize, usize) = (200, 150);

/// With restart markers, in which the standard's tables are used.
fn plain() -> Vec<u8> {
    subsampled(SIZE, SamplingFactor::R_4_2_0, 4)
}

fn progressive() -> Vec<u8> {
    encoded(&picture(SIZE), SIZE, ColorType::Rgb, |encoder| encoder.set_progressive(true))
}

/// Where a segment begins and ends.
fn segment(file: &[u8], wanted: u8) -> std::ops::Range<usize> {
    let mut at = 2;
    loop {
        let (marker, content, next) = markers::segment(file, at).unwrap();
        if marker == wanted {
            return next - content.len() - 4..next;
        }
        at = next;
    }
}

/// The file with other bytes in a place.
fn spliced(file: &[u8], place: std::ops::Range<usize>, bytes: &[u8]) -> Vec<u8> {
    [&file[..place.start], bytes, &file[place.end..]].concat()
}

/// Where the restart marker of a number stands for the first time.
fn restart(file: &[u8], number: u8) -> std::ops::Range<usize> {
    let scan = scan_start(file);
    let at = scan + file[scan..].windows(2).position(|pair| pair == [0xFF, 0xD0 + number]).unwrap();
    at..at + 2
}

fn pixels(file: &[u8]) -> Result<Picture, Error> {
    Jpeg::open(file, &Limits::default())?.decode(1)
}

fn assert_same(name: &str, file: &[u8], original: &[u8]) {
    let found = pixels(file).unwrap_or_else(|reason| panic!("{name}: {reason}"));
    assert!(found.data() == pixels(original).unwrap().data(), "{name}");
    // A part is read from the places that the first pass has remembered.
    let (jpeg, _) = opened(file, 8);
    let region = Region { left: 90, top: 40, width: 60, height: 70 };
    assert!(jpeg.decode_region(1, region).unwrap().data() == part(&found, region), "{name}: a part");
}

#[test]
fn bytes_between_segments_are_passed() {
    for (name, file) in [("sequential", plain()), ("progressive", progressive())] {
        let tables = segment(&file, 0xC4).start;
        // What an editor left, of which the stated length is too short: the rest looks like bytes between segments.
        let photoshop =
            [&b"\xFF\xED\0\x10Photoshop 3.0\0"[..], &b"8BIM\x04\x04\0\0\0\0\0\x07more of it"[..]].concat();
        let adobe = b"\xFF\xEE\0\x09Adobe\0\x64\0\0\0\0\x01";
        for (what, bytes) in
            [("a zero byte", &[0][..]), ("text", b"text"), ("Photoshop", &photoshop), ("Adobe", adobe)]
        {
            for place in [2, tables, scan_start(&file)] {
                assert_same(
                    &format!("{name}, {what} at {place}"),
                    &spliced(&file, place..place, bytes),
                    &file,
                );
            }
        }
        let restart_markers = spliced(&file, tables..tables, &[0xFF, 0xD3, 0xFF, 0x01]);
        assert_same(&format!("{name}, restart markers between segments"), &restart_markers, &file);
    }
}

#[test]
fn the_end_of_the_image_need_not_be_marked() {
    for (name, file) in [("sequential", plain()), ("progressive", progressive())] {
        let end = file.len() - 2;
        assert_same(name, &file[..end], &file);
        assert_same(
            &format!("{name}, other bytes"),
            &spliced(&file, end..file.len(), b"\0\0\0\0more"),
            &file,
        );
        for length in [scan_start(&file) + 30, end / 2, end - 40] {
            assert_eq!(pixels(&file[..length]).err(), Some(Error::Corrupt), "{name}, {length} bytes");
        }
    }
}

#[test]
fn a_progressive_file_without_its_last_scan_must_be_marked_as_ended() {
    let file = progressive();
    let last = file.windows(2).rposition(|pair| pair == [0xFF, 0xDA]).unwrap();
    assert_eq!(pixels(&file[..last]).err(), Some(Error::Corrupt));
    assert!(pixels(&[&file[..last], &[0xFF, 0xD9][..]].concat()).is_ok(), "an encoder may write no more");
}

#[test]
fn restart_markers_may_be_wrong_missing_or_doubled() {
    let file = plain();
    let (second, third) = (restart(&file, 2), restart(&file, 3));
    let marker = |number: u8| [0xFF, 0xD0 + number];
    let cases = [
        ("bytes before one", spliced(&file, second.start..second.start, &[0x55, 0xFF, 0, 7])),
        ("one of another number", spliced(&file, second.clone(), &marker(5))),
        ("one of the number before", spliced(&file, second.clone(), &marker(1))),
        ("one missing", spliced(&file, second.clone(), &[])),
        ("two missing", spliced(&spliced(&file, third, &[]), second.clone(), &[])),
        ("one doubled", spliced(&file, second.clone(), &[marker(2), marker(2)].concat())),
        ("fill bytes before one", spliced(&file, second.start..second.start, &[0xFF; 9])),
    ];
    for (name, changed) in cases {
        assert_same(name, &changed, &file);
    }
}

#[test]
fn what_a_lost_restart_interval_held_is_missed() {
    let file = plain();
    for numbers in [(1, 2), (2, 4), (5, 6)] {
        let lost = restart(&file, numbers.0).start..restart(&file, numbers.1).start;
        assert_eq!(pixels(&spliced(&file, lost, &[])).err(), Some(Error::Corrupt), "{numbers:?}");
    }
}

#[test]
fn few_restart_markers_may_be_missing() {
    // For each of them the file is searched to its next marker.
    let file = subsampled(SIZE, SamplingFactor::R_4_4_4, 1);
    let scan = scan_start(&file);
    let is_marker = |pair: &[u8]| pair[0] == 0xFF && (0xD0..=0xD7).contains(&pair[1]);
    let markers = file.windows(2).enumerate().skip(scan).filter(|(_, pair)| is_marker(pair));
    let every_third: Vec<usize> = markers.step_by(3).map(|(at, _)| at).collect();
    let without = |count: usize| {
        let mut changed = file.clone();
        every_third[..count].iter().rev().for_each(|&at| drop(changed.drain(at..at + 2)));
        changed
    };
    assert_same("eight", &without(8), &file);
    assert_eq!(pixels(&without(9)).err(), Some(Error::Corrupt));
}

#[test]
fn a_file_without_huffman_tables_has_those_of_the_standard() {
    let mut without = plain();
    while let Some(at) = without.windows(2).position(|pair| pair == [0xFF, 0xC4]) {
        let table = segment(&without[..], 0xC4);
        assert_eq!(table.start, at);
        without.drain(table);
    }
    assert_same("no tables", &without, &plain());
}

#[test]
fn a_scan_may_lack_the_bits_of_a_byte_that_was_not_written() {
    let file = plain();
    let end = file.len() - 2;
    let short = spliced(&file, end - 1..end, &[]);
    // Whatever those bits were, all but the last MCU is there.
    let (found, whole) = (pixels(&short).unwrap(), pixels(&file).unwrap());
    let top = Region { left: 0, top: 0, width: SIZE.0, height: 120 };
    assert!(part(&found, top) == part(&whole, top));
    // Zeros may end the last block at once, so that a cut inside of it is not told from bits that were not written.
    let cut = |bytes| pixels(&spliced(&file, end - bytes..end, &[]));
    for bytes in 2..40 {
        match cut(bytes) {
            Ok(found) => assert!(part(&found, top) == part(&whole, top), "{bytes} bytes"),
            Err(reason) => assert_eq!(reason, Error::Corrupt, "{bytes} bytes"),
        }
    }
    for bytes in 100..200 {
        assert_eq!(cut(bytes).err(), Some(Error::Corrupt), "{bytes} bytes");
    }
}

#[test]
fn the_header_of_a_sequential_scan_may_state_other_coefficients() {
    let file = plain();
    let end = segment(&file, 0xDA).end;
    assert_same("0 to 0", &spliced(&file, end - 3..end, &[0, 0, 0]), &file);
}

#[test]
fn what_is_coded_in_another_way_is_not_called_damaged() {
    let file = plain();
    let frame = segment(&file, 0xC0).start;
    let with = |offset: usize, byte: u8| spliced(&file, frame + offset..frame + offset + 1, &[byte]);
    let cases = [
        ("arithmetic-coded", with(1, 0xC9)),
        ("progressive and arithmetic-coded", with(1, 0xCA)),
        ("hierarchical", with(1, 0xC5)),
        ("JPEG-LS", with(1, 0xF7)),
        ("twelve bits", with(4, 12)),
        ("sixteen bits", with(4, 16)),
        ("a height that is stated later", spliced(&file, frame + 5..frame + 7, &[0, 0])),
        ("two components", two_components(&file, frame)),
    ];
    for (name, changed) in cases {
        assert_eq!(pixels(&changed).err(), Some(Error::Unsupported), "{name}");
    }
}

/// The file with a header that leaves the third component out.
fn two_components(file: &[u8], frame: usize) -> Vec<u8> {
    let scan = scan_start(file);
    let shorter_scan = spliced(file, scan + 3..scan + 11, &[10, 2, 1, 0, 2, 0x11]);
    let mut changed = spliced(&shorter_scan, frame + 16..frame + 19, &[]);
    (changed[frame + 3], changed[frame + 9]) = (14, 2);
    changed
}
