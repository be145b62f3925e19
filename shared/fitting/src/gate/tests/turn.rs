//! Tests how far a head may be turned: from the camera, and from the template's head.

use domain::ReasonCode;

use super::{PLAIN, mesh_of, models, picture};
use crate::compose::PreparedTemplate;
use crate::gate::{TURN_DEGREES_MAX, admit_turn, at_most, turn_degrees};

/// The turn of one picture's head relative to another's.
fn turn_between(photo: &str, onto: &str) -> f32 {
    let models = models();
    let (photo, onto) = (picture(photo), picture(onto));
    let mesh = mesh_of(&models, &onto);
    PreparedTemplate::new(onto, &mesh, None).turn_from(&mesh_of(&models, &photo))
}

#[test]
fn a_head_turned_too_far_aside_is_refused() {
    // The test turns the mesh of a frontal face. A picture turned that far would look artificial.
    let mesh = mesh_of(&models(), &picture("obama.jpg"));
    let verdict = |degrees: f32| {
        let (sin, cos) = degrees.to_radians().sin_cos();
        at_most(
            ReasonCode::PoseTooLarge,
            turn_degrees(&mesh.mapped(|[x, y, z]| [cos * x + sin * z, y, cos * z - sin * x])),
            TURN_DEGREES_MAX,
        )
    };
    for degrees in [-25.0, -10.0, 0.0, 10.0, 25.0] {
        assert_eq!(verdict(degrees), Ok(()), "{degrees}");
    }
    for degrees in [-60.0, -45.0, 45.0, 60.0] {
        assert!(verdict(degrees).is_err(), "{degrees}");
    }
}

#[test]
fn good_photos_may_be_fitted_onto_each_other() {
    for photo in PLAIN {
        for onto in PLAIN {
            assert_eq!(admit_turn(turn_between(photo, onto)), Ok(()), "{photo} on {onto}");
        }
    }
}

#[test]
fn only_the_difference_between_both_heads_counts() {
    // The same photo, turned by about 30 degrees, on templates that are turned less and less in its direction.
    let photo = "luispedro.jpg";
    for (onto, admitted) in [("joconde.jpg", true), ("astronaut.png", true), ("biden.jpg", false)] {
        let between = turn_between(photo, onto);
        let verdict = admit_turn(between).map_err(|refusal| refusal.reason);
        assert_eq!(verdict.is_ok(), admitted, "{photo} on {onto}: {between}");
        assert!(admitted || verdict == Err(ReasonCode::PoseTooLarge));
    }
}
