//! Tests that a template's files must match its description, and that checks report what will look wrong.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    reason = "a failed precondition ends the test; its values are small by construction"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use fitting::hash::sha256_hex;
use fitting::template::{DESCRIPTION_FILE, Draft, TemplateDescription, concerns, draft};
use fitting::{FittingError, Models, RgbImage, Template};
use support::{encoded_png, models, picture, pixels};

fn files(
    models: &Models,
    name: &str,
    id: &str,
    face: usize,
) -> Result<BTreeMap<String, Vec<u8>>, FittingError> {
    let picture = picture(name);
    draft(
        models,
        &Draft { id, version: 3, title: "Title", licence: "CC0", picture: &picture, mask: None, face },
    )
}

#[test]
fn a_template_is_pinned_by_the_hash_of_its_description() {
    let files = files(&models(), "astronaut.png", "astronaut", 0).expect("a template");
    let template = Template::from_files(&files).expect("a template");
    assert_eq!(template.hash(), sha256_hex(&files[DESCRIPTION_FILE]));
    let described = template.description();
    assert_eq!((described.width, described.height, described.version), (512, 512, 3));
    for entry in described.files.all() {
        assert_eq!(entry.sha256, sha256_hex(&files[&entry.name]), "{}", entry.name);
    }
}

#[test]
fn making_a_template_twice_gives_the_same_bytes() {
    let models = models();
    let make = || files(&models, "joconde.jpg", "joconde", 0).expect("a template");
    assert_eq!(make(), make());
}

#[test]
fn an_altered_or_missing_file_is_refused() {
    let whole = files(&models(), "astronaut.png", "astronaut", 0).expect("a template");
    for name in whole.keys().filter(|name| *name != DESCRIPTION_FILE) {
        let mut altered = whole.clone();
        altered.get_mut(name).expect("it is there").push(0);
        assert!(
            matches!(Template::from_files(&altered), Err(FittingError::Template { .. })),
            "{name} altered"
        );
        altered.remove(name);
        assert!(
            matches!(Template::from_files(&altered), Err(FittingError::Template { .. })),
            "{name} missing"
        );
    }
}

