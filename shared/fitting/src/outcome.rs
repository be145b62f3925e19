//! The options of a fit and its outcomes.
//!
//! A photo that cannot be used is an expected outcome, a [`Refusal`]. [`crate::FittingError`] means that something
//! else is broken.

use std::fmt;

use domain::ReasonCode;

use crate::colour::ProfileFault;
use crate::decode::Limits;
use crate::mark::Mark;

/// The encoding of a work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JPEG at quality 90.
    Jpeg,
    /// PNG, 8 bits a channel.
    Png,
}

/// The caller's choices for one fit.
#[derive(Clone, Debug)]
pub struct FitOptions {
    /// The work's encoding.
    pub format: Format,
    /// The content of the machine-readable mark.
    pub mark: Mark,
    /// Limits on the photo's size.
    pub limits: Limits,
    /// Whether the work also has a visible label.
    pub visible_label: bool,
}

impl FitOptions {
    /// Options for a JPEG with the machine-readable mark only, under the default limits.
    #[must_use]
    pub fn new(mark: Mark) -> Self {
        Self { format: Format::Jpeg, mark, limits: Limits::default(), visible_label: false }
    }
}

/// The outcome of one fit, and what its caller should log.
#[derive(Debug)]
pub struct Report {
    /// The work, or why there is none.
    pub outcome: Outcome,
    /// Why the photo's colour description was ignored, if it was. The work's colours may then be wrong, or the photo
    /// may be refused because of them.
    pub ignored_profile: Option<ProfileFault>,
}

/// The outcome of one fit.
#[derive(Debug)]
pub enum Outcome {
    /// A work was made.
    Fitted(Fitted),
    /// The photo cannot be used, with the reason.
    Refused(Refusal),
}

/// A finished work, marked and encoded.
pub struct Fitted {
    /// The encoded picture.
    pub image: Vec<u8>,
    /// A JPEG of at most 320 pixels a side.
    pub thumbnail: Vec<u8>,
    /// The picture's width in pixels; it equals the template's.
    pub width: usize,
    /// The picture's height in pixels; it equals the template's.
    pub height: usize,
}

impl fmt::Debug for Fitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fitted({}×{})", self.width, self.height)
    }
}

/// Why a photo was refused. Its `Debug` prints only the reason, because the measured value describes a face.
#[derive(Clone, Copy, PartialEq)]
pub struct Refusal {
    /// The reason; its advice is a sentence for the user.
    pub reason: ReasonCode,
    /// The measured value, in the reason's own unit; 0 if nothing was measured. Values to show to users come from
    /// [`Refusal::figures`].
    pub measured: f32,
    /// The limit for the measured value.
    pub threshold: f32,
}

impl Refusal {
    /// The measured value and its limit, if a person can act on them: the distance between the eyes in pixels
    /// (`face_too_small`), shares of the photo's side (`face_too_large`) and of brows, eyes and lips
    /// (`face_cut_off`), the second face's size as a share of the first's (`multiple_faces`), degrees
    /// (`pose_too_large`), luma from 0 to 255 (`too_dark`), a share of the skin (`too_bright`), and bytes or pixels
    /// (`too_large`). `None` if the number means nothing outside this crate, or nothing was measured.
    #[must_use]
    pub fn figures(&self) -> Option<(f32, f32)> {
        match self.reason {
            ReasonCode::FaceTooSmall
            | ReasonCode::FaceTooLarge
            | ReasonCode::FaceCutOff
            | ReasonCode::MultipleFaces
            | ReasonCode::PoseTooLarge
            | ReasonCode::TooDark
            | ReasonCode::TooBright
            | ReasonCode::TooLarge => Some((self.measured, self.threshold)),
            ReasonCode::NoFace
            | ReasonCode::TooBlurry
            | ReasonCode::Occluded
            | ReasonCode::BadFormat
            | ReasonCode::CorruptImage
            | ReasonCode::InternalError
            | ReasonCode::UploadExpired => None,
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({})", self.reason.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_measurement() {
        let refusal = Refusal { reason: ReasonCode::FaceTooSmall, measured: 21.5, threshold: 32.0 };
        assert_eq!(format!("{refusal:?}"), "Refusal(face_too_small)");
    }

    #[test]
    fn a_refusal_has_figures_only_if_a_person_can_act_on_them() {
        let figures = |reason| Refusal { reason, measured: 0.25, threshold: 0.5 }.figures();
        for reason in
            [ReasonCode::NoFace, ReasonCode::TooBlurry, ReasonCode::Occluded, ReasonCode::CorruptImage]
        {
            assert_eq!(figures(reason), None, "{reason:?}");
        }
        for reason in [ReasonCode::FaceTooSmall, ReasonCode::MultipleFaces, ReasonCode::TooLarge] {
            assert_eq!(figures(reason), Some((0.25, 0.5)), "{reason:?}");
        }
    }
}
