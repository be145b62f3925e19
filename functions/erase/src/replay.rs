//! Reapplies erasures and deletions to a restored copy of the records, before it serves. A large copy takes several
//! runs. The copy itself holds the cursor.

mod place;
mod window;

use cloud::{CloudError, CursorOf, Cursors, Erasures, Favorites, Partitions, Pictures, Segment, Works};
use domain::{Erasure, ErasureScope, Reach, RequestId, SubjectId};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Serialize;

use self::place::{Place, SEGMENTS};
use self::window::Window;
use crate::delete::Budget;
use crate::erase::Erase;

/// Segments of a table that are read at once.
pub(crate) const SEGMENTS_AT_ONCE: u16 = 8;

/// Erasures or contacts of a segment that are handled at once.
const AT_ONCE: usize = 4;

/// The answer to the operator who invokes the replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Replayed {
    /// Whether the replay is complete, so that the copy may serve. If not, the same command resumes it.
    complete: bool,
    /// How many works this run removed because their pictures are gone.
    vanished: usize,
}

impl Erase {
    /// Reapplies erasures to the copy named `table`, as far as time allows. It is idempotent.
    pub(crate) async fn replay(&self, table: String, budget: Budget) -> Result<Replayed, CloudError> {
        let cursors = Cursors::new(&self.connection, table.clone());
        let noted = cursors.load(CursorOf::Replay).await?;
        let mut run = Run {
            copy: Copy {
                partitions: Partitions::new(&self.connection, table.clone()),
                favorites: Favorites::new(&self.connection, table.clone()),
                works: Works::new(&self.connection, table.clone()),
                requests: self.erasures.with_records(table),
            },
            pictures: &self.work_stores.pictures,
            budget,
            window: None,
            vanished: 0,
        };
        let mut place = Some(noted.and_then(|noted| Place::read(&noted)).unwrap_or_default());
        while let Some(here) = place {
            place = run.step(here).await?;
            // Store the cursor after every step, so that a run that fails loses only one step.
            cursors.store(CursorOf::Replay, place.map(Place::note).as_deref()).await?;
            if budget.is_over() {
                break;
            }
        }
        let replayed = Replayed { complete: place.is_none(), vanished: run.vanished };
        tracing::info!(complete = replayed.complete, vanished = replayed.vanished, "replayed");
        Ok(replayed)
    }
}

/// A run over a copy.
struct Run<'a> {
    copy: Copy,
    pictures: &'a Pictures,
    budget: Budget,
    /// The existing pictures, with which the rows are compared.
    window: Option<Window>,
    vanished: usize,
}

/// A restored copy of the records.
struct Copy {
    partitions: Partitions,
    favorites: Favorites,
    works: Works,
    /// The current requests, combined with the copy.
    requests: Erasures,
}

/// Returns the next few segments, from this one on.
fn segments(from: u16) -> impl Iterator<Item = Segment> {
    (from..SEGMENTS.min(from.saturating_add(SEGMENTS_AT_ONCE))).map(|number| Segment { number, of: SEGMENTS })
}

impl Run<'_> {
    /// Handles one place. Returns the next, if there is one.
    async fn step(&mut self, place: Place) -> Result<Option<Place>, CloudError> {
        let at_once = usize::from(SEGMENTS_AT_ONCE);
        match place {
            Place::Erasures { segment } => {
                let cleared = segments(segment).map(|segment| self.copy.clear_segment(segment));
                stream::iter(cleared).buffer_unordered(at_once).try_collect::<()>().await?;
            }
            Place::Contacts { segment } => {
                let forgotten = segments(segment).map(|segment| self.copy.forget_contacts(segment));
                stream::iter(forgotten).buffer_unordered(at_once).try_collect::<()>().await?;
            }
            Place::Works { from, to, segment } => {
                let window = match self.window.take().filter(|window| window.from == from) {
                    Some(window) => window,
                    None => Window::list(self.pictures, from, to, self.budget).await?,
                };
                let to = window.to;
                let removed = segments(segment).map(|segment| self.copy.remove_vanished(segment, &window));
                let removed: Vec<usize> =
                    stream::iter(removed).buffer_unordered(at_once).try_collect().await?;
                self.vanished += removed.into_iter().sum::<usize>();
                self.window = Some(window);
                return Ok(Place::Works { from, to: Some(to), segment }.next());
            }
        }
        Ok(place.next())
    }
}

impl Copy {
    async fn clear_segment(&self, segment: Segment) -> Result<(), CloudError> {
        let reaches = self.requests.reaches(segment).await?.into_iter();
        let cleared = reaches.map(|(erasure, reach)| self.clear(erasure, reach));
        stream::iter(cleared).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn clear(&self, erasure: Erasure, reach: Reach) -> Result<(), CloudError> {
        match erasure.scope {
            ErasureScope::Account => {
                let partition = self.partitions.load(reach.subject).await?;
                self.partitions.delete(&partition).await?;
                if erasure.keeps_gate_closed() {
                    return self.partitions.close_gate(reach, erasure.received_at).await;
                }
                self.partitions.delete_gate(reach.subject).await
            }
            ErasureScope::Works => {
                self.clear_works(reach).await?;
                self.partitions.raise_generations(reach).await
            }
            ErasureScope::Favorites => {
                self.favorites.delete_earlier(reach.subject, reach.favorites_before).await?;
                self.partitions.raise_generations(reach).await
            }
        }
    }

    async fn clear_works(&self, reach: Reach) -> Result<(), CloudError> {
        let mut start = None;
        loop {
            let (works, next) = self.works.of_earlier(reach.subject, reach.works_before, start).await?;
            let rows: Vec<_> = works.iter().map(|work| (work.subject, work.id)).collect();
            self.partitions.delete_works(&rows).await?;
            start = next;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// Deletes contacts that were already deleted from their requests after the backup.
    async fn forget_contacts(&self, segment: Segment) -> Result<(), CloudError> {
        let contacts = self.requests.contacts(segment).await?.into_iter();
        let forgotten = contacts.map(|(subject, request)| self.forget_contact(subject, request));
        stream::iter(forgotten).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn forget_contact(&self, subject: SubjectId, request: RequestId) -> Result<(), CloudError> {
        let erasure = self.requests.load(request).await?;
        if erasure.is_some_and(|erasure| erasure.reach().is_some()) {
            return Ok(());
        }
        self.requests.forget_contact(subject, request).await
    }

    /// Deletes the rows of a segment's ready works whose pictures are gone, because their users have deleted them
    /// since the backup. `purge` settles works that were in processing.
    async fn remove_vanished(&self, segment: Segment, window: &Window) -> Result<usize, CloudError> {
        let (mut count, mut start) = (0, None);
        loop {
            let (pictures, next) = self.works.ready(segment, start).await?;
            let vanished = pictures.into_iter().filter(|picture| window.lacks(picture));
            let vanished: Vec<_> = vanished.map(|picture| (picture.subject, picture.work)).collect();
            self.partitions.delete_works(&vanished).await?;
            count += vanished.len();
            start = next;
            if start.is_none() {
                return Ok(count);
            }
        }
    }
}
