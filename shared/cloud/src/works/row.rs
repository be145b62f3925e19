//! The row of a work, and the condition that the row is unchanged since a transition was computed from it.

use domain::{UnixSeconds, Work, WorkState};
use serde::{Deserialize, Serialize};

use crate::CloudError;
use crate::table::{self, Item};
use crate::write::{Condition, Existing};

#[derive(Serialize, Deserialize)]
pub(super) struct Row {
    pk: String,
    sk: String,
    due_shard: String,
    due_at: UnixSeconds,
    #[serde(flatten)]
    work: Work,
}

impl Row {
    pub(super) fn of(work: &Work) -> Self {
        let due_shard = table::due_shard(&work.id.to_string());
        let (pk, sk) = (table::partition(work.subject), table::work_row(work.id));
        Self { pk, sk, due_shard, due_at: work.due_at(), work: work.clone() }
    }
}

/// The condition that the stored work is in the state of `work`: the same status and, while a worker processes it,
/// the same lease token.
pub(super) fn still_stands(work: &Work) -> Condition<Existing> {
    // `status` and `token` are reserved words of DynamoDB's expression language, so both need an alias.
    let status = table::text(work.state.name());
    let condition = match &work.state {
        WorkState::Processing { lease, .. } => {
            Condition::exists_and("#status = :status AND lease.#token = :token")
                .name("#token", "token")
                .value(":token", table::text(lease.token))
        }
        _ => Condition::exists_and("#status = :status"),
    };
    condition.name("#status", "status").value(":status", status)
}

pub(crate) fn read(item: Item) -> Result<Work, CloudError> {
    table::from_item::<Row>(item, "a work").map(|row| row.work)
}

#[cfg(test)]
mod tests {
    use domain::{
        Admission, ContentType, ExpectedPhoto, Failure, PhotoSource, Picture, ReasonCode, Sha256,
        TemplateVersion, WorkKind,
    };
    use domain::{SubjectId, WorkId};
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    #[test]
    fn every_state_of_a_work_survives_writing_and_reading() {
        let now = UnixSeconds::from_second(1_795_000_000);
        let photo = ExpectedPhoto { content_type: ContentType::Png, bytes: 7, sha256: Sha256::of(b"photo") };
        let awaiting = Work {
            id: WorkId::new(Timestamp::UNIX_EPOCH, 5),
            subject: SubjectId::from_random(6),
            generation: 3,
            kind: WorkKind::Picture,
            template: TemplateVersion { id: "t".parse().expect("a slug"), version: 2, sha256: "ab".into() },
            source: PhotoSource::Camera,
            created_at: now,
            state: WorkState::AwaitingUpload { photo, upload_expires_at: now },
        };
        let Admission::Claim(processing) = awaiting.claim(now, domain::LeaseToken::from_random(8), "request")
        else {
            panic!("a fresh work is claimed");
        };
        let picture = Picture { width: 1, height: 2, bytes: 3 };
        let states = [
            processing.published(picture, now, SignedDuration::from_hours(1)),
            processing.failed(Failure::of(ReasonCode::InternalError), now),
            processing.failed(Failure::measured(ReasonCode::TooDark, 12.34, 40.0), now),
            processing.deleted(now),
            *processing,
            awaiting,
        ];
        for work in states {
            let item = table::to_item(&Row::of(&work), "a work").expect("an item");
            assert_eq!(read(item).expect("reads back"), work);
        }
    }
}
