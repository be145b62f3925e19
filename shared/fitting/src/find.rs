//! Finds the faces of a photo: near ones, far ones, faces lying sideways, small ones, in that order.
//!
//! The detectors find faces that are roughly upright and not too small, and busy pictures cause false detections. So
//! the search has stages, from one detection on the whole photo to small tiles of it, and ends with the first stage
//! that finds a face. A detection counts as a face if a close check scores high and the mesh network reports a face
//! there. The number of checked detections is bounded, so no picture makes the search expensive. The quality gate
//! decides how large other faces may be.

mod check;
mod tiles;

use self::check::check_closely;
use self::tiles::tiles;
use crate::detect::{Face, detect_far, detect_near};
use crate::error::FittingError;
use crate::landmarks::{PRESENCE_MIN, landmarks};
use crate::mesh::Mesh;
use crate::models::Models;
use crate::photo::{Photo, QuarterTurn};
use crate::region::Region;

/// An upright face that scores this high in the first detection needs no close check. Upright faces score 0.92 to
/// 0.99 in pictures of one person. Faces lying sideways score below 0.9, often with keypoints that look upright.
const SURE_SCORE: f32 = 0.9;

/// How many detections of one stage of a photo's search are checked, the highest scores first. Each check costs four
/// runs of the short-range detector, and one of the mesh network if the score is high.
const CHECKS_PER_STAGE_MAX: usize = 6;
/// The same limit for a template's picture: operators may choose any face of a group.
const CHECKS_FOR_ALL_MAX: usize = 40;

/// One stage of the search: which parts of the photo it searches, how they are turned, and with which detectors.
struct Stage {
    /// The turns of the photo to try; `None` leaves it as it is.
    turns: &'static [Option<QuarterTurn>],
    detectors: Detectors,
    view: View,
}

/// The detectors that a stage runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detectors {
    Near,
    Far,
    Both,
}

/// The part of the photo that a detector gets as one input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Whole,
    LargeTiles,
    SmallTiles,
}

const UPRIGHT: &[Option<QuarterTurn>] = &[None];
const TURNED: &[Option<QuarterTurn>] =
    &[Some(QuarterTurn::Right), Some(QuarterTurn::Half), Some(QuarterTurn::Left)];

/// A tile's side as a share of the photo's shorter side, and the most tiles; tiles are larger if there would be more.
/// Large tiles show upright faces whose eye distance is at least a 75th of the photo's longer side, small tiles those
/// from a 150th. In photos of twelve megapixels that is less than the quality gate admits, so an upright face that is
/// too small is reported as too small, not as missing. Smaller faces in larger photos are not found, nor faces lying
/// sideways below a 75th: every photo without a face pays for each further stage.
const LARGE_TILES: (f32, usize) = (0.6, 12);
const SMALL_TILES: (f32, usize) = (0.3, 36);

/// The stages after the first detection, in their order.
const STAGES: [Stage; 5] = [
    Stage { turns: UPRIGHT, detectors: Detectors::Far, view: View::Whole },
    Stage { turns: TURNED, detectors: Detectors::Both, view: View::Whole },
    Stage { turns: UPRIGHT, detectors: Detectors::Far, view: View::LargeTiles },
    Stage { turns: TURNED, detectors: Detectors::Far, view: View::LargeTiles },
    Stage { turns: UPRIGHT, detectors: Detectors::Far, view: View::SmallTiles },
];

/// Below this share of the view's side, faces are detected only by chance: of two faces of one size, the far detector
/// finds both from 0.08, and one of them at 0.06. So other faces of that size are searched in the next smaller view.
const SHARE_MIN: f32 = 0.09;

/// The same share for the first detection: the near detector finds both of two faces of one size from 0.14.
const FIRST_SHARE_MIN: f32 = 0.15;

/// Next to a sure face, detections whose box is smaller than this share of its box are not checked. The quality gate
/// compares faces by their meshes; boxes of one face differ by a fifth between the detectors.
const BYSTANDER_MAX: f32 = 0.5;

/// Tiles with fewer pixels of the file per side than this show only faces that are far too small.
const TILE_SIDE_MIN: usize = 128;

/// A face that the search has found.
#[derive(Clone, Copy)]
pub(crate) struct FoundFace {
    /// The detection.
    pub(crate) face: Face,
    /// Its size in pixels, for comparing the faces of one photo: the size of the mesh if there are several faces,
    /// otherwise of the box.
    pub(crate) size: f32,
}

/// Which faces to search for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchScope {
    /// The largest face, and faces so large that it is unclear which one is meant.
    Largest,
    /// All detected faces.
    All,
}