#[test]
fn a_description_cannot_lead_out_of_its_folder() {
    let mut files = files(&models(), "astronaut.png", "astronaut", 0).expect("a template");
    let mut described = TemplateDescription::parse(&files[DESCRIPTION_FILE]).expect("a description");
    described.files.mesh.name = "../mesh.json".to_owned();
    files.insert(DESCRIPTION_FILE.to_owned(), serde_json::to_vec(&described).expect("JSON"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("template-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    for (name, bytes) in &files {
        fs::write(folder.join(name), bytes).expect("writes");
    }
    let opened = Template::open(&folder);
    fs::remove_dir_all(&folder).expect("removes");
    assert!(matches!(opened, Err(FittingError::Template { message }) if message.contains("plain file name")));
}

#[test]
fn invalid_ids_and_missing_faces_are_refused() {
    let models = models();
    for id in ["", "Astronaut", "a/b", "a b", &"a".repeat(65)] {
        assert!(matches!(files(&models, "astronaut.png", id, 0), Err(FittingError::Template { .. })), "{id}");
    }
    assert!(matches!(files(&models, "astronaut.png", "astronaut", 1), Err(FittingError::Template { .. })));
}

#[test]
fn a_false_detection_or_a_too_small_face_makes_no_template() {
    let models = models();
    let refusal = |picture: &[u8]| {
        let sketch = Draft { id: "t", version: 1, title: "T", licence: "CC0", picture, mask: None, face: 0 };
        draft(&models, &sketch).map(|_files| "a template was made").expect_err("no template").to_string()
    };
    // The detector takes the cup for a face.
    let cup = refusal(&picture("coffee.png"));
    assert!(cup.contains("is not a face") || cup.contains("there is no face"), "{cup}");
    // The astronaut's eyes are 46 pixels apart.
    let image = pixels(&picture("astronaut.png"));
    let (width, height) = (image.width() / 2, image.height() / 2);
    let mut small = RgbImage::new(width, height);
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        small.set_pixel(x, y, image.pixel(2 * x, 2 * y));
    }
    let small = refusal(&encoded_png(&small));
    assert!(small.contains("the face is too small"), "{small}");
}

#[test]
fn a_check_reports_what_will_look_wrong() {
    let models = models();
    let concerned = |name| {
        let files = files(&models, name, "template", 0).expect("a template");
        concerns(&files).expect("a template").iter().map(|c| c.message.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(concerned("obama.jpg"), Vec::<String>::new());
    let astronaut = concerned("astronaut.png");
    let says = |what: &str| astronaut.iter().any(|said| said.contains(what));
    assert!(astronaut.len() == 2 && says("the face is small"), "{astronaut:?}");
    assert!(says("hair hangs over the brow on the picture's right"), "{astronaut:?}");
}

#[test]
fn a_check_reports_the_side_of_hair_until_a_mask_covers_it() {
    let models = models();
    let bare = pixels(&picture("obama.jpg"));
    let files = files(&models, "obama.jpg", "template", 0).expect("a template");
    let points: Vec<[f32; 3]> = serde_json::from_slice(&files["mesh.json"]).expect("points");
    let at = |i: usize| points[i].map(|v| v as usize);
    // From the top of the forehead to the brow. The brow stays visible, so that the mesh does not move.
    let lock = |outer: usize, inner: usize| {
        let columns = [at(outer)[0], at(inner)[0]];
        [columns[0].min(columns[1]), at(10)[1], columns[0].max(columns[1]), at(105)[1]]
    };
    for (outer, inner, side, other) in [(70, 107, "left", "right"), (300, 336, "right", "left")] {
        let cover = lock(outer, inner);
        let hairy = painted(bare.clone(), cover, [34, 24, 20]);
        let says = |said: &[String], side: &str| {
            said.iter().any(|said| said.contains(&format!("over the brow on the picture's {side}")))
        };
        let said = concerns_of(&models, &hairy, None);
        assert!(says(&said, side) && !says(&said, other), "{side}: {said:?}");
        let [left, top, right, bottom] = cover;
        let nothing = RgbImage::new(bare.width(), bare.height());
        let mask = painted(nothing, [left - 6, top - 6, right + 6, bottom + 6], [246; 3]);
        let said = concerns_of(&models, &hairy, Some(&mask));
        assert!(!says(&said, side), "{side} behind its mask: {said:?}");
    }
}

/// Returns the messages of the check of a picture, with or without a mask.
fn concerns_of(models: &Models, picture: &RgbImage, mask: Option<&RgbImage>) -> Vec<String> {
    let (picture, mask) = (encoded_png(picture), mask.map(encoded_png));
    let sketch = Draft {
        id: "template",
        version: 1,
        title: "",
        licence: "",
        picture: &picture,
        mask: mask.as_deref(),
        face: 0,
    };
    let files = draft(models, &sketch).expect("a template");
    concerns(&files).expect("a template").iter().map(|c| c.message.to_owned()).collect()
}

/// Draws a rectangle in one colour with a little grain.
fn painted(mut image: RgbImage, [left, top, right, bottom]: [usize; 4], colour: [u8; 3]) -> RgbImage {
    for (x, y) in (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y))) {
        let grain = u8::try_from((x * 31 + y * 17) % 9).expect("small");
        image.set_pixel(x, y, colour.map(|v| v.saturating_add(grain)));
    }
    image
}

#[test]
fn only_a_mask_over_the_cover_resolves_the_concern() {
    let models = models();
    let bare = pixels(&picture("obama.jpg"));
    // Covers the tip of the nose; the mesh of the uncovered picture gives its position.
    let files = files(&models, "obama.jpg", "template", 0).expect("a template");
    let points: Vec<[f32; 3]> = serde_json::from_slice(&files["mesh.json"]).expect("points");
    let [x, y, _] = points[4].map(|v| v as usize);
    let cover = [x - 34, y - 24, x + 34, y + 30];
    let covered = painted(bare.clone(), cover, [30, 90, 180]);
    let nothing = RgbImage::new(bare.width(), bare.height());
    let nose = "the nose";
    assert!(concerns_of(&models, &covered, None).iter().any(|said| said.contains(nose)));
    let elsewhere = painted(nothing.clone(), [0, 0, 60, 60], [246; 3]);
    assert!(concerns_of(&models, &covered, Some(&elsewhere)).iter().any(|said| said.contains(nose)));
    let [left, top, right, bottom] = cover;
    let over = painted(nothing, [left - 6, top - 6, right + 6, bottom + 6], [246; 3]);
    assert!(!concerns_of(&models, &covered, Some(&over)).iter().any(|said| said.contains(nose)));
}

#[test]
fn glasses_coloured_light_and_an_edge_at_the_face_are_reported() {
    let models = models();
    let says = |picture: &RgbImage, what: &str| {
        let said = concerns_of(&models, picture, None);
        assert!(said.iter().any(|said| said.contains(what)), "{what}: {said:?}");
    };
    says(&pixels(&picture("grace_hopper.jpg")), "glasses");
    let mut blue = pixels(&picture("obama.jpg"));
    blue.data_mut().as_chunks_mut::<3>().0.iter_mut().for_each(|[red, green, _]| {
        *red /= 3;
        *green -= *green / 3;
    });
    says(&blue, "coloured");
    let image = pixels(&picture("obama.jpg"));
    let files = files(&models, "obama.jpg", "template", 0).expect("a template");
    let points: Vec<[f32; 3]> = serde_json::from_slice(&files["mesh.json"]).expect("points");
    let right = points.iter().map(|p| p[0]).fold(0.0, f32::max) as usize + 4;
    let mut cut = RgbImage::new(right, image.height());
    for (x, y) in (0..image.height()).flat_map(|y| (0..right).map(move |x| (x, y))) {
        cut.set_pixel(x, y, image.pixel(x, y));
    }
    says(&cut, "edge");
}
