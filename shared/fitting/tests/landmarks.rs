//! Landmarks agree with MediaPipe's own pipeline, as `reference/record.py` recorded it.

#![expect(clippy::expect_used, reason = "a test says what it needs and stops")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fitting::decode::{Limits, decode};
use fitting::{Mesh, Models, find_mesh};

/// The mean distance allowed between a point and its reference, in pixels of the picture.
const MEAN_DISTANCE_MAX: f32 = 0.5;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn models() -> Models {
    Models::load(&root().join("models/weights")).expect("run `cargo xtask models` first")
}

fn picture(name: &str) -> Vec<u8> {
    fs::read(root().join("target/pictures").join(name)).expect("run `cargo xtask models` first")
}

fn mean_distance(mesh: &Mesh, reference: &[[f32; 3]]) -> f32 {
    let distances = mesh.points().iter().zip(reference).map(|(p, q)| (p[0] - q[0]).hypot(p[1] - q[1]));
    distances.sum::<f32>() / 478.0
}

#[test]
fn landmarks_follow_mediapipe() {
    let recorded = include_str!("reference/landmarks.json");
    let recorded: BTreeMap<String, Vec<[f32; 3]>> = serde_json::from_str(recorded).unwrap();
    assert_eq!(recorded.len(), 4);
    let models = models();
    for (name, reference) in recorded {
        let mut photo = decode(&picture(&name), &Limits::default()).unwrap();
        let mesh = find_mesh(&models, &mut photo).unwrap().expect("a face");
        let distance = mean_distance(&mesh, &reference);
        let depth =
            mesh.points().iter().zip(&reference).map(|(p, q)| (p[2] - q[2]).abs()).sum::<f32>() / 478.0;
        println!("{name}: {distance:.3} px, depth {depth:.3}");
        assert!(distance <= MEAN_DISTANCE_MAX, "{name}: {distance} px");
        assert!(depth <= 2.0 * MEAN_DISTANCE_MAX, "{name}: depth {depth}");
    }
}
