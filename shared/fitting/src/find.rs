//! The search for the faces of a photo: near ones, far ones, lying ones, small ones, in that order.
//!
//! The detectors know faces that are more or less upright and not too small, and busy pictures fool them. So the
//! search has stages, from one glance at the whole photo to small tiles of it, and ends with the first stage that
//! shows a face. A detection is a face when a close look at it scores high and the mesh network sees a face there.
//! The number of detections that are looked at is bounded, so that no picture makes the search expensive.
//! How large the other faces may be is left to the gate.

mod look;
mod tiles;

use self::look::close_look;
use self::tiles::tiles;
use crate::detect::{Face, detect_far, detect_near};
use crate::error::FittingError;
use crate::landmarks::{PRESENCE_MIN, landmarks};
use crate::mesh::Mesh;
use crate::models::Models;
use crate::photo::{Photo, QuarterTurn, Region};

/// An upright face that the first glance scores this high needs no closer look. Upright faces score 0.92 to 0.99 in
/// pictures of one person, lying ones below 0.9, often with keypoints that do not show it.
const SURE_SCORE: f32 = 0.9;

/// How many detections of one stage of a photo's search are looked at, the highest scores first. Each costs four runs of
/// the small detector, and one of the mesh network when the look scores high.
const LOOKS_PER_STAGE_MAX: usize = 6;
/// The same for a template's picture: operators may choose any face of a group.
const LOOKS_FOR_ALL_MAX: usize = 40;

/// What one stage looks at, and how.
struct Stage {
    /// How the photo is turned; `None` is as it is.
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

/// What a detector sees at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Whole,
    LargeTiles,
    SmallTiles,
}

const UPRIGHT: &[Option<QuarterTurn>] = &[None];
const TURNED: &[Option<QuarterTurn>] =
    &[Some(QuarterTurn::Right), Some(QuarterTurn::Half), Some(QuarterTurn::Left)];

/// The share of the photo's shorter side that a tile has, and the most tiles there are; tiles are larger when there would
/// be more. Large tiles show faces from a 75th of a photo's longer side on (distance of the eyes), small ones from a 150th
/// on, where they stand upright. In photos of twelve megapixels that is less than the gate admits, so that an upright face is
/// called too small, not missing. Not found are smaller faces in larger photos, and lying ones below a 75th: each stage more
/// is paid for by every photo without a face.
const LARGE_TILES: (f32, usize) = (0.6, 12);
const SMALL_TILES: (f32, usize) = (0.3, 36);

/// The stages after the first glance, in their order.
const STAGES: [Stage; 5] = [
    Stage { turns: UPRIGHT, detectors: Detectors::Far, view: View::Whole },
    Stage { turns: TURNED, detectors: Detectors::Both, view: View::Whole },
    Stage { turns: UPRIGHT, detectors: Detectors::Far, view: View::LargeTiles },
    Stage { turns: TURNED, detectors: Detectors::Far, view: View::LargeTiles },
    Stage { turns: UPRIGHT, detectors: Detectors::Far, view: View::SmallTiles },
];

/// A face with less than this share of its view's side is seen by luck: of two of one size, the far detector sees both
/// from 0.08 on, and one of them at 0.06. So others of its size are searched in the next smaller view.
const SHARE_MIN: f32 = 0.09;

/// The same of the first glance: the near detector sees both of two faces of one size from 0.14 on.
const GLANCE_SHARE_MIN: f32 = 0.15;

/// Beside a sure face no box is looked at that is smaller than this share of its box. The gate compares the faces by their
/// meshes; boxes of one face differ by a fifth between the detectors.
const BYSTANDER_MAX: f32 = 0.5;

/// Tiles of less than this many pixels of the file show only faces that are far too small.
const TILE_SIDE_MIN: usize = 128;

/// A face that a search has found.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    /// Where it was seen.
    pub(crate) face: Face,
    /// Its size in pixels, to compare faces of one photo by: of the mesh where there are several, else of the box.
    pub(crate) size: f32,
}

