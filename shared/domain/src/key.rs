//! Keys of objects. All objects of a subject in a bucket share one prefix. The keys follow from the content of a
//! work's row, so a row names its objects before they are stored.

use std::fmt;
use std::str::FromStr;

use crate::limits::{UPLOAD_WINDOW, UPLOAD_WINDOW_MARGIN};
use crate::{SubjectId, UnixSeconds, WorkId};

/// The error of a text that is not an object key of this service. It never repeats the text, which may name a
/// subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an object key of this service: expected {expected}")]
pub struct KeyError {
    expected: &'static str,
}

/// The key of a photo in the uploads bucket: `uploads/{subject_id}/{work_id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhotoKey {
    /// The owner of the photo.
    pub subject: SubjectId,
    /// The work that is made of the photo.
    pub work: WorkId,
}

impl PhotoKey {
    /// The prefix of every photo's key.
    pub const PREFIX: &str = "uploads/";

    /// Returns the prefix of the keys of a subject's photos.
    pub fn prefix(subject: SubjectId) -> String {
        format!("{}{subject}/", Self::PREFIX)
    }

    /// Tells whether an upload URL for this key may still work at `now`. The key alone determines that: a work's id
    /// holds the time of its request, and no URL works for longer than [`UPLOAD_WINDOW`].
    pub fn may_have_url(&self, now: UnixSeconds) -> bool {
        now < self.work.created_at().plus(UPLOAD_WINDOW).plus(UPLOAD_WINDOW_MARGIN)
    }
}

impl fmt::Display for PhotoKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}/{}", Self::PREFIX, self.subject, self.work)
    }
}

impl FromStr for PhotoKey {
    type Err = KeyError;

    fn from_str(key: &str) -> Result<Self, KeyError> {
        let error = KeyError { expected: "uploads/{subject_id}/{work_id}" };
        let rest = key.strip_prefix(Self::PREFIX).ok_or(error)?;
        let (subject, work) = rest.split_once('/').ok_or(error)?;
        let subject = subject.parse().map_err(|_not_an_id| error)?;
        let work = work.parse().map_err(|_not_an_id| error)?;
        Ok(Self { subject, work })
    }
}

/// One of a work's objects in the works bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkObject {
    /// The picture at full size.
    Picture,
    /// A small picture for lists.
    Thumbnail,
}

impl WorkObject {
    /// Every object of a work.
    pub const ALL: [Self; 2] = [Self::Picture, Self::Thumbnail];

    /// Returns the end of the object's name, after the number of the attempt.
    fn suffix(self) -> &'static str {
        match self {
            Self::Picture => ".jpg",
            Self::Thumbnail => "-thumbnail.jpg",
        }
    }
}

/// The key of one object of a work: `works/{subject_id}/{work_id}/{attempt}.jpg`, `…/{attempt}-thumbnail.jpg`.
///
/// The attempt is part of the name, so that two workers never write to the same object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkObjectKey {
    /// The owner of the work.
    pub subject: SubjectId,
    /// The work.
    pub work: WorkId,
    /// The number of the claim that stored the object, from 1.
    pub attempt: u32,
    /// Which of the work's objects it is.
    pub object: WorkObject,
}

impl WorkObjectKey {
    /// The prefix of every object's key.
    pub const PREFIX: &str = "works/";

    /// Returns the prefix of the keys of a subject's objects.
    pub fn prefix(subject: SubjectId) -> String {
        format!("{}{subject}/", Self::PREFIX)
    }
}

impl fmt::Display for WorkObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = self.object.suffix();
        write!(formatter, "{}{}/{}/{}{suffix}", Self::PREFIX, self.subject, self.work, self.attempt)
    }
}

impl FromStr for WorkObjectKey {
    type Err = KeyError;

    fn from_str(key: &str) -> Result<Self, KeyError> {
        let error = KeyError { expected: "works/{subject_id}/{work_id}/{attempt}[-thumbnail].jpg" };
        let rest = key.strip_prefix(Self::PREFIX).ok_or(error)?;
        let (subject, rest) = rest.split_once('/').ok_or(error)?;
        let (work, name) = rest.split_once('/').ok_or(error)?;
        let subject = subject.parse().map_err(|_not_an_id| error)?;
        let work = work.parse().map_err(|_not_an_id| error)?;
        let attempts = WorkObject::ALL
            .iter()
            .filter_map(|object| Some((*object, name.strip_suffix(object.suffix())?.parse().ok()?)));
        let keys = attempts.map(|(object, attempt)| Self { subject, work, attempt, object });
        // An object has only one name, so `01.jpg` and `+1.jpg` are refused.
        keys.into_iter().find(|found| found.to_string() == key).ok_or(error)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_photos_key_survives_printing_and_parsing(subject: u128, random: u128, second in 0_i64..4_000_000_000) {
            let now = jiff::Timestamp::from_second(second).expect("in range");
            let key = PhotoKey { subject: SubjectId::from_random(subject), work: WorkId::new(now, random) };
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }

        #[test]
        fn a_url_counts_as_expired_a_minute_after_the_longest_window(random: u128, second in 0_i64..4_000_000_000) {
            let asked_at = jiff::Timestamp::from_second(second).expect("in range");
            let key = PhotoKey { subject: SubjectId::from_random(random), work: WorkId::new(asked_at, random) };
            let after = |seconds| key.may_have_url(UnixSeconds::from_second(second + seconds));
            prop_assert!(after(0) && after(300) && after(359));
            prop_assert!(!after(360) && !after(86_400));
        }

        #[test]
        fn an_objects_key_survives_printing_and_parsing(
            subject: u128,
            random: u128,
            attempt in 1_u32..5,
            second in 0_i64..4_000_000_000,
        ) {
            let now = jiff::Timestamp::from_second(second).expect("in range");
            let (subject, work) = (SubjectId::from_random(subject), WorkId::new(now, random));
            for object in WorkObject::ALL {
                let key = WorkObjectKey { subject, work, attempt, object };
                let text = key.to_string();
                prop_assert!(text.starts_with(&WorkObjectKey::prefix(subject)));
                prop_assert_eq!(text.parse(), Ok(key));
                let other_name = text.replace(&format!("/{attempt}"), &format!("/0{attempt}"));
                prop_assert!(other_name.parse::<WorkObjectKey>().is_err());
            }
        }

        #[test]
        fn any_other_text_is_refused(key in ".{0,80}") {
            prop_assert!(key.parse::<PhotoKey>().is_err());
            prop_assert!(key.parse::<WorkObjectKey>().is_err());
        }
    }
}
