//! What goes into a fit besides photo and template, and what comes out of it.
//!
//! A photo that cannot be used is an expected outcome, a [`Refusal`]; [`crate::FittingError`] is for broken things.

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
    /// What the machine-readable marking says.
    pub mark: Mark,
    /// What a photo may cost.
    pub limits: Limits,
    /// Whether the work also carries a label that people can see.
    pub visible_label: bool,
}

impl FitOptions {
    /// A JPEG with the machine-readable mark only, under the default limits.
    #[must_use]
    pub fn new(mark: Mark) -> Self {
        Self { format: Format::Jpeg, mark, limits: Limits::default(), visible_label: false }
    }
}

/// How one fit ended, and what its caller should log of it.
#[derive(Debug)]
pub struct Report {
    /// The work, or why there is none.
    pub outcome: Outcome,
    /// Why the photo's colour description was ignored, if it was. The work's colours may be off, or the photo was
    /// refused for what its face looked like without it.
    pub ignored_profile: Option<ProfileFault>,
}

/// How one fit ended.
#[derive(Debug)]
pub enum Outcome {
    /// A work was made.
    Fitted(Fitted),
    /// The photo cannot be used, and why.
    Refused(Refusal),
}

/// A finished work, marked and encoded.
pub struct Fitted {
    /// The encoded picture.
    pub image: Vec<u8>,
    /// A JPEG of at most 320 pixels a side.
    pub thumbnail: Vec<u8>,
    /// The picture's width in pixels, the template's own.
    pub width: usize,
    /// The picture's height in pixels, the template's own.
    pub height: usize,
}

impl fmt::Debug for Fitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fitted({}×{})", self.width, self.height)
    }
}

/// Why a photo was refused. Its `Debug` keeps to the reason: what was measured is about a face.
#[derive(Clone, Copy, PartialEq)]
pub struct Refusal {
    /// The reason; its advice is a sentence for the user.
    pub reason: ReasonCode,
    /// The value that was measured, in the reason's own unit; 0 when nothing was. For people there is
    /// [`Refusal::figures`].
    pub measured: f32,
    /// The value the measure was held against.
    pub threshold: f32,
}

impl Refusal {
    /// What was measured and what it was held against, where a person can act on the numbers: the distance of the eyes in
    /// pixels (`face_too_small`), shares of the photo's side (`face_too_large`) and of brows, eyes and lips
    /// (`face_cut_off`), the second face's size as a share of the first's (`multiple_faces`), degrees
    /// (`pose_too_large`), luma from 0 to 255 (`too_dark`), a share of the skin (`too_bright`), and bytes or pixels
    /// (`too_large`). `None` where the number means nothing outside this crate, or nothing was measured.
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
    fn a_refusal_gives_only_figures_that_a_person_can_act_on() {
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