impl SearchScope {
    fn checks_per_stage_max(self) -> usize {
        match self {
            Self::Largest => CHECKS_PER_STAGE_MAX,
            Self::All => CHECKS_FOR_ALL_MAX,
        }
    }
}

/// A search that can be resumed.
pub(crate) struct Search<'m> {
    models: &'m Models,
    scope: SearchScope,
    /// Whether the first detection (short-range detector, whole photo) is done.
    is_first_done: bool,
    /// What the first detection found, for the stage after it.
    first_detections: Vec<Face>,
    stages: std::slice::Iter<'static, Stage>,
    /// Detections that turned out not to be faces.
    rejected: Vec<Face>,
}

/// Returns the mesh of the largest face, in pixels of the upright photo; `None` if there is no face.
///
/// # Errors
/// [`FittingError::Model`] when a network cannot be run.
pub fn find_mesh(models: &Models, photo: &mut Photo) -> Result<Option<Mesh>, FittingError> {
    let faces = find_faces(models, photo)?;
    faces.first().map(|face| Ok(landmarks(models, photo, face)?.mesh)).transpose()
}

/// Returns the faces of a photo, the largest first. Turns the photo if the largest face is not upright.
pub(crate) fn find_faces(models: &Models, photo: &mut Photo) -> Result<Vec<Face>, FittingError> {
    let mut search = Search::new(models, SearchScope::All);
    loop {
        let faces = search.next(photo)?;
        let faces: Vec<Face> = faces.iter().map(|found| found.face).collect();
        let Some(first) = faces.first() else { return Ok(faces) };
        if landmarks(models, photo, first)?.presence >= PRESENCE_MIN {
            return Ok(check::upright(photo, &faces));
        }
        search.reject(first);
    }
}

/// Turns the photo so that a face is upright, and returns the face in the turned photo. If the short-range detector
/// finds the face on the whole turned photo, its box is used: so a photo that is stored sideways gives the same work
/// as an upright one.
pub(crate) fn turn_upright(
    models: &Models,
    photo: &mut Photo,
    face: &Face,
    turn: QuarterTurn,
) -> Result<Face, FittingError> {
    let face = face.turned(turn, (photo.width(), photo.height()));
    photo.turn(turn);
    let detections = detect_near(models, photo, photo.whole())?;
    Ok(detections.into_iter().find(|seen| seen.touches(&face) && is_sure(seen)).unwrap_or(face))
}

impl<'m> Search<'m> {
    pub(crate) fn new(models: &'m Models, scope: SearchScope) -> Self {
        Self {
            models,
            scope,
            is_first_done: false,
            first_detections: Vec::new(),
            stages: STAGES.iter(),
            rejected: Vec::new(),
        }
    }

    /// Returns the faces of the next stage that finds any, the largest first, in pixels of the photo, which stays as
    /// it is. Returns none when no stage is left. A single face has not been confirmed by its mesh: the caller
    /// computes the mesh anyway, and calls [`Search::reject`] if it shows no face.
    pub(crate) fn next(&mut self, photo: &mut Photo) -> Result<Vec<FoundFace>, FittingError> {
        if !self.is_first_done {
            let detections = detect_near(self.models, photo, photo.whole())?;
            self.first_detections.clone_from(&detections);
            let faces = self.confirm(detections, photo)?;
            self.is_first_done = true;
            let clear_from = FIRST_SHARE_MIN * View::Whole.side(photo);
            if faces.first().is_some_and(|largest| largest.face.side() >= clear_from) {
                return Ok(faces);
            }
        }
        while let Some(stage) = self.stages.next() {
            let mut detections = std::mem::take(&mut self.first_detections);
            detections.extend(stage.detections(self.models, photo)?);
            let faces = self.confirm(detections, photo)?;
            if let Some(largest) = faces.first().copied() {
                let is_small = largest.face.side() < SHARE_MIN * stage.view.side(photo);
                let closer = stage.closer().filter(|_| is_small);
                let Some(closer) = closer else { return Ok(faces) };
                let mut detections = closer.detections(self.models, photo)?;
                detections.extend(faces.iter().map(|found| found.face));
                let all = self.confirm(detections, photo)?;
                return Ok(if all.is_empty() { faces } else { all });
            }
        }
        Ok(Vec::new())
    }

    /// Records that a found face is not a face.
    pub(crate) fn reject(&mut self, face: &Face) {
        self.rejected.push(*face);
    }

