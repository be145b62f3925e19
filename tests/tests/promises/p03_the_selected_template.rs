//! P03 (policy, article One 2(3)): the face is applied only to the template that the user selected.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use local_stack::{local_directory, workspace_root};
use serde_json::{Value, json};

use crate::app::{App, OTHER_TEMPLATE as OTHER, TEMPLATE};
use crate::faces;
use crate::workbench::{Faults, Workbench};

/// The largest difference from the template that JPEG compression alone may cause: the mean of any block, in levels of
/// 255. The largest that was measured is 7.9, on the astronaut.
const UNCHANGED_MAX: f64 = 10.0;

/// A fitted face differs from the template's face by more than this: the mean, in levels of 255.
const FITTED_MIN: f64 = 12.0;

/// A fit changes only the face's box, grown on every side by this percentage of the box's size.
const RIM_PERCENT: usize = 35;

/// The side, in pixels, of the blocks that are compared outside the face.
const BLOCK: usize = 16;

#[test]
fn the_work_is_the_selected_template_with_only_the_face_changed() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    for template in [TEMPLATE, OTHER] {
        let photo = faces::portrait()?;
        let pending = user.request_upload_for(template, &photo)?;
        let (status, reply) = user.caller.put_photo(&pending.upload, &photo.bytes)?;
        assert_eq!(status, 200, "{reply}");
        let work = user.wait(pending.work)?;
        assert_eq!((&work["status"], &work["template"]["id"]), (&json!("ready"), &json!(template)));
        let (_, jpeg) = user.caller.download(work["image"]["url"].as_str().context("no url")?)?;
        let (width, pixels) = faces::pixels(&jpeg)?;
        let (template_width, original) = picture(template)?;
        assert_eq!(
            (width, pixels.len()),
            (template_width, original.len()),
            "{template}: the work has another size"
        );

        let (face, height) = (face(template)?, original.len() / 3 / width);
        let differs = |area: Area| difference(&pixels, &original, width, area);
        let fitted = differs(face);
        assert!(fitted > FITTED_MIN, "{template}: the face differs by {fitted:.1} only; was it replaced?");
        let changed = face.grown(RIM_PERCENT);
        let away = blocks(width, height).filter(|block| !block.meets(changed));
        let worst = away.map(differs).fold(0.0, f64::max);
        println!("{template}: the face differs by {fitted:.1}, the worst block away from it by {worst:.1}");
        assert!(worst < UNCHANGED_MAX, "{template} is changed by {worst:.1} away from the face");
    }
    Ok(())
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy)]
struct Area {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Area {
    /// The area grown on every side by this percentage of its size.
    fn grown(self, percent: usize) -> Self {
        let more = |size: usize| size * percent / 100;
        let (across, down) = (more(self.right - self.left), more(self.bottom - self.top));
        Self {
            left: self.left.saturating_sub(across),
            top: self.top.saturating_sub(down),
            right: self.right + across,
            bottom: self.bottom + down,
        }
    }

    fn meets(self, other: Self) -> bool {
        let apart = self.right <= other.left
            || other.right <= self.left
            || self.bottom <= other.top
            || other.bottom <= self.top;
        !apart
    }
}

/// Reads the bounding box of a template's face.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels of a picture")]
fn face(template: &str) -> Result<Area> {
    let path = workspace_root().join("templates").join(template).join("template.json");
    let description: Value = serde_json::from_slice(&fs::read(path)?)?;
    let bounds: [f64; 4] = serde_json::from_value(description["face"]["bounds"].clone())?;
    let [left, top, right, bottom] = bounds.map(|bound| bound.max(0.0) as usize);
    Ok(Area { left, top, right, bottom })
}

/// The complete blocks of a picture.
fn blocks(width: usize, height: usize) -> impl Iterator<Item = Area> {
    let starts = |size: usize| (0..size / BLOCK).map(|number| number * BLOCK);
    starts(height).flat_map(move |top| {
        starts(width).map(move |left| Area { left, top, right: left + BLOCK, bottom: top + BLOCK })
    })
}

/// Computes the mean difference of two pictures in this area, in levels of 255.
fn difference(one: &[u8], other: &[u8], width: usize, area: Area) -> f64 {
    let (mut total, mut count) = (0_u64, 0_u32);
    for y in area.top..area.bottom {
        let row = 3 * (y * width + area.left)..3 * (y * width + area.right);
        for (one, other) in one[row.clone()].iter().zip(&other[row]) {
            total += u64::from(one.abs_diff(*other));
            count += 1;
        }
    }
    total as f64 / f64::from(count)
}

#[test]
fn a_work_keeps_its_template_version_when_a_new_one_is_published() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let user = app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    let subject = user.subject()?;
    let event = bench.photo_event(subject, work)?;

    // Publishes another picture as version 2 of the selected template.
    let directory = local_directory("republished");
    let folder = directory.join(TEMPLATE);
    fs::create_dir_all(&folder)?;
    for file in fs::read_dir(workspace_root().join("templates").join(OTHER))? {
        let file = file?;
        fs::copy(file.path(), folder.join(file.file_name()))?;
    }
    let path = folder.join("template.json");
    let mut description: Value = serde_json::from_slice(&fs::read(&path)?)?;
    description["id"] = json!(TEMPLATE);
    description["version"] = json!(2);
    fs::write(&path, description.to_string())?;
    app.stack.publish_templates(&directory)?;
    let published = user.caller.get("/v1/templates")?.expect(200)?;
    let worked = bench.run("synthesize", &Faults::default())?.expect(&event);
    app.stack.publish_templates(&workspace_root().join("templates"))?;
    worked?;

    assert_eq!(published["templates"][0]["version"], 2, "{published}");
    let shown = user.show(work)?.expect(200)?;
    assert_eq!((&shown["status"], &shown["template"]["version"]), (&json!("ready"), &json!(1)));
    let (width, original) = picture(TEMPLATE)?;
    assert_eq!(shown["image"]["width"], width);
    assert_eq!(shown["image"]["height"], original.len() / 3 / width);
    Ok(())
}

/// Reads the width and the RGB bytes of a template's picture.
fn picture(template: &str) -> Result<(usize, Vec<u8>)> {
    let path = workspace_root().join("templates").join(template).join("picture.png");
    let picture = image::open(path)?;
    ensure!(picture.color() == image::ColorType::Rgb8, "the template's picture is {:?}", picture.color());
    Ok((usize::try_from(picture.width())?, picture.into_bytes()))
}
