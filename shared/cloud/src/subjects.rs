//! Finds and creates the subject of a caller. The `identities` table links an identity to a subject. The account
//! gate, a row in the subject's partition, says whether anything may be written there.

mod keys;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{ErasureScope, IdentityHash, Reach, SubjectId, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::subject_key::SubjectKey;
use crate::table::{self, GATE, Item};
use crate::write::{Admission, Condition, Transaction, Vacant};
use crate::{CloudError, Connection, random_bits};

/// An open account gate: the subject's partition admits writes, and each write must name the current generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// The subject.
    pub subject: SubjectId,
    /// The generation of the works. Works of earlier generations are hidden, because they are being erased.
    pub works: u32,
    /// The generation of the favorites, with the same meaning.
    pub favorites: u32,
}

impl Gate {
    /// Returns what an erasure of this scope reaches: everything that was created until now.
    pub fn reach(self, scope: ErasureScope) -> Reach {
        let (works_before, favorites_before) = match scope {
            ErasureScope::Works => (self.works.saturating_add(1), 0),
            ErasureScope::Favorites => (0, self.favorites.saturating_add(1)),
            ErasureScope::Account => (u32::MAX, u32::MAX),
        };
        Reach { subject: self.subject, works_before, favorites_before }
    }
}

/// Why nothing can be added to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The account is being erased.
    Erasing,
    /// The account was erased. The user must explicitly start a new one.
    Erased,
    /// The account was erased after the caller's token was issued. A new account needs a new token.
    TokenTooOld,
    /// An erasure in the account has just started. A retry gets a definite answer.
    Changing,
}

/// What a caller's account gives: what was asked for, or why it is closed.
#[derive(Debug)]
pub enum Access<T> {
    /// The account is open.
    Open(T),
    /// The account is closed.
    Closed(Closed),
}

impl<T> Access<T> {
    /// Returns what the open account gives, or why the account is closed, for use with `?`.
    ///
    /// # Errors
    /// When the account is closed.
    pub fn granted(self) -> Result<T, Closed> {
        match self {
            Self::Open(granted) => Ok(granted),
            Self::Closed(closed) => Err(closed),
        }
    }

    fn of(granted: Option<T>, otherwise: Closed) -> Self {
        granted.map_or(Self::Closed(otherwise), Self::Open)
    }
}

/// A caller's subject with its key, for encrypting and for deletion requests.
pub struct Owner {
    /// The subject.
    pub subject: SubjectId,
    /// The subject's key.
    pub key: SubjectKey,
    /// The account gate; `None` when it is closed.
    pub gate: Option<Gate>,
}

/// The store of identities and account gates.
#[derive(Debug, Clone)]
pub struct Subjects {
    connection: Connection,
    identities: String,
    records: String,
}

/// What the `identities` table holds for a caller.
enum Known {
    Nobody,
    Subject { subject: SubjectId, wrapped_key: AttributeValue },
    Erased(Tombstone),
}

/// The tombstone of an erased identity.
#[derive(Deserialize)]
struct Tombstone {
    erased_at: UnixSeconds,
    ttl: UnixSeconds,
}

/// A caller's subject, with its account gate if that is open.
struct Account {
    subject: SubjectId,
    wrapped_key: AttributeValue,
    gate: Option<Gate>,
}

#[derive(Serialize, Deserialize)]
struct GateRow {
    works_generation: u32,
    favorites_generation: u32,
    erasing: bool,
    created_at: UnixSeconds,
}

impl GateRow {
    /// Creates an open gate.
    fn new(generation: u32, now: UnixSeconds) -> Self {
        Self {
            works_generation: generation,
            favorites_generation: generation,
            erasing: false,
            created_at: now,
        }
    }

    /// Returns the row for a subject's partition.
    fn of(&self, subject: SubjectId) -> Result<Item, CloudError> {
        let mut row = table::key(subject, GATE.to_owned());
        row.extend(table::to_item(self, "a gate row")?);
        Ok(row)
    }

    fn open(&self, subject: SubjectId) -> Option<Gate> {
        let (works, favorites) = (self.works_generation, self.favorites_generation);
        (!self.erasing).then_some(Gate { subject, works, favorites })
    }
}

