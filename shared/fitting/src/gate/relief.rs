//! A small raster of the face in natural logarithms, at one fixed scale, from which colour and relief of its parts
//! are measured.
//!
//! Relief is how much brightness changes from pixel to pixel. At a fixed scale it does not depend on the photo's
//! size; in logarithms it does not depend on its brightness either.

use zeroize::Zeroizing;

use super::patch::{View, for_each_place};
use crate::mesh::Mesh;
use crate::resize::resized;
use crate::topology::OVAL;

/// The eye distance in pixels of the small raster. At this scale a nostril is three pixels wide, and the noise of the
/// photo's own pixels is averaged out.
const EYE_DISTANCE: f32 = 48.0;

/// Added to each channel, so that the noise of dark pixels does not become colour or relief.
const DARK_OFFSET: f32 = 16.0;

/// Weights of the smoothing that precedes the slope: a Gaussian of about one pixel.
const SMOOTHING: [f32; 3] = [0.27, 0.46, 0.27];

/// A part is not measured if less than this share of it is visible; the rest is behind a template's mask or outside
/// the raster.
const SEEN_MIN: f32 = 0.6;

/// The middle of a part or of the face, as a share of its size.
const MIDDLE: f32 = 0.8;

/// The face without its rim, where shadow and hair lie, as a share of its size.
const WITHIN_RIM: f32 = 0.88;

/// A feature including its lashes, lines and shadows, as a multiple of its size.
const FEATURE: f32 = 1.5;

/// The least spread of each hue, as in the composition's model of skin: on smooth skin, freckles must not count as a
/// cover.
const HUE_SPREAD_MIN: [f32; 2] = [0.07, 0.09];

/// 1.4826 times the median deviation estimates the standard deviation of a Gaussian.
const MAD_TO_SIGMA: f32 = 1.4826;

/// Colour and relief of one part of the face: medians over its pixels.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// Mean of the three logarithms.
    pub(super) light: f32,
    /// ln R - ln G and ln G - ln B, which do not depend on the strength of the light.
    pub(super) hue: [f32; 2],
    /// Change of ln G per pixel.
    pub(super) relief: f32,
}

impl Part {
    /// Distance between this part's hue and another.
    pub(super) fn hue_from(&self, hue: [f32; 2]) -> f32 {
        (self.hue[0] - hue[0]).hypot(self.hue[1] - hue[1])
    }

    /// Distance of a colour (logarithms) from this part's colour, in the given spreads of brightness and hues.
    fn distance(&self, [r, g, b]: [f32; 3], spread: [f32; 3]) -> f32 {
        let off = [(r + g + b) / 3.0 - self.light, r - g - self.hue[0], g - b - self.hue[1]];
        off.into_iter().zip(spread).map(|(off, spread)| (off / spread).powi(2)).sum::<f32>().sqrt()
    }
}

/// Median and spread of a face's hues.
pub(super) struct Hues {
    median: [f32; 2],
    spread: [f32; 2],
}

impl Hues {
    /// Distance of a part's hue from the median, in spreads.
    pub(super) fn distance(&self, part: &Part) -> f32 {
        let [red, blue] = [0, 1].map(|k| (part.hue[k] - self.median[k]) / self.spread[k]);
        red.hypot(blue)
    }
}

/// The raster. It is wiped on drop.
pub(super) struct Relief {
    size: [usize; 2],
    logs: Zeroizing<Vec<[f32; 3]>>,
    slope: Zeroizing<Vec<f32>>,
    hidden: Vec<bool>,
    mesh: Mesh,
}

