//! The search for the faces of a photo: near ones, far ones, lying ones, small ones, in that order.
//!
//! The detectors know faces that are more or less upright and not too small. Where they find nothing in the
//! photo as it is, it is turned by quarters, then searched in parts. A photo in which the face lies on its
//! side is turned, so that everything after the search deals with upright faces only.

use crate::detect::{Face, detect, detect_far};
use crate::error::FittingError;
use crate::landmarks::landmarks;
use crate::mesh::Mesh;
use crate::models::Models;
use crate::photo::{Photo, QuarterTurn, Region};
use crate::pixels::RgbImage;

/// The longer side of the view that is searched as a whole, in pixels.
const PREVIEW_SIDE: usize = 768;

/// The longer side of the view that is searched in parts.
const PARTS_SIDE: usize = 1536;

/// Parts are half the view wide and high and overlap by half, so that a face is whole in one of them.
const PARTS_PER_SIDE: usize = 3;

/// The faces of a photo that was turned upright where necessary.
pub(crate) struct Search {
    /// In pixels of the photo as it is now, the largest first.
    pub(crate) faces: Vec<Face>,
}

/// The mesh of the largest face, in pixels of the upright photo; `None` when there is no face.
///
/// # Errors
/// [`FittingError::Model`] when a network cannot be run.
pub fn find_mesh(models: &Models, photo: &mut Photo) -> Result<Option<Mesh>, FittingError> {
    let search = Search::in_photo(models, photo)?;
    search.faces.first().map(|face| Ok(landmarks(models, photo, face)?.mesh)).transpose()
}

impl Search {
    /// Searches the photo; turns it by quarters when the largest face lies on its side.
    pub(crate) fn in_photo(models: &Models, photo: &mut Photo) -> Result<Self, FittingError> {
        let preview = Preview::of(photo, PREVIEW_SIDE);
        let mut faces = detect(models, &preview.pixels)?;
        if faces.is_empty() {
            if let Some(turn) = best_turn(models, &preview.pixels)? {
                photo.turn(turn);
                return Self::upright(models, photo);
            }
            return Self::in_parts(models, photo);
        }
        largest_first(&mut faces);
        let turn = QuarterTurn::levelling(faces[0].roll());
        if turn == QuarterTurn::None {
            return Ok(Self { faces: faces.iter().map(|face| preview.in_photo(face)).collect() });
        }
        photo.turn(turn);
        Self::upright(models, photo)
    }

    fn upright(models: &Models, photo: &Photo) -> Result<Self, FittingError> {
        let preview = Preview::of(photo, PREVIEW_SIDE);
        let mut faces = detect(models, &preview.pixels)?;
        largest_first(&mut faces);
        Ok(Self { faces: faces.iter().map(|face| preview.in_photo(face)).collect() })
    }

    /// Faces too small for the whole view. Overlapping parts find some twice; the largest counts.
    fn in_parts(models: &Models, photo: &Photo) -> Result<Self, FittingError> {
        let preview = Preview::of(photo, PARTS_SIDE);
        let (width, height) = (preview.pixels.width() / 2, preview.pixels.height() / 2);
        let mut faces = Vec::new();
        for row in 0..PARTS_PER_SIDE {
            for column in 0..PARTS_PER_SIDE {
                let (left, top) = (column * width / 2, row * height / 2);
                let part = preview.pixels.part(Region { left, top, width, height });
                let found = detect_far(models, &part)?;
                faces.extend(found.iter().map(|face| preview.in_photo(&face.moved(left, top))));
            }
        }
        largest_first(&mut faces);
        let first = faces.first().copied();
        faces.retain(|face| first.is_some_and(|first| !face.overlaps(&first)));
        faces.splice(0..0, first);
        Ok(Self { faces })
    }
}

/// The quarter turn under which the surest face is found.
fn best_turn(models: &Models, picture: &RgbImage) -> Result<Option<QuarterTurn>, FittingError> {
    let mut best: Option<(f32, QuarterTurn)> = None;
    for turn in [QuarterTurn::Right, QuarterTurn::Half, QuarterTurn::Left] {
        let faces = detect(models, &turn.of(picture))?;
        for face in faces {
            // A face that lies in the turned view as well is better seen under another turn.
            let level = QuarterTurn::levelling(face.roll()) == QuarterTurn::None;
            if level && best.is_none_or(|(score, _)| face.score > score) {
                best = Some((face.score, turn));
            }
        }
    }
    Ok(best.map(|(_, turn)| turn))
}

fn largest_first(faces: &mut [Face]) {
    faces.sort_by(|a, b| b.area().total_cmp(&a.area()));
}

/// The whole photo, upright and small.
struct Preview {
    pixels: RgbImage,
    /// Photo pixels per preview pixel, across and down.
    scale: [f32; 2],
}

impl Preview {
    #[expect(clippy::cast_precision_loss, reason = "photo sides are below 2¹⁶")]
    fn of(photo: &Photo, side: usize) -> Self {
        let (width, height) = (photo.width(), photo.height());
        let long = width.max(height);
        let reduced = |n: usize| if long > side { (n * side / long).max(1) } else { n };
        let all = Region { left: 0, top: 0, width, height };
        let pixels = photo.view(all, reduced(width), reduced(height));
        let scale = [width as f32 / pixels.width() as f32, height as f32 / pixels.height() as f32];
        Self { pixels, scale }
    }

    /// From pixels of the preview to pixels of the photo.
    fn in_photo(&self, face: &Face) -> Face {
        face.mapped(|p| [0, 1].map(|k| (p[k] + 0.5) * self.scale[k] - 0.5), self.scale)
    }
}
