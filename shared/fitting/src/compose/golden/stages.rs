//! One sheet for each pair of faces: the planes of each stage of the fit, so that a change shows in which stage it
//! began.
//!
//! The cells follow [`CELLS`] in rows of four. Shares are grey from 0 to 1, logarithms are shown as the colours they
//! stand for, and what may be negative lies around middle grey.

use super::{MEAN_MAX, WORST_MAX, difference, golden, mesh, pair_name, portrait, template};
use crate::compose::blend::placement::Geometry;
use crate::compose::compose_observed;
use crate::compose::raster::logarithm::LOG_OFFSET;
use crate::compose::raster::plane::Plane;
use crate::pixels::RgbImage;
use crate::topology::SURFACE_POINTS;

/// A fringe over a turned template, and a turned photo whose hidden side is filled.
const PAIRS: [(&str, &str); 2] = [("astronaut.png", "joconde.jpg"), ("joconde.jpg", "astronaut.png")];

/// How a stage's values become levels.
#[derive(Clone, Copy)]
enum Scale {
    Share,
    Logarithm,
    /// Levels per unit, around middle grey.
    Signed(f32),
    /// As `Signed`, of the difference from the photo's shading.
    Relative(f32),
}

/// The stages in the order of the sheet. The target's points come first; they are drawn, not a plane of the fit.
/// Detail, grain and blend are computed row by row and never held as planes; [`super::pixels_look_as_they_did`] tests
/// them.
const CELLS: [(&str, Scale); 17] = [
    ("target", Scale::Share),
    ("distance from the rim", Scale::Signed(120.0)),
    ("occlusion", Scale::Share),
    ("features", Scale::Share),
    ("template's shift", Scale::Signed(8.0)),
    ("template's skin", Scale::Share),
    ("template's shading", Scale::Logarithm),
    ("clean plate", Scale::Share),
    ("grain only", Scale::Share),
    ("warped photo", Scale::Logarithm),
    ("photo's skin", Scale::Share),
    ("photo's shading", Scale::Logarithm),
    ("alpha", Scale::Share),
    ("edge", Scale::Share),
    ("shading subtracted", Scale::Relative(400.0)),
    ("shading added", Scale::Relative(80.0)),
    ("hue kept", Scale::Share),
];

const COLUMNS: usize = 4;

/// A cell is at most this wide, in pixels.
const CELL_WIDTH: usize = 120;

impl Scale {
    fn level(self, value: f32) -> u8 {
        let level = match self {
            Self::Share => 255.0 * value,
            Self::Logarithm => value.exp() - LOG_OFFSET,
            Self::Signed(gain) | Self::Relative(gain) => 128.0 + gain * value,
        };
        u8::try_from(crate::compose::raster::grid::index(level.round()).min(255)).unwrap()
    }
}

/// Returns a stage as an image: one plane in grey, three in colour.
fn cell(planes: &[&Plane], scale: Scale) -> RgbImage {
    let step = planes[0].width().div_ceil(CELL_WIDTH);
    let planes: Vec<Plane> = planes.iter().map(|plane| plane.reduced(step)).collect();
    let mut cell = RgbImage::new(planes[0].width(), planes[0].height());
    for y in 0..cell.height() {
        for x in 0..cell.width() {
            let rgb = [0, 1, 2].map(|c| scale.level(planes[c.min(planes.len() - 1)].row(y)[x]));
            cell.set_pixel(x, y, rgb);
        }
    }
    cell
}

/// Draws the target's points as dots a sample wide; when a point moves, the shades of its dot change.
fn points(photo: &str, onto: &str) -> RgbImage {
    let Geometry { target, rim, .. } =
        Geometry::new(&mesh(photo).points()[..SURFACE_POINTS], &template(onto));
    let mut plane = Plane::new(rim.width(), rim.height());
    for &[x, y] in target.iter() {
        for (row, line) in plane.rows_mut().enumerate() {
            for (column, v) in line.iter_mut().enumerate() {
                let distance = (column as f32 - x).hypot(row as f32 - y);
                *v = v.max(1.5 - distance).min(1.0);
            }
        }
    }
    cell(&[&plane], Scale::Share)
}

/// Returns the cells of all stages, in the order of [`CELLS`].
fn stages(photo: &str, onto: &str) -> Vec<(&'static str, RgbImage)> {
    let mut cells = vec![("target", points(photo, onto))];
    let mut shading: Vec<Plane> = Vec::new();
    compose_observed(&portrait(photo), &mesh(photo), &template(onto), &mut |stage, planes| {
        if stage == "photo's shading" {
            shading = planes.iter().map(|&plane| plane.clone()).collect();
        }
        match CELLS.iter().find(|(name, _)| *name == stage) {
            Some((_, scale @ Scale::Relative(_))) => {
                let pairs = planes.iter().zip(&shading);
                let change: Vec<_> =
                    pairs.map(|(&plane, low)| plane.clone().zip(low, |v, low| v - low)).collect();
                cells.push((stage, cell(&change.iter().collect::<Vec<_>>(), *scale)));
            }
            Some((_, scale)) => cells.push((stage, cell(planes, *scale))),
            None => {}
        }
    });
    assert_eq!(
        cells.iter().map(|c| c.0).collect::<Vec<_>>(),
        CELLS.map(|c| c.0),
        "the stages do not come in the order of CELLS"
    );
    cells
}

/// Returns the left edge of a cell in pixels, and its row on the sheet.
fn cell_position(number: usize) -> [usize; 2] {
    [number % COLUMNS * CELL_WIDTH, number / COLUMNS]
}

fn sheet(cells: &[(&'static str, RgbImage)]) -> RgbImage {
    let height = cells.iter().map(|(_, cell)| cell.height()).max().unwrap();
    let mut sheet = RgbImage::new(COLUMNS * CELL_WIDTH, cells.len().div_ceil(COLUMNS) * height);
    for (number, (_, cell)) in cells.iter().enumerate() {
        let [left, row] = cell_position(number);
        for y in 0..cell.height() {
            for x in 0..cell.width() {
                sheet.set_pixel(left + x, row * height + y, cell.pixel(x, y));
            }
        }
    }
    sheet
}

#[test]
fn every_stage_looks_as_it_did() {
    for (photo, onto) in PAIRS {
        let cells = stages(photo, onto);
        let now = sheet(&cells);
        let name = pair_name(photo, onto);
        let before = golden(&format!("{name}.stages.png"), &now);
        assert_eq!((before.width(), before.height()), (now.width(), now.height()), "{name}");
        let height = now.height() / cells.len().div_ceil(COLUMNS);
        for (number, (stage, cell)) in cells.iter().enumerate() {
            let [left, row] = cell_position(number);
            let mut was = RgbImage::new(cell.width(), cell.height());
            for y in 0..cell.height() {
                for x in 0..cell.width() {
                    was.set_pixel(x, y, before.pixel(left + x, row * height + y));
                }
            }
            let (mean, worst) = difference(cell, &was);
            assert!(mean <= MEAN_MAX && worst <= WORST_MAX, "{name}, {stage}: mean {mean}, worst {worst}");
        }
    }
}