impl Relief {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "sides are below 2¹⁶, and sizes are at least 3"
    )]
    pub(super) fn of(view: View<'_>, mesh: &Mesh) -> Self {
        let picture = view.picture;
        let scale = EYE_DISTANCE / mesh.eye_distance().max(1.0);
        let reduced = |n: usize| ((n as f32 * scale).round() as usize).clamp(3, n.max(3) * 4);
        let size = [reduced(picture.width()), reduced(picture.height())];
        let [across, down] =
            [size[0] as f32 / picture.width() as f32, size[1] as f32 / picture.height() as f32];
        let small = resized(picture, picture.whole(), size[0], size[1]);
        let logs =
            small.data().as_chunks::<3>().0.iter().map(|rgb| rgb.map(|v| (f32::from(v) + DARK_OFFSET).ln()));
        let logs = Zeroizing::new(logs.collect::<Vec<_>>());
        let slope = slope(&logs, size);
        let places = (0..size[1]).flat_map(|y| (0..size[0]).map(move |x| (x, y)));
        let there = |n: usize, scale: f32, end: usize| (((n as f32 + 0.5) / scale) as usize).min(end - 1);
        let hidden = places.map(|(x, y)| {
            view.is_hidden(there(x, across, picture.width()), there(y, down, picture.height()))
        });
        let hidden = hidden.collect();
        let mesh = mesh.mapped(|[x, y, z]| [(x + 0.5) * across - 0.5, (y + 0.5) * down - 0.5, z * across]);
        Self { size, logs, slope, hidden, mesh }
    }

    /// Measures the part inside a ring of mesh points; `None` if too little of it is visible.
    pub(super) fn part(&self, ring: &[usize]) -> Option<Part> {
        Some(self.median_of(&self.places(&self.outline(ring, 1.0))?))
    }

    /// Measures the middle of the part inside a ring of mesh points, away from its neighbours.
    pub(super) fn middle(&self, ring: &[usize]) -> Option<Part> {
        Some(self.median_of(&self.places(&self.outline(ring, MIDDLE))?))
    }

    /// Measures the square around one mesh point.
    pub(super) fn around(&self, point: usize) -> Option<Part> {
        /// Half of the square's side in eye distances; four squares make up the inner cheek.
        const REACH: f32 = 0.065;
        let ([x, y], reach) = (self.mesh.xy(point), REACH * EYE_DISTANCE);
        let corner = |across: f32, down: f32| [x + across * reach, y + down * reach];
        let square = [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
        Some(self.median_of(&self.places(&square)?))
    }

    /// Median and spread of the hues of the whole face inside its rim, including the features.
    pub(super) fn hues(&self) -> Option<Hues> {
        let places = self.places(&self.outline(&OVAL, MIDDLE))?;
        let of = |k: usize| {
            let hue = |place: usize| self.logs[place][k] - self.logs[place][k + 1];
            let median = quantile(&places, 0.5, hue);
            let spread = MAD_TO_SIGMA * quantile(&places, 0.5, |place| (hue(place) - median).abs());
            (median, spread.max(HUE_SPREAD_MIN[k]))
        };
        let [(red, red_spread), (blue, blue_spread)] = [of(0), of(1)];
        Some(Hues { median: [red, blue], spread: [red_spread, blue_spread] })
    }

    /// The 90th less the 10th percentile of ln G inside a ring; 0 if too little of it is visible.
    pub(super) fn contrast(&self, ring: &[usize]) -> f32 {
        let green = |place: usize| self.logs[place][1];
        let places = self.places(&self.outline(ring, 1.0));
        places.map_or(0.0, |places| quantile(&places, 0.9, green) - quantile(&places, 0.1, green))
    }

    /// The 90th percentile of the slope inside a ring.
    pub(super) fn steepest(&self, ring: &[usize]) -> Option<f32> {
        Some(quantile(&self.places(&self.outline(ring, 1.0))?, 0.9, |place| self.slope[place]))
    }

    /// The share of the face (inside its rim, outside the given rings) that lies further than `limit` spreads from
    /// the colour of a part.
    #[expect(clippy::cast_precision_loss, reason = "pixel counts stay far below 2²⁴")]
    pub(super) fn unlike_share(
        &self,
        skin: &Part,
        without: &[&[usize]],
        spread: [f32; 3],
        limit: f32,
    ) -> Option<f32> {
        let mut seen = vec![false; self.logs.len()];
        for place in self.places(&self.outline(&OVAL, WITHIN_RIM))? {
            seen[place] = true;
        }
        for ring in without {
            let feature = self.outline(ring, FEATURE);
            for_each_place(&feature, self.size, |x, y| seen[y * self.size[0] + x] = false);
        }
        let all = seen.iter().filter(|&&seen| seen).count();
        let is_unlike = |log: [f32; 3]| skin.distance(log, spread) > limit;
        let unlike = self.logs.iter().zip(&seen).filter(|&(&log, &seen)| seen && is_unlike(log)).count();
        (all > 0).then(|| unlike as f32 / all as f32)
    }

    /// The share of a ring that lies further than `limit` spreads from the colour of a part and is darker than it by
    /// more than `darker`, in logarithms.
    #[expect(clippy::cast_precision_loss, reason = "pixel counts stay far below 2²⁴")]
    pub(super) fn darker_share(
        &self,
        ring: &[usize],
        skin: &Part,
        spread: [f32; 3],
        limit: f32,
        darker: f32,
    ) -> Option<f32> {
        let places = self.places(&self.outline(ring, 1.0))?;
        let is_dark = |log: [f32; 3]| {
            log.iter().sum::<f32>() / 3.0 < skin.light - darker && skin.distance(log, spread) > limit
        };
        let dark = places.iter().filter(|&&place| is_dark(self.logs[place])).count();
        Some(dark as f32 / places.len() as f32)
    }

    /// The outline of a ring of mesh points, scaled by `share` about its centre.
    #[expect(clippy::cast_precision_loss, reason = "rings are short")]
    fn outline(&self, ring: &[usize], share: f32) -> Vec<[f32; 2]> {
        let points = || ring.iter().map(|&point| self.mesh.xy(point));
        let centre = [0, 1].map(|k| points().map(|p| p[k]).sum::<f32>() / ring.len() as f32);
        points().map(|p| [0, 1].map(|k| centre[k] + share * (p[k] - centre[k]))).collect()
    }

    /// The visible pixels inside an outline; `None` if they are too few to measure.
    #[expect(clippy::cast_precision_loss, reason = "pixel counts stay far below 2²⁴")]
    fn places(&self, outline: &[[f32; 2]]) -> Option<Vec<usize>> {
        let (mut places, mut all) = (Vec::new(), 0_usize);
        for_each_place(outline, self.size, |x, y| {
            let place = y * self.size[0] + x;
            all += 1;
            if !self.hidden[place] {
                places.push(place);
            }
        });
        (!places.is_empty() && places.len() as f32 >= SEEN_MIN * all as f32).then_some(places)
    }

    fn median_of(&self, places: &[usize]) -> Part {
        let log = |place: usize| self.logs[place];
        let median = |value: &dyn Fn(usize) -> f32| quantile(places, 0.5, value);
        Part {
            light: median(&|place| log(place).iter().sum::<f32>() / 3.0),
            hue: [
                median(&|place| log(place)[0] - log(place)[1]),
                median(&|place| log(place)[1] - log(place)[2]),
            ],
            relief: median(&|place| self.slope[place]),
        }
    }
}

