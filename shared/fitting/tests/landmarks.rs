//! Tests that landmarks agree with those of MediaPipe's own pipeline, as recorded by `reference/record.py`.

mod support;

use std::collections::BTreeMap;

use fitting::decode::{Detail, Limits, decode};
use fitting::{Mesh, find_mesh};
use support::{models, picture};

/// The largest allowed mean distance between points and their references, in pixels of the picture.
const MEAN_DISTANCE_MAX: f32 = 0.5;

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
        let mut photo = decode(&picture(&name), &Limits::default(), Detail::Full).unwrap();
        let mesh = find_mesh(&models, &mut photo).unwrap().expect("a face");
        let distance = mean_distance(&mesh, &reference);
        let depth =
            mesh.points().iter().zip(&reference).map(|(p, q)| (p[2] - q[2]).abs()).sum::<f32>() / 478.0;
        assert!(distance <= MEAN_DISTANCE_MAX, "{name}: {distance} px");
        assert!(depth <= 2.0 * MEAN_DISTANCE_MAX, "{name}: depth {depth}");
    }
}

#[test]
fn a_head_turned_aside_is_not_treated_as_lying_sideways() {
    let mut photo = decode(&picture("luispedro.jpg"), &Limits::default(), Detail::Full).unwrap();
    let mesh = find_mesh(&models(), &mut photo).unwrap().expect("a face");
    // The outer corners of the eyes, in pixels of the photo as the search has turned it.
    let (right, left) = (mesh.points()[33], mesh.points()[263]);
    assert!((left[1] - right[1]).abs() < 0.5 * (left[0] - right[0]), "{right:?} {left:?}");
}