/// Which faces a search is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The largest, and those that make it unclear which one is meant.
    Largest,
    /// All that are seen.
    All,
}

impl Wanted {
    fn looks_per_stage_max(self) -> usize {
        match self {
            Self::Largest => LOOKS_PER_STAGE_MAX,
            Self::All => LOOKS_FOR_ALL_MAX,
        }
    }
}

/// A search that can be resumed.
pub(crate) struct Search<'m> {
    models: &'m Models,
    wanted: Wanted,
    /// Whether the first glance is over.
    has_glanced: bool,
    /// What the first glance saw, for the stage after it.
    glance: Vec<Face>,
    stages: std::slice::Iter<'static, Stage>,
    /// Detections that are no faces.
    rejected: Vec<Face>,
}

/// The mesh of the largest face, in pixels of the upright photo; `None` when there is no face.
///
/// # Errors
/// [`FittingError::Model`] when a network cannot be run.
pub fn find_mesh(models: &Models, photo: &mut Photo) -> Result<Option<Mesh>, FittingError> {
    let faces = find_faces(models, photo)?;
    faces.first().map(|face| Ok(landmarks(models, photo, face)?.mesh)).transpose()
}

/// The faces of a photo, the largest first; turns the photo when that one does not stand upright.
pub(crate) fn find_faces(models: &Models, photo: &mut Photo) -> Result<Vec<Face>, FittingError> {
    let mut search = Search::new(models, Wanted::All);
    loop {
        let faces = search.next(photo)?;
        let faces: Vec<Face> = faces.iter().map(|found| found.face).collect();
        let Some(first) = faces.first() else { return Ok(faces) };
        if landmarks(models, photo, first)?.presence >= PRESENCE_MIN {
            return Ok(look::upright(photo, &faces));
        }
        search.reject(first);
    }
}

/// Turns the photo so that a face stands upright; the face there. Where the first glance shows it, the glance's box is taken:
/// so a photo that is stored lying gives the work that it gives upright.
pub(crate) fn turn_upright(
    models: &Models,
    photo: &mut Photo,
    face: &Face,
    turn: QuarterTurn,
) -> Result<Face, FittingError> {
    let face = face.turned(turn, (photo.width(), photo.height()));
    photo.turn(turn);
    let glance = detect_near(models, photo, photo.whole())?;
    Ok(glance.into_iter().find(|seen| seen.touches(&face) && is_sure(seen)).unwrap_or(face))
}

impl<'m> Search<'m> {
    pub(crate) fn new(models: &'m Models, wanted: Wanted) -> Self {
        Self {
            models,
            wanted,
            has_glanced: false,
            glance: Vec::new(),
            stages: STAGES.iter(),
            rejected: Vec::new(),
        }
    }

    /// The faces of the next stage that shows any, the largest first, in pixels of the photo, which stays as it is; none
    /// when no stage is left. A single face has not been confirmed by its mesh: the caller computes that anyway, and
    /// calls [`Search::reject`] when it shows no face.
    pub(crate) fn next(&mut self, photo: &mut Photo) -> Result<Vec<Found>, FittingError> {
        if !self.has_glanced {
            let glance = detect_near(self.models, photo, photo.whole())?;
            self.glance.clone_from(&glance);
            let faces = self.confirmed(glance, photo)?;
            self.has_glanced = true;
            let clear_from = GLANCE_SHARE_MIN * View::Whole.side(photo);
            if faces.first().is_some_and(|largest| largest.face.side() >= clear_from) {
                return Ok(faces);
            }
        }
        while let Some(stage) = self.stages.next() {
            let mut detections = std::mem::take(&mut self.glance);
            detections.extend(stage.detections(self.models, photo)?);
            let faces = self.confirmed(detections, photo)?;
            if let Some(largest) = faces.first().copied() {
                let is_small = largest.face.side() < SHARE_MIN * stage.view.side(photo);
                let closer = stage.closer().filter(|_| is_small);
                let Some(closer) = closer else { return Ok(faces) };
                let mut detections = closer.detections(self.models, photo)?;
                detections.extend(faces.iter().map(|found| found.face));
                let all = self.confirmed(detections, photo)?;
                return Ok(if all.is_empty() { faces } else { all });
            }
        }
        Ok(Vec::new())
    }

