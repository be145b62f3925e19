//! The topology of the mesh: which points form triangles, mirror pairs, eyes, brows, lips and oval.
//!
//! Indices follow MediaPipe's canonical order. "Right" and "left" are the face's own sides, so the right eye is the
//! one further left in an upright, unmirrored picture. The lists follow MediaPipe's `FACEMESH_*` contours. Rings list
//! points in order around a contour, so that they can be filled as polygons.

mod tables;

/// How many points of the mesh form triangles; the ten points after them are the irises.
pub(crate) const SURFACE_POINTS: usize = 468;

/// The right eye's opening as a ring.
pub(crate) const RIGHT_EYE: [usize; 16] =
    [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7];
/// The left eye's opening as a ring.
pub(crate) const LEFT_EYE: [usize; 16] =
    [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249];
/// The right eyebrow's points.
pub(crate) const RIGHT_BROW: [usize; 10] = [70, 63, 105, 66, 107, 55, 65, 52, 53, 46];
/// The left eyebrow's points.
pub(crate) const LEFT_BROW: [usize; 10] = [300, 293, 334, 296, 336, 285, 295, 282, 283, 276];
/// The outer line of the lips as a ring.
pub(crate) const LIPS: [usize; 20] =
    [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146];
/// The inner line of the lips as a ring; it encloses the open mouth.
pub(crate) const INNER_LIPS: [usize; 20] =
    [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95];
/// The corners of the mouth.
pub(crate) const MOUTH_CORNERS: [usize; 2] = [61, 291];
/// The nostrils and the base of the nose.
pub(crate) const NOSTRILS: [usize; 10] = [98, 97, 2, 326, 327, 294, 278, 1, 48, 64];
/// The rim of the mesh as a ring, from the top of the forehead down the left side.
pub(crate) const OVAL: [usize; 36] = [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176,
    149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
];
/// Both cheeks and the ridge of the nose: these show skin on nearly every photo, whatever the hair covers.
pub(crate) const SKIN_PATCHES: [&[usize]; 3] = [
    &[116, 117, 118, 50, 205, 187, 147, 123],
    &[345, 346, 347, 280, 425, 411, 376, 352],
    &[6, 197, 195, 5, 4, 45, 275],
];
/// The root of the nose between the eyes: the origin of the face's own frame.
pub(crate) const NOSE_ROOT: usize = 168;
/// Four points on the upper line of the brows; their mean marks the start of the forehead.
pub(crate) const BROW_LINE: [usize; 4] = [105, 66, 334, 296];

/// The 898 triangles of the mesh. They form a closed disc whose rim is [`OVAL`]; eyes and mouth are filled.
///
/// Seen from the camera with y up they run counter-clockwise, so in a picture, whose y points down, they run
/// clockwise.
///
/// Seen from the camera with y up they run counter-clockwise, hence clockwise in a picture, whose y
/// points down.
pub(crate) fn triangles() -> impl Iterator<Item = [usize; 3]> {
    let (triples, _) = tables::TRIANGLE_VERTICES.as_chunks::<3>();
    triples.iter().map(|t| t.map(usize::from))
}

/// Returns the point on the other half of the face; points on the midline are their own mirror.
pub(crate) fn mirror(point: usize) -> usize {
    usize::from(tables::MIRROR[point])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn directed_edges() -> Vec<[usize; 2]> {
        triangles().flat_map(|[a, b, c]| [[a, b], [b, c], [c, a]]).collect()
    }

    #[test]
    fn the_triangles_form_a_disc_whose_rim_is_the_oval() {
        let edges: BTreeSet<_> = directed_edges().into_iter().collect();
        assert_eq!(edges.len(), 898 * 3, "no directed edge is used twice");
        let rim: BTreeSet<_> = edges.iter().copied().filter(|&[a, b]| !edges.contains(&[b, a])).collect();
        let oval: BTreeSet<_> = (0..OVAL.len()).map(|i| [OVAL[(i + 1) % OVAL.len()], OVAL[i]]).collect();
        assert_eq!(rim, oval);
    }

    #[test]
    fn mirroring_twice_returns_to_the_point() {
        for point in 0..SURFACE_POINTS {
            assert_eq!(mirror(mirror(point)), point);
        }
    }

    #[test]
    fn the_mirror_maps_triangles_onto_triangles() {
        let sorted = |mut t: [usize; 3]| {
            t.sort_unstable();
            t
        };
        let all: BTreeSet<_> = triangles().map(sorted).collect();
        for triangle in triangles() {
            assert!(all.contains(&sorted(triangle.map(mirror))));
        }
    }

    #[test]
    fn left_and_right_features_mirror_each_other() {
        for (right, left) in [(&RIGHT_EYE[..], &LEFT_EYE[..]), (&RIGHT_BROW[..], &LEFT_BROW[..])] {
            let mirrored: BTreeSet<_> = right.iter().map(|&p| mirror(p)).collect();
            assert_eq!(mirrored, left.iter().copied().collect());
        }
    }
}
