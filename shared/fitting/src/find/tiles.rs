//! Covers a photo with overlapping squares, in which small faces are large.

use crate::region::Region;

/// Neighbouring tiles overlap by this share of their side, so that a face which is too small for the whole view lies
/// completely in one of them.
const OVERLAP: f32 = 0.3;

/// The factor by which squares are enlarged, repeatedly, while there are too many.
const GROWTH: f32 = 1.1;

/// Returns squares with `share` of the shorter side of a picture of this size, or larger ones if more than
/// `count_max` would be needed. They are cut off at the picture's edge.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "picture sides are below 2¹⁶"
)]
pub(super) fn tiles((width, height): (usize, usize), share: f32, count_max: usize) -> Vec<Region> {
    let mut side = (width.min(height) as f32 * share).max(1.0);
    while count(width, side) * count(height, side) > count_max {
        side *= GROWTH;
    }
    let span = |size: usize, index: usize, count: usize| {
        let length = (side.round() as usize).clamp(1, size);
        let start = if count > 1 { index * (size - length) / (count - 1) } else { 0 };
        (start, length)
    };
    let (columns, rows) = (count(width, side), count(height, side));
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    places
        .map(|(column, row)| {
            let ((left, width), (top, height)) = (span(width, column, columns), span(height, row, rows));
            Region { left, top, width, height }
        })
        .collect()
}

/// How many squares cover a side of this length.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "picture sides are below 2¹⁶"
)]
fn count(size: usize, side: f32) -> usize {
    let rest = (size as f32 - side).max(0.0);
    (rest / (side * (1.0 - OVERLAP))).ceil() as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_pixel_and_are_never_too_many() {
        for size in [(1, 1), (1000, 750), (135, 875), (1080, 7000), (16_384, 3), (512, 512)] {
            for (share, count_max) in [(0.6, 12), (0.3, 36)] {
                let tiles = tiles(size, share, count_max);
                assert!(tiles.len() <= count_max, "{size:?}: {}", tiles.len());
                let holds = |x: usize, y: usize| {
                    tiles.iter().any(|tile| {
                        (tile.left..tile.left + tile.width).contains(&x)
                            && (tile.top..tile.top + tile.height).contains(&y)
                    })
                };
                let (last_x, last_y) = (size.0 - 1, size.1 - 1);
                for n in 0..=100 {
                    let (x, y) = (last_x * n / 100, last_y * n / 100);
                    let all = [(x, 0), (x, last_y), (0, y), (last_x, y), (x, y), (x, last_y - y)];
                    assert!(all.into_iter().all(|(x, y)| holds(x, y)), "{size:?} at {n}");
                }
            }
        }
    }

    #[test]
    fn neighbours_overlap() {
        let tiles = tiles((1000, 750), 0.6, 12);
        assert_eq!(tiles.len(), 6);
        assert!(tiles[1].left + 135 <= tiles[0].left + tiles[0].width);
        assert!(tiles[3].top + 135 <= tiles[0].top + tiles[0].height);
    }
}