    /// Checks detections and returns those that are faces, the largest first.
    fn confirm(
        &mut self,
        mut detections: Vec<Face>,
        photo: &mut Photo,
    ) -> Result<Vec<FoundFace>, FittingError> {
        detections.sort_by(|a, b| b.score.total_cmp(&a.score));
        // A detection that scores higher than a rejected one may be a better box of a face.
        let is_rejected =
            |face: &Face| self.rejected.iter().any(|other| other.overlaps(face) && other.score >= face.score);
        detections.retain(|face| !is_rejected(face));
        let mut detections = distinct(detections);
        self.drop_bystanders(&mut detections);
        detections.truncate(self.scope.checks_per_stage_max());
        let mut faces = Vec::new();
        for detection in detections {
            let needs_no_check = !self.is_first_done && is_sure(&detection);
            let checked =
                if needs_no_check { Some(detection) } else { check_closely(self.models, photo, &detection)? };
            match checked {
                Some(face) => faces.push(face),
                None => self.rejected.push(detection),
            }
        }
        let faces = distinct(faces);
        if let [face] = faces[..] {
            return Ok(vec![FoundFace { face, size: face.area().sqrt() }]);
        }
        let mut found = Vec::new();
        for face in faces {
            let landmarks = landmarks(self.models, photo, &face)?;
            if landmarks.presence >= PRESENCE_MIN {
                let [left, top, right, bottom] = landmarks.mesh.bounds();
                found.push(FoundFace { face, size: ((right - left) * (bottom - top)).sqrt() });
            } else {
                self.rejected.push(face);
            }
        }
        found.sort_by(|a, b| b.size.total_cmp(&a.size));
        Ok(found)
    }

    /// Drops detections that are too small next to a sure face to make it unclear whose face is meant.
    fn drop_bystanders(&self, detections: &mut Vec<Face>) {
        let sure = detections.iter().filter(|face| is_sure(face));
        let largest = sure.max_by(|a, b| a.area().total_cmp(&b.area())).copied();
        if let (SearchScope::Largest, Some(largest)) = (self.scope, largest) {
            detections.retain(|face| (face.area() / largest.area()).sqrt() >= BYSTANDER_MAX);
        }
    }
}

impl Stage {
    /// The same stage with the next smaller view; `None` after the smallest.
    fn closer(&self) -> Option<Self> {
        let view = match self.view {
            View::Whole => View::LargeTiles,
            View::LargeTiles => View::SmallTiles,
            View::SmallTiles => return None,
        };
        Some(Self { turns: self.turns, detectors: Detectors::Far, view })
    }

    /// Runs the stage's detectors; detections are in pixels of the photo as it is.
    fn detections(&self, models: &Models, photo: &mut Photo) -> Result<Vec<Face>, FittingError> {
        let mut detections = Vec::new();
        for &turn in self.turns {
            let seen = check::turned(photo, turn, |photo| {
                let mut seen = Vec::new();
                for region in self.view.regions(photo) {
                    if self.detectors != Detectors::Far {
                        seen.extend(detect_near(models, photo, region)?);
                    }
                    if self.detectors != Detectors::Near {
                        seen.extend(detect_far(models, photo, region)?);
                    }
                }
                Ok(seen)
            })?;
            detections.extend(seen);
        }
        Ok(detections)
    }
}

impl View {
    /// The parts of the photo that the detectors get one by one.
    fn regions(self, photo: &Photo) -> Vec<Region> {
        let (share, count_max) = match self {
            Self::Whole => return vec![photo.whole()],
            Self::LargeTiles => LARGE_TILES,
            Self::SmallTiles => SMALL_TILES,
        };
        let mut tiles = tiles((photo.width(), photo.height()), share, count_max);
        tiles.retain(|tile| tile.width.max(tile.height) * photo.reduction() >= TILE_SIDE_MIN);
        tiles
    }

    /// The longer side of one of these parts.
    #[expect(clippy::cast_precision_loss, reason = "photo sides are below 2¹⁶")]
    fn side(self, photo: &Photo) -> f32 {
        self.regions(photo).first().map_or(0, |region| region.width.max(region.height)) as f32
    }
}

/// Whether a detection scores so high that it needs no close check. If its eyes are not level, it may be an upright
/// face in a turned view.
fn is_sure(face: &Face) -> bool {
    face.score >= SURE_SCORE && face.is_level()
}

/// Keeps the first detection of each face.
fn distinct(detections: Vec<Face>) -> Vec<Face> {
    let mut faces: Vec<Face> = Vec::new();
    for face in detections {
        if faces.iter().all(|other| !other.overlaps(&face)) {
            faces.push(face);
        }
    }
    faces
}