    /// Says that a face which was found is none.
    pub(crate) fn reject(&mut self, face: &Face) {
        self.rejected.push(*face);
    }

    /// Those detections that are faces, the largest first.
    fn confirmed(
        &mut self,
        mut detections: Vec<Face>,
        photo: &mut Photo,
    ) -> Result<Vec<Found>, FittingError> {
        detections.sort_by(|a, b| b.score.total_cmp(&a.score));
        // What is surer than a rejected detection may be a better box of a face.
        let is_rejected =
            |face: &Face| self.rejected.iter().any(|other| other.overlaps(face) && other.score >= face.score);
        detections.retain(|face| !is_rejected(face));
        let mut detections = distinct(detections);
        self.drop_bystanders(&mut detections);
        detections.truncate(self.wanted.looks_per_stage_max());
        let mut faces = Vec::new();
        for detection in detections {
            let is_clear = !self.has_glanced && is_sure(&detection);
            let seen = if is_clear { Some(detection) } else { close_look(self.models, photo, &detection)? };
            match seen {
                Some(face) => faces.push(face),
                None => self.rejected.push(detection),
            }
        }
        let faces = distinct(faces);
        if let [face] = faces[..] {
            return Ok(vec![Found { face, size: face.area().sqrt() }]);
        }
        let mut found = Vec::new();
        for face in faces {
            let landmarks = landmarks(self.models, photo, &face)?;
            if landmarks.presence >= PRESENCE_MIN {
                let [left, top, right, bottom] = landmarks.mesh.bounds();
                found.push(Found { face, size: ((right - left) * (bottom - top)).sqrt() });
            } else {
                self.rejected.push(face);
            }
        }
        found.sort_by(|a, b| b.size.total_cmp(&a.size));
        Ok(found)
    }

    /// Leaves out detections that are too small beside a sure face to make it unclear whose face is meant.
    fn drop_bystanders(&self, detections: &mut Vec<Face>) {
        let sure = detections.iter().filter(|face| is_sure(face));
        let largest = sure.max_by(|a, b| a.area().total_cmp(&b.area())).copied();
        if let (Wanted::Largest, Some(largest)) = (self.wanted, largest) {
            detections.retain(|face| (face.area() / largest.area()).sqrt() >= BYSTANDER_MAX);
        }
    }
}

impl Stage {
    /// The same with the next smaller view.
    fn closer(&self) -> Option<Self> {
        let view = match self.view {
            View::Whole => View::LargeTiles,
            View::LargeTiles => View::SmallTiles,
            View::SmallTiles => return None,
        };
        Some(Self { turns: self.turns, detectors: Detectors::Far, view })
    }

    /// What the stage's detectors see, in pixels of the photo as it is.
    fn detections(&self, models: &Models, photo: &mut Photo) -> Result<Vec<Face>, FittingError> {
        let mut detections = Vec::new();
        for &turn in self.turns {
            let seen = look::turned(photo, turn, |photo| {
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
    /// The parts of the photo that are seen one by one.
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

/// Whether a detection needs no closer look. One whose eyes are not level may be an upright face seen turned.
fn is_sure(face: &Face) -> bool {
    face.score >= SURE_SCORE && face.is_level()
}

/// The detections without those that show a face a second time; the first of them stays.
fn distinct(detections: Vec<Face>) -> Vec<Face> {
    let mut faces: Vec<Face> = Vec::new();
    for face in detections {
        if faces.iter().all(|other| !other.overlaps(&face)) {
            faces.push(face);
        }
    }
    faces
}
