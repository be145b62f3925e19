//! The similarity transform from one face's points to another's; it says how the head is turned.
//!
//! Weighted least squares over corresponding 3-D points (Umeyama 1991). The rotation is found as Horn's unit
//! quaternion (1987): the eigenvector of the largest eigenvalue of a symmetric 4 × 4 matrix.

/// Scale, rotation and shift; `to = scale · rotation · (from - from_centre) + to_centre`.
pub(crate) struct Similarity {
    scale: f64,
    rotation: [[f64; 3]; 3],
    from_centre: [f64; 3],
    to_centre: [f64; 3],
}

impl Similarity {
    /// Fits the best similarity from `from` to `to`, where pair i counts by `weights[i]`.
    pub(crate) fn between(from: &[[f32; 3]], to: &[[f32; 3]], weights: &[f64]) -> Self {
        let (from_centre, to_centre) = (centre(from, weights), centre(to, weights));
        let mut products = [[0.0; 3]; 3];
        let mut spread = 0.0;
        for ((f, t), &w) in from.iter().zip(to).zip(weights) {
            let (f, t) = (minus(*f, from_centre), minus(*t, to_centre));
            for (row, &fi) in products.iter_mut().zip(&f) {
                for (cell, &ti) in row.iter_mut().zip(&t) {
                    *cell += w * fi * ti;
                }
            }
            spread += w * dot(f, f);
        }
        let rotation = best_rotation(&products);
        // With the rotation known, the scale is the projection of `to` onto the rotated `from`.
        let aligned: f64 = (0..3).map(|i| (0..3).map(|j| rotation[i][j] * products[j][i]).sum::<f64>()).sum();
        Self { scale: aligned / spread, rotation, from_centre, to_centre }
    }

    /// Maps a point of the first face to the second face's position.
    #[expect(clippy::cast_possible_truncation, reason = "pixel coordinates need no more than f32 holds")]
    pub(crate) fn apply(&self, point: [f32; 3]) -> [f32; 3] {
        let p = minus(point, self.from_centre);
        std::array::from_fn(|i| (self.scale * dot(self.rotation[i], p) + self.to_centre[i]) as f32)
    }

    /// Returns how far the head is turned between the two faces, in degrees: yaw and pitch together. Roll is left
    /// out, because a rolled head hides nothing.
    #[expect(clippy::cast_possible_truncation, reason = "an angle in degrees needs no more than f32 holds")]
    pub(crate) fn turn_degrees(&self) -> f32 {
        let r = &self.rotation;
        let yaw = r[0][2].atan2(r[2][2]).to_degrees();
        let pitch = (-r[1][2]).clamp(-1.0, 1.0).asin().to_degrees();
        yaw.hypot(pitch) as f32
    }
}

fn centre(points: &[[f32; 3]], weights: &[f64]) -> [f64; 3] {
    let total: f64 = weights.iter().sum();
    std::array::from_fn(|axis| {
        points.iter().zip(weights).map(|(p, w)| f64::from(p[axis]) * w).sum::<f64>() / total
    })
}

fn minus(point: [f32; 3], centre: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| f64::from(point[axis]) - centre[axis])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Returns the rotation R that maximises `trace(R · products)`, where `products[i][j]` is Σ from_i · to_j.
fn best_rotation(s: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let matrix = [
        [s[0][0] + s[1][1] + s[2][2], s[1][2] - s[2][1], s[2][0] - s[0][2], s[0][1] - s[1][0]],
        [s[1][2] - s[2][1], s[0][0] - s[1][1] - s[2][2], s[0][1] + s[1][0], s[2][0] + s[0][2]],
        [s[2][0] - s[0][2], s[0][1] + s[1][0], s[1][1] - s[0][0] - s[2][2], s[1][2] + s[2][1]],
        [s[0][1] - s[1][0], s[2][0] + s[0][2], s[1][2] + s[2][1], s[2][2] - s[0][0] - s[1][1]],
    ];
    let [w, x, y, z] = dominant_eigenvector(matrix);
    [
        [w * w + x * x - y * y - z * z, 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), w * w - x * x + y * y - z * z, 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), w * w - x * x - y * y + z * z],
    ]
}

/// Returns the unit eigenvector of the largest eigenvalue of a symmetric matrix, by cyclic Jacobi rotations.
fn dominant_eigenvector(mut a: [[f64; 4]; 4]) -> [f64; 4] {
    /// Jacobi converges quadratically: a 4 × 4 matrix is diagonal to rounding after six sweeps.
    const SWEEPS: usize = 10;
    let mut vectors =
        [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
    for _ in 0..SWEEPS {
        for p in 0..3 {
            for q in p + 1..4 {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cos = 1.0 / t.hypot(1.0);
                let sin = t * cos;
                let rotate = |x: f64, y: f64| (cos * x - sin * y, sin * x + cos * y);
                let (row_p, row_q) = (a[p], a[q]);
                a[p] = std::array::from_fn(|k| rotate(row_p[k], row_q[k]).0);
                a[q] = std::array::from_fn(|k| rotate(row_p[k], row_q[k]).1);
                for row in a.iter_mut().chain(&mut vectors) {
                    (row[p], row[q]) = rotate(row[p], row[q]);
                }
            }
        }
    }
    let largest = (1..4).fold(0, |best, i| if a[i][i] > a[best][best] { i } else { best });
    std::array::from_fn(|i| vectors[i][largest])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud() -> Vec<[f32; 3]> {
        (0..40)
            .map(|i| {
                let t = i as f32;
                [(t * 1.7).sin() * 40.0, (t * 2.3).cos() * 60.0 + t, (t * 0.9).sin() * 25.0]
            })
            .collect()
    }

    #[test]
    fn a_known_similarity_is_recovered() {
        for yaw in [-40.0_f32, -10.0, 0.0, 5.0, 35.0, 120.0] {
            let (sin, cos) = yaw.to_radians().sin_cos();
            let turned: Vec<_> = cloud()
                .iter()
                .map(|[x, y, z]| {
                    [1.5 * (cos * x + sin * z) + 7.0, 1.5 * y - 3.0, 1.5 * (cos * z - sin * x) + 1.0]
                })
                .collect();
            let similarity = Similarity::between(&cloud(), &turned, &[1.0; 40]);
            assert!((similarity.turn_degrees() - yaw.abs()).abs() < 1e-3, "{yaw}");
            for (from, to) in cloud().into_iter().zip(&turned) {
                let moved = similarity.apply(from);
                assert!(moved.iter().zip(to).all(|(a, b)| (a - b).abs() < 1e-3));
            }
        }
    }

    #[test]
    fn a_point_without_weight_changes_nothing() {
        let mut moved: Vec<_> = cloud().iter().map(|[x, y, z]| [x + 5.0, *y, *z]).collect();
        moved[7] = [900.0, -900.0, 900.0];
        let mut weights = [1.0; 40];
        weights[7] = 0.0;
        let similarity = Similarity::between(&cloud(), &moved, &weights);
        assert!(similarity.turn_degrees() < 1e-4);
        assert!((similarity.apply([0.0; 3])[0] - 5.0).abs() < 1e-3);
    }
}
