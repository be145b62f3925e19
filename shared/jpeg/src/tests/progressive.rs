//! Progressive files, made of sequential ones: the same coefficients must give the same pixels.

#![expect(clippy::cast_possible_truncation, reason = "what is written is small by construction")]

use jpeg_encoder::{ColorType, SamplingFactor};
use proptest::prelude::*;

use self::writer::{BAND_CODES, DC_CODES, Writer};
use super::*;
use crate::region::{Area, Blocks, blocks_max, mcus};

mod writer;

/// A band and the binary places after and before it, of one component or of all.
struct Scan {
    component: Option<usize>,
    band: (usize, usize),
    before: u32,
    shift: u32,
}

/// What libjpeg writes for colour.
fn libjpegs_scans() -> Vec<Scan> {
    let scan = |component, band, before, shift| Scan { component, band, before, shift };
    vec![
        scan(None, (0, 0), 0, 1),
        scan(Some(0), (1, 5), 0, 2),
        scan(Some(2), (1, 63), 0, 1),
        scan(Some(1), (1, 63), 0, 1),
        scan(Some(0), (6, 63), 0, 2),
        scan(Some(0), (1, 63), 2, 1),
        scan(None, (0, 0), 1, 0),
        scan(Some(2), (1, 63), 1, 0),
        scan(Some(1), (1, 63), 1, 0),
        scan(Some(0), (1, 63), 1, 0),
    ]
}

/// Every place of its own, each component's DC values in their own scans.
fn many_scans() -> Vec<Scan> {
    let mut scans = Vec::new();
    for component in 0..3 {
        let mut add =
            |band, before, shift| scans.push(Scan { component: Some(component), band, before, shift });
        add((0, 0), 0, 2);
        add((0, 0), 2, 1);
        add((1, 2), 0, 3);
        add((1, 2), 3, 2);
        add((3, 63), 0, 2);
        add((1, 63), 2, 1);
        add((1, 63), 1, 0);
        add((0, 0), 1, 0);
    }
    scans
}

/// The levels of one component's blocks.
struct Levels {
    blocks: (usize, usize),
    /// Blocks across in whole MCUs.
    stride: usize,
    /// Blocks across and down without those that only fill the last MCU up.
    size: (usize, usize),
    list: Vec<[i32; 64]>,
}

fn levels(file: &[u8]) -> Vec<Levels> {
    let header = segments::header(file, &Limits::default()).unwrap();
    let frame = header.frame.unwrap();
    let Data::Sequential(scan) = &frame.data else { panic!("sequential") };
    let (full, most) = ((header.width, header.height), blocks_max(&frame.components));
    let (across, down) = mcus(&frame.components, full);
    let mut all: Vec<Levels> = frame
        .components
        .iter()
        .map(|component| {
            let (h, v) = component.blocks;
            let size = ((full.0 * h).div_ceil(8 * most.0), (full.1 * v).div_ceil(8 * most.1));
            Levels { blocks: (h, v), stride: across * h, size, list: vec![[0; 64]; across * h * down * v] }
        })
        .collect();
    let mut checkpoints = Checkpoints::new(across, 16);
    let mut reader = Reader::new(scan, &frame.components, Places::Remember(&mut checkpoints));
    for row in 0..down {
        reader.begin_row(row, &Area { columns: 0..across, rows: 0..down }).unwrap();
        for column in 0..across {
            reader.begin_mcu(column).unwrap();
            for (number, levels) in all.iter_mut().enumerate() {
                let (h, v) = levels.blocks;
                for (x, y) in (0..h * v).map(|n| (n % h, n / h)) {
                    let block = &mut levels.list[(row * v + y) * levels.stride + column * h + x];
                    block[0] = reader.dc(number, (x, y)).unwrap();
                    let mut values = [0.0; 64];
                    reader.ac::<63>(&[1.0; 80], &mut values).unwrap();
                    for k in 1..64 {
                        block[k] = values[usize::from(idct::ZIGZAG[k])] as i32;
                    }
                }
            }
            reader.end_mcu().unwrap();
        }
    }
    all
}

