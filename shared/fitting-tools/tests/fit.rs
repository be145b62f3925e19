//! Tests that the `fit` tool makes the same work as the library.

#[path = "../../fitting/tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use fitting::Format;
use support::{fitted, models, picture, pixels, template};

#[test]
fn a_work_does_not_depend_on_earlier_fits_in_the_process() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fitting-alone-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let (a, b) = ("grace_hopper.jpg", "obama.jpg");
    let alone = |photo: &str, out: &str| {
        let out = folder.join(out);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut fit = Command::new(env!("CARGO_BIN_EXE_fit"));
        fit.args([
            format!("target/pictures/{photo}").as_ref(),
            Path::new("target/pictures/astronaut.png"),
            &out,
        ]);
        assert!(fit.current_dir(root).output().expect("starts").status.success());
        pixels(&fs::read(out).expect("a work"))
    };
    let models = models();
    let template = template(&models, "astronaut.png");
    fitted(&models, &template, &picture(a), Format::Png);
    let after = pixels(&fitted(&models, &template, &picture(b), Format::Png).image);
    assert!(alone(b, "b.png").data() == after.data(), "the work of B differs after a fit of A");
    fs::remove_dir_all(folder).expect("cleans up");
}
