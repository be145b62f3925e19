//! Admission of new rows: a condition, checked in the same transaction, that no longer holds after an erasure's first
//! write.
//!
//! A row that was read before the write is no admission. An erasure may end between read and write, and a row that is
//! written after it would stay for ever.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::{ErasureScope, IdentityHash, SubjectId};

use super::condition::{Change, Condition, Existing, Vacant};
use crate::table::{self, GATE, Generation, Item};
use crate::{CloudError, Gate};

/// The first operation of a transaction that writes new rows. Only this module creates it.
pub(crate) struct Admission(TransactWriteItem);

impl Admission {
    /// Requires that the account gate is open, in the generation that the writer knows.
    pub(crate) fn open_gate(
        records: &str,
        subject: SubjectId,
        generation: Generation,
    ) -> Result<Self, CloudError> {
        let (attribute, number) = generation.attribute();
        let condition = gate_is_open_in(attribute, number);
        super::check(records, table::key(subject, GATE.to_owned()), condition).map(Self)
    }

    /// Requires that the account gate is open, and closes it or raises its generation for this erasure.
    pub(crate) fn closing_gate(records: &str, gate: Gate, scope: ErasureScope) -> Result<Self, CloudError> {
        let generation = match scope {
            ErasureScope::Works => Some(Generation::Works(gate.works)),
            ErasureScope::Favorites => Some(Generation::Favorites(gate.favorites)),
            ErasureScope::Account => None,
        };
        let (change, condition) = match generation.map(Generation::attribute) {
            None => (
                Change::of("SET erasing = :yes").value(":yes", AttributeValue::Bool(true)),
                Condition::exists_and("erasing = :no").value(":no", AttributeValue::Bool(false)),
            ),
            Some((attribute, number)) => (
                Change::of("SET #generation = :next").value(":next", table::number(number.saturating_add(1))),
                gate_is_open_in(attribute, number),
            ),
        };
        let key = table::key(gate.subject, GATE.to_owned());
        let condition = condition.of_row(&key);
        super::update(records, key, change.0, condition).map(Self)
    }

    /// Requires that the identity still leads to the subject. After an erasure of the account it no longer does.
    pub(crate) fn identity(
        identities: &str,
        identity: &IdentityHash,
        subject: SubjectId,
    ) -> Result<Self, CloudError> {
        let condition = Condition::exists_and("subject = :subject").value(":subject", table::text(subject));
        super::check(identities, table::identity_key(identity.as_str()), condition).map(Self)
    }

    /// Writes a new identity with its subject in the same transaction.
    pub(crate) fn new_identity(
        identities: &str,
        row: Item,
        condition: Condition<Vacant>,
    ) -> Result<Self, CloudError> {
        super::insert(identities, row, condition).map(Self)
    }

    pub(super) fn into_operation(self) -> TransactWriteItem {
        self.0
    }
}

fn gate_is_open_in(attribute: &str, generation: u32) -> Condition<Existing> {
    Condition::exists_and("#generation = :generation AND erasing = :no")
        .name("#generation", attribute)
        .value(":generation", table::number(generation))
        .value(":no", AttributeValue::Bool(false))
}