fn scan_data(all: &[Levels], scan: &Scan, interval: usize) -> Vec<u8> {
    let mut writer = Writer::default();
    let mut predictions = [0; 3];
    let numbers: Vec<usize> = scan.component.map_or_else(|| (0..all.len()).collect(), |number| vec![number]);
    let is_single = numbers.len() == 1;
    let first = &all[numbers[0]];
    let (across, down) = if is_single {
        first.size
    } else {
        (first.stride / first.blocks.0, first.list.len() / first.stride / first.blocks.1)
    };
    for unit in 0..across * down {
        if interval > 0 && unit > 0 && unit % interval == 0 {
            writer.finish();
            writer.bytes.extend([0xFF, 0xD0 + (unit / interval - 1) as u8 % 8]);
            predictions = [0; 3];
        }
        for &number in &numbers {
            let levels = &all[number];
            let (h, v) = if is_single { (1, 1) } else { levels.blocks };
            for n in 0..h * v {
                let (x, y) = (unit % across * h + n % h, unit / across * v + n / h);
                let block = &levels.list[y * levels.stride + x];
                match (scan.band.0, scan.before) {
                    (0, 0) => {
                        let value = block[0] >> scan.shift;
                        writer.difference(value - predictions[number]);
                        predictions[number] = value;
                    }
                    (0, _) => writer.put((block[0] >> scan.shift).cast_unsigned() & 1, 1),
                    (_, 0) => writer.band(block, scan),
                    _ => writer.refine(block, scan),
                }
            }
        }
    }
    writer.finish();
    writer.bytes
}

/// A sequential file, made progressive.
fn progressive(file: &[u8], scans: &[Scan], interval: u16) -> Vec<u8> {
    let all = levels(file);
    let mut result = file[..scan_start(file)].to_vec();
    let frame = result.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    result[frame + 1] = 0xC2;
    let names: Vec<u8> = (0..all.len()).map(|number| result[frame + 10 + 3 * number]).collect();
    result.extend(DC_CODES.into_iter().chain(0..=11));
    result.extend(BAND_CODES.into_iter().chain(0..=255));
    result.extend([0xFF, 0xDD, 0, 4]);
    result.extend(interval.to_be_bytes());
    for scan in scans.iter().filter(|scan| scan.component.is_none_or(|number| number < all.len())) {
        let names = scan.component.map_or(&names[..], |number| &names[number..=number]);
        result.extend([0xFF, 0xDA, 0, 6 + 2 * names.len() as u8, names.len() as u8]);
        result.extend(names.iter().flat_map(|&name| [name, 0]));
        result.extend([scan.band.0 as u8, scan.band.1 as u8, (scan.before << 4 | scan.shift) as u8]);
        result.extend(scan_data(&all, scan, interval.into()));
    }
    result.extend([0xFF, 0xD9]);
    result
}

/// Three sizes: less than an MCU, some MCUs that are not whole, and more than there are between two checkpoints.
const SIZES: [(usize, usize); 5] = [(1, 1), (7, 9), (37, 300), (100, 75), (1111, 45)];

/// The pixels of a progressive file are those of the sequential one, at every scale and in every part.
fn assert_same(name: &str, sequential: &[u8], file: &[u8], size: (usize, usize)) {
    let whole = decoded(file);
    assert!(whole.data() == decoded(sequential).data(), "{name} {size:?}");
    let (max, _) = differences(whole.data(), &decoded_by_library(file));
    assert!(max <= DIFFERENCE_MAX, "{name} {size:?}: {max} from the library");
    for reduction in [1, 2, 4, 8] {
        let ((jpeg, small), (same, other)) = (opened(file, reduction), opened(sequential, reduction));
        assert!(small.data() == other.data(), "{name} {size:?} at 1/{reduction}");
        let (width, height) = jpeg.reduced_size(reduction);
        let (left, top) = (width * 5 / 6, height / 3);
        for region in [
            Region { left, top, width: (width - left).min(31), height: (height - top).min(20) },
            Region { left: 0, top: 0, width, height },
        ] {
            let [part, same] = [&jpeg, &same].map(|jpeg| jpeg.decode_region(reduction, region).unwrap());
            assert!(part.data() == same.data(), "{name} {size:?} at 1/{reduction}: {region:?}");
        }
    }
}

