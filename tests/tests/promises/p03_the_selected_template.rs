//! P03 (policy, article One 2(3)): the face is applied to the template the user selected, and to nothing else.

use std::fs::{self, File};
use std::io::BufReader;

use anyhow::{Context as _, Result};
use local_stack::{local_directory, workspace_root};
use serde_json::{Value, json};

use crate::app::{App, TEMPLATE};
use crate::faces;
use crate::workbench::{Faults, Workbench};

/// The other template of the demo pack.
const OTHER: &str = "joconde";

/// The mean difference of JPEG compression, in levels of 255, with room to spare.
const UNTOUCHED: f64 = 4.0;

#[test]
fn the_work_is_the_selected_template_with_nothing_changed_away_from_the_face() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    for template in [TEMPLATE, OTHER] {
        let photo = faces::portrait()?;
        let asked = user.ask_for(template, &photo)?;
        user.caller.put_photo(&asked.upload, &photo.bytes)?;
        let work = user.wait(asked.work)?;
        assert_eq!(work["template"]["id"], template);
        let (_, jpeg) = user.caller.download(work["image"]["url"].as_str().context("no url")?)?;
        let (width, pixels) = faces::pixels(&jpeg)?;
        let (template_width, original) = picture(template)?;
        assert_eq!((width, pixels.len()), (template_width, original.len()), "the template's size");
        // The lowest twentieth of the picture is far from any face.
        let far = pixels.len() * 19 / 20;
        let difference = mean_difference(&pixels[far..], &original[far..]);
        assert!(difference < UNTOUCHED, "{template} is changed by {difference:.1} away from the face");
        assert!(mean_difference(&pixels, &original) > 0.0);
    }
    Ok(())
}

#[test]
fn a_work_keeps_the_template_it_was_asked_for_when_another_is_published() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let user = app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    let subject = user.subject()?;
    let event = bench.photo_event(subject, work)?;

    // From now on, another picture goes by the name of the selected one.
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

/// Width and RGB bytes of a template's picture.
fn picture(template: &str) -> Result<(usize, Vec<u8>)> {
    let path = workspace_root().join("templates").join(template).join("picture.png");
    let mut reader = png::Decoder::new(BufReader::new(File::open(path)?)).read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().context("no size")?];
    let frame = reader.next_frame(&mut pixels)?;
    assert_eq!(frame.color_type, png::ColorType::Rgb);
    pixels.truncate(frame.buffer_size());
    Ok((usize::try_from(frame.width)?, pixels))
}

fn mean_difference(one: &[u8], other: &[u8]) -> f64 {
    let total: f64 = one.iter().zip(other).map(|(one, other)| f64::from(one.abs_diff(*other))).sum();
    total / one.len() as f64
}
