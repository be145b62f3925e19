//! Why a photo was refused.

use std::fmt;

use domain::ReasonCode;

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
