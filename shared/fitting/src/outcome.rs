//! The options of a fit and its outcomes.
//!
//! A photo that cannot be used is an expected outcome, a [`Refusal`]. [`crate::FittingError`] means that something
//! else is broken.

use std::fmt;

use crate::colour::ProfileFault;
use crate::decode::Limits;
use crate::mark::Mark;
use crate::refusal::Refusal;

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
