//! Draws the visible label: "AI" in white on a dark plate, in the lower right corner.
//!
//! The plate makes it legible on any background. The label's height is a fixed share of the picture's shorter side.
//! The letters are drawn as strokes, so no font is needed.

use crate::pixels::RgbImage;

/// Height of the letters as a share of the shorter side; the rules require at least 5 %.
const LETTER_HEIGHT: f32 = 0.055;

/// Thickness of a stroke, in letter heights.
const STROKE: f32 = 0.16;

/// Padding of the plate around the letters, in letter heights.
const PADDING: f32 = 0.45;

/// Distance between plate and picture edge, in letter heights.
const MARGIN: f32 = 0.6;

/// Opacity of the dark plate.
const PLATE_OPACITY: f32 = 0.62;

/// The strokes of "AI" in an area 1.3 wide and 1 high: start x, y, end x, y.
const STROKES: [[f32; 4]; 4] =
    [[0.0, 1.0, 0.42, 0.0], [0.42, 0.0, 0.84, 1.0], [0.15, 0.65, 0.69, 0.65], [1.2, 0.0, 1.2, 1.0]];

/// Width of the letters in letter heights.
const WIDTH: f32 = 1.2;

/// Draws the label.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "coordinates stay inside the raster, whose sides are below 2¹⁶"
)]
pub(crate) fn draw(picture: &mut RgbImage) {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let unit = LETTER_HEIGHT * width.min(height);
    let right = width - MARGIN * unit;
    let bottom = height - MARGIN * unit;
    let left = right - (WIDTH + 2.0 * PADDING) * unit;
    let top = bottom - (1.0 + 2.0 * PADDING) * unit;
    for y in top.max(0.0) as usize..bottom.max(0.0) as usize {
        for x in left.max(0.0) as usize..right.max(0.0) as usize {
            let across = (x as f32 + 0.5 - left) / unit - PADDING;
            let down = (y as f32 + 0.5 - top) / unit - PADDING;
            let distance = STROKES.iter().map(|s| distance(*s, across, down)).fold(f32::INFINITY, f32::min);
            let ink = ((STROKE / 2.0 - distance) * unit + 0.5).clamp(0.0, 1.0);
            let rgb = picture.pixel(x, y).map(|v| {
                let plate = f32::from(v) * (1.0 - PLATE_OPACITY);
                (plate + (255.0 - plate) * ink).round() as u8
            });
            picture.set_pixel(x, y, rgb);
        }
    }
}

/// Distance of a point from a stroke's centre line.
fn distance([x0, y0, x1, y1]: [f32; 4], x: f32, y: f32) -> f32 {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let along = (((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (x - x0 - along * dx).hypot(y - y0 - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contrast(background: u8) -> (u8, usize) {
        let mut picture = RgbImage::from_raw(400, 300, vec![background; 400 * 300 * 3]).unwrap();
        draw(&mut picture);
        let plate = picture.pixel(387, 287)[0];
        let rows = 0..300;
        let letter_rows =
            rows.filter(|&y| (0..400).any(|x| picture.pixel(x, y)[0] > plate.saturating_add(90)));
        (plate, letter_rows.filter(|&y| y > 200).count())
    }

    #[test]
    fn the_label_stands_out_on_black_grey_and_white() {
        for background in [0, 128, 255] {
            let (plate, letter_rows) = contrast(background);
            assert!(plate <= 97, "the plate has level {plate} on {background}, expected at most 97");
            assert!(
                letter_rows as f32 >= 0.05 * 300.0,
                "the letters are {letter_rows} px high on {background}"
            );
        }
    }

    #[test]
    fn the_label_is_legible_on_a_busy_background_after_encoding() {
        let (width, height) = (400, 300);
        let mut picture = RgbImage::new(width, height);
        // Stripes of black, white and strong colours, narrower than a letter's stroke.
        let stripes = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]];
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            picture.set_pixel(x, y, stripes[(x / 2 + y / 3) % stripes.len()]);
        }
        draw(&mut picture);
        let mark = crate::Mark { id: "label".to_owned(), created: jiff::Timestamp::UNIX_EPOCH };
        let jpeg = crate::encode::work(&picture, crate::Format::Jpeg, &mark).unwrap();
        let shown = crate::decode::decode(&jpeg, &Default::default(), crate::decode::Detail::Full).unwrap();
        let shown = shown.upright();

        // A label on a black picture tells which pixels are letters and which are plate.
        let mut plain = RgbImage::new(width, height);
        draw(&mut plain);
        let (mut ink, mut plate) = (Vec::new(), Vec::new());
        for (x, y) in (261..288).flat_map(|y| (358..388).map(move |x| (x, y))) {
            let [r, g, b] = shown.pixel(x, y).map(u32::from);
            let luma = (299 * r + 587 * g + 114 * b) / 1000;
            match plain.pixel(x, y)[0] {
                255 => ink.push(luma),
                0 => plate.push(luma),
                _ => {}
            }
        }
        ink.sort_unstable();
        plate.sort_unstable();
        let (darkest, brightest) = (ink[ink.len() / 20], plate[plate.len() * 19 / 20]);
        assert!(
            ink.len() > 40 && plate.len() > 200,
            "too few pixels to compare: {} of ink, {} of plate",
            ink.len(),
            plate.len()
        );
        assert!(
            darkest > brightest + 60,
            "the ink ({darkest}) is not bright enough on the plate ({brightest})"
        );
    }
}
