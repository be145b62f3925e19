//! The requester of an account erasure, kept in a table without backups until the identity provider is told.

use std::fmt;

use domain::retention::Record;
use domain::{Erasure, IdentityHash, RequestId, SubjectId, UnixSeconds};
use serde::{Deserialize, Serialize};

use super::{Erasures, row, still_stands};
use crate::table::{self, GATE, Item};
use crate::write::{Condition, Transaction};
use crate::{CloudError, ReplaceOutcome};

/// Prefix of the key in the `identities` table under which an erasure keeps its requester.
pub(crate) const REQUESTER: &str = "ERASURE#";

/// The requester of an account erasure, as the issuer knows them.
#[derive(Clone)]
pub struct RequesterIdentity {
    /// The key of the identity in the `identities` table.
    pub identity: IdentityHash,
    /// The issuer of the token.
    pub issuer: String,
    /// The token's `sub`.
    pub sub: String,
    /// The token's `username`, if it has one. A Cognito user pool knows users of other providers only by this name.
    pub username: Option<String>,
}

impl fmt::Debug for RequesterIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RequesterIdentity(…)")
    }
}

/// The row of a requester in the `identities` table.
#[derive(Serialize, Deserialize)]
pub(super) struct RequesterRow {
    identity: String,
    of: IdentityHash,
    issuer: String,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
}

impl RequesterRow {
    pub(super) fn of(request: RequestId, requester: &RequesterIdentity) -> Self {
        let RequesterIdentity { identity, issuer, sub, username } = requester.clone();
        Self { identity: requester_key(request), of: identity, issuer, sub, username }
    }
}

impl Erasures {
    /// Loads the requester of an account erasure; `None` once the row is deleted.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn requester_identity(
        &self,
        request: RequestId,
    ) -> Result<Option<RequesterIdentity>, CloudError> {
        let key = table::identity_key(&requester_key(request));
        let item = table::get(&self.connection, &self.identities, key).await?;
        let row = item.map(|item| table::from_item::<RequesterRow>(item, "a requester")).transpose()?;
        Ok(row.map(|row| RequesterIdentity {
            identity: row.of,
            issuer: row.issuer,
            sub: row.sub,
            username: row.username,
        }))
    }

    /// Stores that an account was erased and deletes the requester's row, in one write. A tombstone replaces the
    /// identity row, which holds the wrapped key. The account gate, the last row of the partition, is deleted. From
    /// then on nothing leads from the person to the subject or back.
    ///
    /// # Errors
    /// When a table cannot be written.
    pub async fn forget_requester(
        &self,
        old: &Erasure,
        new: &Erasure,
        subject: SubjectId,
        requester: &RequesterIdentity,
        now: UnixSeconds,
    ) -> Result<ReplaceOutcome, CloudError> {
        let tombstone = Item::from([
            ("identity".to_owned(), table::text(requester.identity.as_str())),
            ("erased_at".to_owned(), table::number(now.as_second())),
            ("ttl".to_owned(), table::number(now.plus(Record::Tombstone.retention().period).as_second())),
        ]);
        let is_that_subject =
            Condition::exists_and("subject = :subject").value(":subject", table::text(subject));
        let transaction = Transaction::replacing(&self.table, row(new)?, still_stands(old))?
            .replace(&self.identities, tombstone, is_that_subject)?
            .delete_in_any_state(&self.identities, table::identity_key(&requester_key(old.id)))?
            .delete_in_any_state(&self.records, table::key(subject, GATE.to_owned()))?;
        self.replaced(transaction).await
    }
}

fn requester_key(request: RequestId) -> String {
    format!("{REQUESTER}{request}")
}
