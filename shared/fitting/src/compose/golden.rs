//! Golden pictures: whole fits of public-domain portraits, with recorded MediaPipe points.
//!
//! The goldens are results of this crate, the face's surroundings reduced to about 160 px. `REGENERATE=1` writes them
//! anew; look at them before committing. The portraits come from `cargo xtask models`. [`stages`] shows what each
//! stage of a fit contributed.

mod broken;
mod stages;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{PreparedTemplate, compose};
use crate::compose::raster::grid::index;
use crate::decode::{Detail, Limits, decode};
use crate::mesh::Mesh;
use crate::pixels::{GreyImage, RgbImage};

/// The pairs cover hair over the brows and a turned template, glasses in the photo, a turned photo with its hidden
/// side filled, and glasses in the template.
const PAIRS: [(&str, &str); 4] = [
    ("astronaut.png", "joconde.jpg"),
    ("grace_hopper.jpg", "astronaut.png"),
    ("joconde.jpg", "astronaut.png"),
    ("astronaut.png", "grace_hopper.jpg"),
];

/// The mean and the largest difference allowed, in levels: enough for the rounding of another compiler, and far less
/// than any change of method causes.
const MEAN_MAX: f32 = 0.25;
const WORST_MAX: i32 = 8;

/// The largest width of a golden picture, in pixels.
const GOLDEN_WIDTH: usize = 160;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn portrait(name: &str) -> RgbImage {
    let file = fs::read(root().join("target/pictures").join(name))
        .expect("cannot read the portrait; run `cargo xtask models` first");
    decode(&file, &Limits::default(), Detail::Full).expect("the portrait cannot be decoded").upright()
}

/// Returns the recorded points of a portrait; other tests use them as a face.
pub(super) fn mesh(name: &str) -> Mesh {
    let recorded = include_str!("../../tests/reference/landmarks.json");
    let recorded: BTreeMap<String, Vec<[f32; 3]>> = serde_json::from_str(recorded).unwrap();
    Mesh::from_points(recorded[name].clone()).unwrap()
}

fn template(name: &str) -> PreparedTemplate {
    PreparedTemplate::new(portrait(name), &mesh(name), None)
}

/// Returns the surroundings of a mesh, reduced by block means until they are at most [`GOLDEN_WIDTH`] wide.
fn reduced(image: &RgbImage, mesh: &Mesh) -> RgbImage {
    let [left, top, right, bottom] = mesh.bounds();
    let margin = 0.3 * (right - left);
    let first = [left, top].map(|v| index(v - margin));
    let last = [index(right + margin).min(image.width()), index(bottom + margin).min(image.height())];
    let step = (last[0] - first[0]).div_ceil(GOLDEN_WIDTH);
    let size = [0, 1].map(|axis| (last[axis] - first[axis]) / step);
    let mut result = RgbImage::new(size[0], size[1]);
    for y in 0..size[1] {
        for x in 0..size[0] {
            let mut sums = [0_usize; 3];
            for dy in 0..step {
                for dx in 0..step {
                    let pixel = image.pixel(first[0] + x * step + dx, first[1] + y * step + dy);
                    sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += usize::from(v));
                }
            }
            let mean = sums.map(|sum| u8::try_from(sum / (step * step)).unwrap());
            result.set_pixel(x, y, mean);
        }
    }
    result
}

fn write_png(path: &Path, image: &RgbImage) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let [width, height] = [image.width(), image.height()].map(|n| u32::try_from(n).unwrap());
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(image.data()).unwrap();
}

/// Returns the mean and the largest absolute difference of two images of the same size.
fn difference(a: &RgbImage, b: &RgbImage) -> (f32, i32) {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let differences = || a.data().iter().zip(b.data()).map(|(&a, &b)| (i32::from(a) - i32::from(b)).abs());
    (differences().sum::<i32>() as f32 / a.data().len() as f32, differences().max().unwrap_or(0))
}

/// Returns the path of a golden picture.
fn golden_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Reads the golden picture of that name; with `REGENERATE=1`, first overwrites it with `now`.
fn golden(name: &str, now: &RgbImage) -> RgbImage {
    let path = golden_file(name);
    #[expect(clippy::disallowed_methods, reason = "a switch for the person who runs the tests")]
    if std::env::var("REGENERATE").is_ok() {
        write_png(&path, now);
    }
    let golden =
        fs::read(&path).expect("cannot read the golden picture; run the tests with REGENERATE=1 to write it");
    decode(&golden, &Limits::default(), Detail::Full).unwrap().upright()
}

/// Returns a pair's name from the names of two files, such as `astronaut_on_joconde`.
fn pair_name(photo: &str, onto: &str) -> String {
    let stem = |name: &str| name.split('.').next().unwrap().to_owned();
    format!("{}_on_{}", stem(photo), stem(onto))
}

#[test]
fn fits_look_as_they_did() {
    for (photo, onto) in PAIRS {
        let work = reduced(&compose(&portrait(photo), &mesh(photo), &template(onto)), &mesh(onto));
        let name = pair_name(photo, onto);
        let (mean, worst) = difference(&work, &golden(&format!("{name}.png"), &work));
        assert!(mean <= MEAN_MAX && worst <= WORST_MAX, "{name}: mean {mean}, worst {worst}");
    }
}

