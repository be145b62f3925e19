//! Favorites: the templates and works that a user has marked, and the pages of their list.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::{TemplateId, UnixSeconds, WorkId};

/// The error of a text that names no favorite. It never repeats the text, which may come from anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a favorite: expected a kind (template or work) and its id")]
pub struct FavoriteError;

/// What can be a favorite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FavoriteKind {
    /// A template of the catalogue.
    Template,
    /// One of the user's own works.
    Work,
}

/// The template or work that is a favorite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FavoriteTarget {
    /// A template, in any version.
    Template(TemplateId),
    /// A work.
    Work(WorkId),
}

/// A favorite, and when it was marked. As text it is the cursor of a list, `{saved_at}.{kind}.{id}`. The cursor names
/// a position in the caller's own list and is never used to load a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Favorite {
    /// What is marked.
    pub target: FavoriteTarget,
    /// When the user first marked it.
    pub saved_at: UnixSeconds,
}

/// One page of a user's favorites, newest first.
#[derive(Debug, PartialEq, Eq)]
pub struct FavoritesPage {
    /// The favorites.
    pub favorites: Vec<Favorite>,
    /// The favorite after which the next page begins, if there is one.
    pub next: Option<Favorite>,
}

impl FavoriteKind {
    /// Returns the kind as keys and the API spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Work => "work",
        }
    }
}

impl FavoriteTarget {
    /// Parses the two texts of a path or a key.
    ///
    /// # Errors
    /// When there is no such kind, or the id is malformed for it.
    pub fn of(kind: &str, id: &str) -> Result<Self, FavoriteError> {
        match kind {
            "template" => id.parse().map(Self::Template).map_err(|_malformed| FavoriteError),
            "work" => id.parse().map(Self::Work).map_err(|_malformed| FavoriteError),
            _ => Err(FavoriteError),
        }
    }

    /// Returns whether it is a template or a work.
    pub fn kind(&self) -> FavoriteKind {
        match self {
            Self::Template(_) => FavoriteKind::Template,
            Self::Work(_) => FavoriteKind::Work,
        }
    }

    /// Returns the id of the template or work.
    pub fn id(&self) -> String {
        match self {
            Self::Template(id) => id.to_string(),
            Self::Work(id) => id.to_string(),
        }
    }
}

impl fmt::Display for Favorite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (saved_at, kind) = (self.saved_at.as_second(), self.target.kind().as_str());
        write!(formatter, "{saved_at}.{kind}.{}", self.target.id())
    }
}

impl FromStr for Favorite {
    type Err = FavoriteError;

    fn from_str(text: &str) -> Result<Self, FavoriteError> {
        let (saved_at, target) = text.split_once('.').ok_or(FavoriteError)?;
        let (kind, id) = target.split_once('.').ok_or(FavoriteError)?;
        let saved_at = saved_at.parse().map_err(|_not_a_number| FavoriteError)?;
        Ok(Self { target: FavoriteTarget::of(kind, id)?, saved_at: UnixSeconds::from_second(saved_at) })
    }
}

impl FavoritesPage {
    /// Returns the page of at most `limit` favorites that come after `after` in the list. The list is sorted newest
    /// first, and by kind and id within one second, so every favorite has a fixed position. A page is therefore right
    /// even if favorites were added or removed in the meantime, including `after` itself.
    pub fn of(mut all: Vec<Favorite>, after: Option<&Favorite>, limit: usize) -> Self {
        fn place(favorite: &Favorite) -> (Reverse<UnixSeconds>, &FavoriteTarget) {
            (Reverse(favorite.saved_at), &favorite.target)
        }
        all.retain(|favorite| after.is_none_or(|after| place(favorite) > place(after)));
        all.sort_by(|one, other| place(one).cmp(&place(other)));
        let more = all.len() > limit;
        all.truncate(limit);
        let next = all.last().filter(|_last| more).cloned();
        Self { favorites: all, next }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn favorite(second: i64, random: u128) -> Favorite {
        let work = FavoriteTarget::Work(WorkId::new(Timestamp::UNIX_EPOCH, random));
        let template = || FavoriteTarget::of("template", &format!("t{random}")).expect("a slug");
        let target = if random.is_multiple_of(2) { work } else { template() };
        Favorite { target, saved_at: UnixSeconds::from_second(second) }
    }

    #[test]
    fn a_kind_accepts_only_its_own_ids() {
        let work = "01BX5ZZKBKACTAV9WEVGEMMVRZ";
        assert!(FavoriteTarget::of("work", work).is_ok());
        for (kind, id) in [("work", "astronaut"), ("template", work), ("subject", work), ("", "")] {
            assert_eq!(FavoriteTarget::of(kind, id), Err(FavoriteError), "{kind} {id}");
        }
    }

    #[test]
    fn a_page_is_right_after_its_cursors_favorite_was_removed() {
        let all: Vec<_> = (0..5).map(|second| favorite(second, 2)).collect();
        let first = FavoritesPage::of(all.clone(), None, 2);
        let mut left = all;
        left.retain(|favorite| Some(favorite) != first.next.as_ref());
        let second = FavoritesPage::of(left, first.next.as_ref(), 2);
        assert_eq!(second.favorites, [favorite(2, 2), favorite(1, 2)]);
    }

    proptest! {
        #[test]
        fn a_cursor_survives_printing_and_parsing(second: i64, random: u128) {
            let favorite = favorite(second, random);
            prop_assert_eq!(favorite.to_string().parse(), Ok(favorite));
        }

        #[test]
        fn pages_hold_every_favorite_once_and_newest_first(
            marked in prop::collection::btree_set((0_i64..4, 0_u128..20), 0..40),
            limit in 1_usize..7,
        ) {
            let all: Vec<_> = marked.into_iter().map(|(second, random)| favorite(second, random)).collect();
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = FavoritesPage::of(all.clone(), after.as_ref(), limit);
                prop_assert!(page.favorites.len() <= limit);
                seen.extend(page.favorites);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            prop_assert!(seen.is_sorted_by(|one, other| one.saved_at >= other.saved_at));
            let texts = |favorites: &[Favorite]| favorites.iter().map(Favorite::to_string).collect::<BTreeSet<_>>();
            prop_assert_eq!(seen.len(), all.len());
            prop_assert_eq!(texts(&seen), texts(&all));
        }
    }
}
