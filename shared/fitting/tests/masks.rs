//! Tests masks, the choice among several faces, and large templates.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    reason = "a failed precondition ends the test; its values are small by construction"
)]

mod support;

use fitting::template::{Draft, draft};
use fitting::{Format, Models, RgbImage, Template};
use support::{encoded_png, enlarged, fitted, models, picture, pixels};

/// A colour that no skin, hair or cloth on the test pictures is near.
const RIBBON: [u8; 3] = [20, 60, 230];

fn template(models: &Models, image: &RgbImage, mask: Option<&RgbImage>, face: usize) -> Template {
    let (picture, mask) = (encoded_png(image), mask.map(encoded_png));
    let sketch = Draft {
        id: "masked",
        version: 1,
        title: "",
        licence: "",
        picture: &picture,
        mask: mask.as_deref(),
        face,
    };
    Template::from_files(&draft(models, &sketch).expect("a template")).expect("a template")
}

/// Returns the picture with a ribbon from one cheek over the nose to the other brow, and the ribbon's mask.
fn with_ribbon(models: &Models, image: &RgbImage) -> (RgbImage, RgbImage) {
    let bounds = template(models, image, None, 0).description().face.bounds;
    let [left, top, right, bottom] = bounds;
    let (mut painted, mut mask) = (pixels(&encoded_png(image)), RgbImage::new(image.width(), image.height()));
    for x in left as usize..right as usize {
        let along = (x as f32 - left) / (right - left);
        let middle = top + (bottom - top) * (0.72 - 0.35 * along);
        for y in (middle - 0.05 * (bottom - top)) as usize..(middle + 0.05 * (bottom - top)) as usize {
            painted.set_pixel(x, y, RIBBON);
            mask.set_pixel(x, y, [255; 3]);
        }
    }
    (painted, mask)
}

/// Counts the pixels that have the ribbon's colour, apart from changes by encoding and interpolation.
fn ribbon_pixels(image: &RgbImage) -> usize {
    let like = |p: &[u8; 3]| p.iter().zip(RIBBON).all(|(&v, r)| v.abs_diff(r) < 40);
    image.data().as_chunks::<3>().0.iter().filter(|p| like(p)).count()
}

#[test]
fn masked_areas_stay_in_front_of_the_face() {
    let models = models();
    let (painted, mask) = with_ribbon(&models, &pixels(&picture("joconde.jpg")));
    let all = ribbon_pixels(&painted);
    let kept = |mask| {
        let template = template(&models, &painted, mask, 0);
        let work = fitted(&models, &template, &picture("astronaut.png"), Format::Png);
        ribbon_pixels(&pixels(&work.image)) as f32 / all as f32
    };
    let (with, without) = (kept(Some(&mask)), kept(None));
    assert!(with > 0.8, "only {with} of the ribbon is left with its mask");
    assert!(without < 0.5, "{without} of the ribbon is left without its mask");
}

#[test]
fn only_the_chosen_face_of_several_changes() {
    let models = models();
    let (left, right) = (pixels(&picture("grace_hopper.jpg")), pixels(&picture("joconde.jpg")));
    let mut both = RgbImage::new(left.width() + right.width(), left.height().max(right.height()));
    for (image, offset) in [(&left, 0), (&right, left.width())] {
        for y in 0..image.height() {
            for x in 0..image.width() {
                both.set_pixel(x + offset, y, image.pixel(x, y));
            }
        }
    }
    let mut sides = Vec::new();
    for face in [0, 1] {
        let template = template(&models, &both, None, face);
        let chosen = &template.description().face;
        assert_eq!(chosen.index, face);
        let is_left = f32::midpoint(chosen.bounds[0], chosen.bounds[2]) < left.width() as f32;
        let columns = if is_left { 0..left.width() } else { left.width()..both.width() };
        let work = pixels(&fitted(&models, &template, &picture("astronaut.png"), Format::Png).image);
        let changed = |x: usize| (0..both.height()).any(|y| work.pixel(x, y) != both.pixel(x, y));
        assert!(
            (0..both.width()).all(|x| columns.contains(&x) || !changed(x)),
            "face {face} was chosen, but the other changed"
        );
        assert!(columns.clone().any(changed), "face {face} did not change");
        sides.push(is_left);
    }
    assert_ne!(sides[0], sides[1], "both choices are the same face");
}

#[test]
fn a_template_may_have_4096_pixels_a_side_and_no_more() {
    let models = models();
    let image = pixels(&picture("astronaut.png"));
    let large = enlarged(&image, 4096, 4096);
    let template = template(&models, &large, None, 0);
    let work = fitted(&models, &template, &picture("grace_hopper.jpg"), Format::Jpeg);
    assert_eq!((work.width, work.height), (4096, 4096));
    let wide = encoded_png(&RgbImage::new(4097, 8));
    let sketch =
        Draft { id: "wide", version: 1, title: "", licence: "", picture: &wide, mask: None, face: 0 };
    let refused = draft(&models, &sketch).expect_err("too wide").to_string();
    assert!(refused.contains("4096 pixels a side"), "{refused}");
}