/// Mesh points around which the work is compared pixel by pixel: detail in an eye, the blend above a brow, grain on a
/// cheek.
const CLOSE_UP_POINTS: [usize; 3] = [159, 104, 50];
const CLOSE_UP_SIDE: usize = 64;

#[test]
fn pixels_look_as_they_did() {
    for (photo, onto) in [("astronaut.png", "joconde.jpg"), ("joconde.jpg", "astronaut.png")] {
        let work = compose(&portrait(photo), &mesh(photo), &template(onto));
        let mut row = RgbImage::new(CLOSE_UP_POINTS.len() * CLOSE_UP_SIDE, CLOSE_UP_SIDE);
        for (number, point) in CLOSE_UP_POINTS.into_iter().enumerate() {
            let [left, top] = mesh(onto).xy(point).map(|v| index(v) - CLOSE_UP_SIDE / 2);
            for (x, y) in (0..CLOSE_UP_SIDE).flat_map(|y| (0..CLOSE_UP_SIDE).map(move |x| (x, y))) {
                row.set_pixel(number * CLOSE_UP_SIDE + x, y, work.pixel(left + x, top + y));
            }
        }
        let name = pair_name(photo, onto);
        let (mean, worst) = difference(&row, &golden(&format!("{name}.pixels.png"), &row));
        assert!(mean <= MEAN_MAX && worst <= WORST_MAX, "{name}: mean {mean}, worst {worst}");
    }
}

#[test]
fn a_fit_depends_on_its_inputs_alone() {
    let (obama, hopper) = (template("obama.jpg"), template("grace_hopper.jpg"));
    let fit = || compose(&portrait("joconde.jpg"), &mesh("joconde.jpg"), &obama);
    let first = fit();
    drop(compose(&portrait("astronaut.png"), &mesh("astronaut.png"), &hopper));
    assert!(first.data() == fit().data(), "two fits of the same inputs differ");
}

#[test]
fn a_face_put_onto_itself_stays_nearly_as_it_is() {
    let work = compose(&portrait("obama.jpg"), &mesh("obama.jpg"), &template("obama.jpg"));
    let (mean, _) =
        difference(&reduced(&work, &mesh("obama.jpg")), &reduced(&portrait("obama.jpg"), &mesh("obama.jpg")));
    assert!(mean < 1.5, "{mean}");
}

#[test]
fn nothing_changes_away_from_the_face() {
    let work = compose(&portrait("astronaut.png"), &mesh("astronaut.png"), &template("obama.jpg"));
    let before = portrait("obama.jpg");
    let [left, top, right, bottom] = mesh("obama.jpg").bounds();
    // The falloff around the face ends .4 eye distances out, about a fifth of the face's width.
    let margin = 0.25 * (right - left);
    for y in 0..work.height() {
        for x in 0..work.width() {
            let (fx, fy) = (x as f32, y as f32);
            let near = fx > left - margin && fx < right + margin && fy > top - margin && fy < bottom + margin;
            assert!(near || work.pixel(x, y) == before.pixel(x, y), "{x},{y}");
        }
    }
}

#[test]
fn masked_pixels_stay_in_front() {
    let before = portrait("obama.jpg");
    let (width, height) = (before.width(), before.height());
    let half: Vec<u8> = (0..width * height).map(|i| if i % width < 492 { 255 } else { 0 }).collect();
    let mask = GreyImage::from_raw(width, height, half).unwrap();
    let masked = PreparedTemplate::new(before.clone(), &mesh("obama.jpg"), Some(mask));
    let work = compose(&portrait("obama.jpg"), &mesh("obama.jpg"), &masked);
    let fitted = compose(&portrait("astronaut.png"), &mesh("astronaut.png"), &masked);
    let changed = |x: usize| {
        (250..300)
            .map(|y| fitted.pixel(x, y)[0].abs_diff(work.pixel(x, y)[0]))
            .map(usize::from)
            .sum::<usize>()
            / 50
    };
    assert!(changed(540) > 10, "{}", changed(540));
    assert!(changed(440) < changed(540) / 2, "{} {}", changed(440), changed(540));
}

#[test]
fn extreme_meshes_do_not_break_the_fit() {
    let small = || {
        RgbImage::from_raw(40, 30, (0..3600_u32).map(|i| u8::try_from(i * 37 % 251).unwrap()).collect())
            .unwrap()
    };
    let face = mesh("obama.jpg");
    let shrunk = |scale: f32, dx: f32| face.mapped(|[x, y, z]| [x * scale + dx, y * scale, z * scale]);
    let point = face.mapped(|_| [5.0, 5.0, 0.0]);
    let scrambled = face.mapped(|[x, y, z]| [(x * 7919.0) % 40.0, (y * 104_729.0) % 30.0, z]);
    let meshes =
        [shrunk(0.04, 0.0), shrunk(0.04, -60.0), shrunk(0.3, 0.0), shrunk(20.0, -9000.0), point, scrambled];
    for onto in &meshes {
        let template = PreparedTemplate::new(small(), onto, None);
        for photo in &meshes {
            let work = compose(&small(), photo, &template);
            assert_eq!((work.width(), work.height()), (40, 30));
        }
    }
}