#[test]
fn what_libjpeg_writes_gives_what_the_sequential_file_gives() {
    for sampling in SAMPLINGS {
        for size in SIZES {
            for interval in [0, 5, 64] {
                let sequential = subsampled(size, sampling, 0);
                let file = progressive(&sequential, &libjpegs_scans(), interval);
                assert_same(&format!("{sampling:?}, restart interval {interval}"), &sequential, &file, size);
            }
        }
    }
}

#[test]
fn scans_of_single_places_give_what_the_sequential_file_gives() {
    for sampling in [SamplingFactor::R_4_2_2, SamplingFactor::R_4_2_0] {
        let size = (301, 85);
        let sequential = subsampled(size, sampling, 0);
        assert_same("many scans", &sequential, &progressive(&sequential, &many_scans(), 3), size);
    }
}

#[test]
fn grey_and_rgb_give_what_the_sequential_file_gives() {
    for size in SIZES {
        let grey: Vec<u8> = picture(size).iter().step_by(3).copied().collect();
        let sequential = encoded(&grey, size, ColorType::Luma, |_| {});
        assert_same("grey", &sequential, &progressive(&sequential, &libjpegs_scans(), 7), size);
        let sequential = rgb_file(size, Some(b"RGB"));
        assert_same("RGB", &sequential, &progressive(&sequential, &libjpegs_scans(), 0), size);
    }
}

#[test]
fn what_is_not_kept_at_first_is_put_together_in_bands() {
    // More coefficients than the first pass keeps.
    let size = (4100, 2100);
    let sequential = subsampled(size, SamplingFactor::R_4_4_4, 0);
    let file = progressive(&sequential, &libjpegs_scans(), 0);
    assert!(decoded(&file).data() == decoded(&sequential).data());
}

#[test]
fn scans_that_end_early_or_are_not_there_are_corrupt() {
    let sequential = subsampled((200, 150), SamplingFactor::R_4_2_0, 0);
    let file = progressive(&sequential, &libjpegs_scans(), 4);
    let starts: Vec<usize> = (0..file.len() - 1).filter(|&n| file[n..n + 2] == [0xFF, 0xDA]).collect();
    let ends = starts[1..].iter().copied().chain([file.len() - 2]);
    for (number, (start, end)) in starts.iter().zip(ends).enumerate() {
        // Thirty bytes are missing, without a trace of restart markers.
        let mut cut = file.clone();
        cut.drain(end - 30..end);
        let mut jpeg = Jpeg::open(&cut, &Limits::default()).unwrap();
        assert!(jpeg.coding() == Coding::Supported && jpeg.decode(8).is_err(), "scan {number}");
        let marker = file[*start..end].windows(2).position(|pair| pair == [0xFF, 0xD2]).unwrap();
        let mut without = file.clone();
        without.drain(start + marker..start + marker + 2);
        // A marker that is missing is not missed, since all data is there.
        assert!(opened(&without, 8).1.data() == opened(&file, 8).1.data());
    }
}

proptest! {
    /// A damaged file is decoded or refused, and a part of it no differently from the whole.
    #[test]
    fn damage_never_panics(
        sampling in 0_usize..4,
        many in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        reduction in prop::sample::select(vec![1_usize, 2, 4, 8]),
    ) {
        let scans = if many { many_scans() } else { libjpegs_scans() };
        let mut file = progressive(&subsampled((90, 70), SAMPLINGS[sampling], 0), &scans, 3);
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        let limits = Limits { pixels_max: 100_000, ..Limits::default() };
        if let Ok(mut jpeg) = Jpeg::open(&file, &limits)
            && jpeg.coding() == Coding::Supported
            && jpeg.decode(8).is_ok()
        {
            let (width, height) = jpeg.reduced_size(reduction);
            let all = jpeg.decode_region(reduction, Region { left: 0, top: 0, width, height }).unwrap();
            let region = Region { left: width / 3, top: height / 3, width: width.div_ceil(3), height: 1 };
            let decoded = jpeg.decode_region(reduction, region).unwrap();
            prop_assert!(decoded.data() == part(&all, region));
        }
    }
}