/// The quantile of a value over places; 0 if there are none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a small number"
)]
fn quantile(places: &[usize], share: f32, value: impl Fn(usize) -> f32) -> f32 {
    let mut values = Zeroizing::new(places.iter().map(|&place| value(place)).collect::<Vec<_>>());
    let rank = (values.len() as f32 * share) as usize;
    if rank < values.len() { *values.select_nth_unstable_by(rank, f32::total_cmp).1 } else { 0.0 }
}

/// The slope of the smoothed ln G at every pixel; 0 along the raster's edge.
fn slope(logs: &[[f32; 3]], [width, height]: [usize; 2]) -> Zeroizing<Vec<f32>> {
    let mut smooth = Zeroizing::new(logs.iter().map(|log| log[1]).collect::<Vec<_>>());
    for step in [1, width] {
        let before = Zeroizing::new(smooth.to_vec());
        for (place, value) in smooth.iter_mut().enumerate() {
            let near = |other: Option<usize>| other.and_then(|k| before.get(k)).unwrap_or(&before[place]);
            let (low, high) = (near(place.checked_sub(step)), near(Some(place + step)));
            *value = SMOOTHING[0] * low + SMOOTHING[1] * before[place] + SMOOTHING[2] * high;
        }
    }
    let mut slope = Zeroizing::new(vec![0.0; logs.len()]);
    for y in 1..height.saturating_sub(1) {
        for x in 1..width.saturating_sub(1) {
            let place = y * width + x;
            let line = |ahead: usize, across: usize| {
                let difference = |centre: usize| smooth[centre + ahead] - smooth[centre - ahead];
                (difference(place - across) + 2.0 * difference(place) + difference(place + across)) / 8.0
            };
            slope[place] = line(1, width).hypot(line(width, 1));
        }
    }
    slope
}