impl Subjects {
    /// Creates the store in these two tables.
    pub fn new(connection: &Connection, identities: String, records: String) -> Self {
        Self { connection: connection.clone(), identities, records }
    }

    /// Finds the caller's open account gate. `None` when the caller has no subject or is being erased; in both cases
    /// nothing is visible.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub async fn find(&self, identity: &IdentityHash) -> Result<Option<Gate>, CloudError> {
        match self.known(identity).await? {
            Known::Subject { subject, .. } => {
                Ok(self.gate(subject).await?.and_then(|gate| gate.open(subject)))
            }
            Known::Nobody | Known::Erased(_) => Ok(None),
        }
    }

    /// Finds the caller's open account gate, and creates the subject if there is none. It is closed
    /// when the account is being erased or was erased.
    ///
    /// `data_key` is the KMS key that wraps the subject's own key. The subject's key encrypts free text and contact
    /// data. The encryption context binds the wrapped key to the subject.
    ///
    /// # Errors
    /// When a table cannot be read or written, or KMS creates no key.
    pub async fn find_or_create(
        &self,
        identity: &IdentityHash,
        data_key: &str,
        now: UnixSeconds,
    ) -> Result<Access<Gate>, CloudError> {
        Ok(match self.account(identity, data_key, now).await? {
            Access::Open(account) => Access::of(account.gate, Closed::Erasing),
            Access::Closed(closed) => Access::Closed(closed),
        })
    }

    /// Creates a new subject for a caller whose account was erased or who never had one. For all others it finds the
    /// existing subject.
    ///
    /// `issued_at` is when the caller's token was issued. Until the tombstone expires, a token from before the
    /// erasure opens no new account. Nor does a token without a time of issue.
    ///
    /// # Errors
    /// As [`Subjects::find_or_create`].
    pub async fn start_new_account(
        &self,
        identity: &IdentityHash,
        issued_at: Option<UnixSeconds>,
        data_key: &str,
        now: UnixSeconds,
    ) -> Result<Access<Gate>, CloudError> {
        if let Known::Erased(tombstone) = self.known(identity).await?
            && now < tombstone.ttl
        {
            let Some(issued_at) = issued_at.filter(|issued_at| tombstone.erased_at < *issued_at) else {
                return Ok(Access::Closed(Closed::TokenTooOld));
            };
            let tombstone_is_older = Condition::vacant_or("erased_at < :issued_at")
                .value(":issued_at", table::number(issued_at.as_second()));
            self.create(identity, data_key, tombstone_is_older, now).await?;
        }
        self.find_or_create(identity, data_key, now).await
    }

    /// Loads the caller's subject with its key, and creates both if there are none. It also works while the subject
    /// is being erased.
    ///
    /// # Errors
    /// As [`Subjects::find_or_create`], and when KMS does not unwrap the key.
    pub async fn owner(
        &self,
        identity: &IdentityHash,
        data_key: &str,
        now: UnixSeconds,
    ) -> Result<Access<Owner>, CloudError> {
        let Account { subject, wrapped_key, gate } = match self.account(identity, data_key, now).await? {
            Access::Open(account) => account,
            Access::Closed(closed) => return Ok(Access::Closed(closed)),
        };
        let key = keys::unwrap(&self.connection, subject, wrapped_key, data_key).await?;
        Ok(Access::Open(Owner { subject, key, gate }))
    }

    /// Finds the caller's account, and creates it if there is none. It is closed when the account was erased.
    async fn account(
        &self,
        identity: &IdentityHash,
        data_key: &str,
        now: UnixSeconds,
    ) -> Result<Access<Account>, CloudError> {
        let mut known = self.known(identity).await?;
        match &known {
            Known::Erased(tombstone) if now < tombstone.ttl => return Ok(Access::Closed(Closed::Erased)),
            Known::Erased(_) | Known::Nobody => {
                let lapsed = Condition::vacant_or("#ttl <= :now")
                    .name("#ttl", "ttl")
                    .value(":now", table::number(now.as_second()));
                self.create(identity, data_key, lapsed, now).await?;
                known = self.known(identity).await?;
            }
            Known::Subject { .. } => {}
        }
        // Another request has created the account, and an erasure has already removed it again.
        let Known::Subject { subject, wrapped_key } = known else {
            return Ok(Access::Closed(Closed::Changing));
        };
        let mut gate = self.gate(subject).await?;
        if gate.is_none() {
            self.restore_gate(identity, subject, now).await?;
            gate = self.gate(subject).await?;
        }
        // Still no gate: an erasure has removed identity and gate since the identity was read.
        let account = gate.map(|row| Account { subject, wrapped_key, gate: row.open(subject) });
        Ok(Access::of(account, Closed::Changing))
    }

    async fn known(&self, identity: &IdentityHash) -> Result<Known, CloudError> {
        let key = table::identity_key(identity.as_str());
        let Some(mut row) = table::get(&self.connection, &self.identities, key).await? else {
            return Ok(Known::Nobody);
        };
        let malformed = || CloudError::Malformed { what: "an identity row" };
        match row.remove("subject") {
            Some(AttributeValue::S(subject)) => Ok(Known::Subject {
                subject: subject.parse().map_err(CloudError::malformed("an identity row"))?,
                wrapped_key: row.remove("wrapped_key").ok_or_else(malformed)?,
            }),
            Some(_) => Err(malformed()),
            None => table::from_item(row, "a tombstone").map(Known::Erased),
        }
    }

    async fn gate(&self, subject: SubjectId) -> Result<Option<GateRow>, CloudError> {
        let row = table::get(&self.connection, &self.records, table::key(subject, GATE.to_owned())).await?;
        row.map(|row| table::from_item(row, "a gate row")).transpose()
    }

    /// Creates the missing account gate of a subject, if the identity still leads to the subject. An erasure removes
    /// identity and gate in one write. So if only the gate is missing, the records were restored from an older
    /// backup. The condition on the identity matters, because a gate without an identity would stay for ever. The new
    /// generations are above all earlier ones.
    async fn restore_gate(
        &self,
        identity: &IdentityHash,
        subject: SubjectId,
        now: UnixSeconds,
    ) -> Result<(), CloudError> {
        let above_all_earlier = u32::try_from(now.as_second()).unwrap_or(u32::MAX);
        let still_leads_to_subject = Admission::identity(&self.identities, identity, subject)?;
        let transaction = Transaction::admitted(still_leads_to_subject).insert(
            &self.records,
            GateRow::new(above_all_earlier, now).of(subject)?,
            Condition::vacant(),
        )?;
        // Refused means that another request of the same caller has created the gate, or an erasure has ended.
        transaction.write(&self.connection).await.map(drop)
    }

    /// Creates identity and account gate, or neither. If two requests do this at once, one wins, and the other then
    /// finds the winner's subject.
    async fn create(
        &self,
        identity: &IdentityHash,
        data_key: &str,
        in_place_of: Condition<Vacant>,
        now: UnixSeconds,
    ) -> Result<(), CloudError> {
        let subject = SubjectId::from_random(random_bits()?);
        let mut row = table::identity_key(identity.as_str());
        row.insert("subject".to_owned(), table::text(subject));
        row.insert("wrapped_key".to_owned(), keys::new_wrapped(&self.connection, subject, data_key).await?);
        row.insert("created_at".to_owned(), table::number(now.as_second()));
        let identity = Admission::new_identity(&self.identities, row, in_place_of)?;
        let transaction = Transaction::admitted(identity).insert(
            &self.records,
            GateRow::new(1, now).of(subject)?,
            Condition::vacant(),
        )?;
        // Refused means that another request of the same caller came first. The caller then finds its subject.
        transaction.write(&self.connection).await.map(drop)
    }
}

/// Returns the row of a closed account gate, with the generations after those that the erasure reaches.
pub(crate) fn closed_gate(reach: Reach, now: UnixSeconds) -> Result<Item, CloudError> {
    let gate = GateRow {
        works_generation: reach.works_before,
        favorites_generation: reach.favorites_before,
        erasing: true,
        created_at: now,
    };
    gate.of(reach.subject)
}
