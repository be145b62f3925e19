//! Who a caller is to us: the `identities` table links an identity to a subject, the gate row in the subject's
//! partition says whether anything may be written there.

use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use domain::{ErasureScope, IdentityHash, Reach, SubjectId, UnixSeconds};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::subject_key::SubjectKey;
use crate::table::{self, GATE, Item};
use crate::{CloudError, Connection, random_bits};

/// A subject whose partition may be written to, under generations that every write must name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// The subject.
    pub subject: SubjectId,
    /// The generation of its works; those of earlier ones are being erased and are not seen.
    pub works: u32,
    /// The generation of its favorites, likewise.
    pub favorites: u32,
}

impl Gate {
    /// What an erasure of this scope reaches: what was made until now.
    pub fn reach(self, scope: ErasureScope) -> Reach {
        let (works_before, favorites_before) = match scope {
            ErasureScope::Works => (self.works.saturating_add(1), 0),
            ErasureScope::Favorites => (0, self.favorites.saturating_add(1)),
            ErasureScope::Account => (u32::MAX, u32::MAX),
        };
        Reach { subject: self.subject, works_before, favorites_before }
    }
}

/// Why nothing may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The account is being erased.
    Erasing,
    /// The account was erased; a new start is an explicit act.
    Erased,
    /// Something of the account has begun to be erased in this moment: to ask again tells.
    Changing,
}

/// A caller with its subject and the subject's key, for what is to be encrypted with it.
pub struct Owner {
    /// The subject.
    pub subject: SubjectId,
    /// Its key.
    pub key: SubjectKey,
    /// Its gate, unless it is closed.
    pub gate: Option<Gate>,
}

/// The `identities` table and the gate rows.
#[derive(Debug, Clone)]
pub struct Subjects {
    connection: Connection,
    identities: String,
    records: String,
}

/// What the `identities` table knows of somebody.
enum Known {
    Nobody,
    Subject { subject: SubjectId, wrapped_key: AttributeValue },
    Erased { until: UnixSeconds },
}

#[derive(Serialize, Deserialize)]
struct GateRow {
    works_generation: u32,
    favorites_generation: u32,
    erasing: bool,
    created_at: UnixSeconds,
}

/// What a new subject may take the place of.
#[derive(Clone, Copy)]
enum InPlaceOf {
    /// Nothing, or the word of an erasure that has lapsed.
    Nothing,
    /// The word of an erasure, because the user starts anew.
    Tombstone,
}

impl Subjects {
    /// The subjects in these two tables.
    pub fn new(connection: &Connection, identities: String, records: String) -> Self {
        Self { connection: connection.clone(), identities, records }
    }

    /// The caller's subject, unless it has none or is being erased: both mean that there is nothing to see.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub async fn find(&self, identity: &IdentityHash) -> Result<Option<Gate>, CloudError> {
        match self.known(identity).await? {
            Known::Subject { subject, .. } => self.gate(subject).await,
            Known::Nobody | Known::Erased { .. } => Ok(None),
        }
    }

    /// The caller's subject, made now if there is none; why not, while it is being erased and after it was.
    ///
    /// `data_key` is the KMS key that wraps the subject's own key, under which its free text and contact data
    /// are encrypted. The encryption context binds the wrapped key to the subject.
    ///
    /// # Errors
    /// When a table cannot be read or written, or KMS makes no key.
    pub async fn find_or_create(
        &self,
        identity: &IdentityHash,
        data_key: &str,
        now: UnixSeconds,
    ) -> Result<Result<Gate, Closed>, CloudError> {
        match self.known(identity).await? {
            Known::Erased { until } if now < until => return Ok(Err(Closed::Erased)),
            Known::Erased { .. } | Known::Nobody => {
                self.create(identity, data_key, InPlaceOf::Nothing, now).await?;
            }
            Known::Subject { subject, .. } => self.mend_gate(subject, now).await?,
        }
        Ok(self.find(identity).await?.ok_or(Closed::Erasing))
    }

    /// A new subject for a caller whose account was erased or who never had one; the one there is for anybody else.
    ///
    /// # Errors
    /// As [`Subjects::find_or_create`].
    pub async fn start_anew(
        &self,
        identity: &IdentityHash,
        data_key: &str,
        now: UnixSeconds,
    ) -> Result<Result<Gate, Closed>, CloudError> {
        if let Known::Erased { .. } = self.known(identity).await? {
            self.create(identity, data_key, InPlaceOf::Tombstone, now).await?;
        }
        self.find_or_create(identity, data_key, now).await
    }

    /// The caller with its subject's key, made now if there is none, also while it is being erased.
    ///
    /// # Errors
    /// As [`Subjects::find_or_create`], and when KMS does not unwrap the key.
    pub async fn owner(
        &self,
        identity: &IdentityHash,
        data_key: &str,
        now: UnixSeconds,
    ) -> Result<Result<Owner, Closed>, CloudError> {
        let gate = match self.find_or_create(identity, data_key, now).await? {
            Ok(gate) => Some(gate),
            Err(Closed::Erasing) => None,
            Err(closed) => return Ok(Err(closed)),
        };
        let Known::Subject { subject, wrapped_key } = self.known(identity).await? else {
            return Ok(Err(Closed::Erased));
        };
        let key = self.unwrapped(subject, wrapped_key, data_key).await?;
        Ok(Ok(Owner { subject, key, gate }))
    }

    async fn known(&self, identity: &IdentityHash) -> Result<Known, CloudError> {
        #[derive(Deserialize)]
        struct Tombstone {
            ttl: UnixSeconds,
        }
        let key = Item::from([("identity".to_owned(), table::text(identity.as_str()))]);
        let Some(mut row) = self.row(&self.identities, key).await? else { return Ok(Known::Nobody) };
        let malformed = || CloudError::Malformed { what: "an identity row" };
        match row.remove("subject") {
            Some(AttributeValue::S(subject)) => Ok(Known::Subject {
                subject: subject.parse().map_err(CloudError::malformed("an identity row"))?,
                wrapped_key: row.remove("wrapped_key").ok_or_else(malformed)?,
            }),
            Some(_) => Err(malformed()),
            None => {
                let Tombstone { ttl } = table::from_item(row, "the word of an erasure")?;
                Ok(Known::Erased { until: ttl })
            }
        }
    }

    async fn gate(&self, subject: SubjectId) -> Result<Option<Gate>, CloudError> {
        let row = self.row(&self.records, table::key(subject, GATE.to_owned())).await?;
        let Some(row) = row else { return Ok(None) };
        let row: GateRow = table::from_item(row, "a gate row")?;
        let (works, favorites) = (row.works_generation, row.favorites_generation);
        Ok((!row.erasing).then_some(Gate { subject, works, favorites }))
    }

    /// Puts a gate where there is none. An erasure removes identity and gate in one write, so an identity without a gate
    /// is one whose records were restored from a backup that is older. Its generations are above any that was given.
    async fn mend_gate(&self, subject: SubjectId, now: UnixSeconds) -> Result<(), CloudError> {
        if self.row(&self.records, table::key(subject, GATE.to_owned())).await?.is_some() {
            return Ok(());
        }
        let above_all = u32::try_from(now.as_second()).unwrap_or(u32::MAX);
        let operations = vec![table::put(self.new_gate(subject, above_all, now)?)?];
        // Refused means that another request of the same caller has mended it.
        table::transact(&self.connection, operations).await.map(|_either| ())
    }

    fn new_gate(
        &self,
        subject: SubjectId,
        generation: u32,
        now: UnixSeconds,
    ) -> Result<PutBuilder, CloudError> {
        let gate = GateRow {
            works_generation: generation,
            favorites_generation: generation,
            erasing: false,
            created_at: now,
        };
        let mut row = table::key(subject, GATE.to_owned());
        row.extend(table::to_item(&gate, "a gate row")?);
        let put = Put::builder().table_name(&self.records).set_item(Some(row));
        Ok(put.condition_expression("attribute_not_exists(pk)"))
    }

    /// Creates both rows or neither. Of two requests at once one wins, and the other finds its subject.
    async fn create(
        &self,
        identity: &IdentityHash,
        data_key: &str,
        in_place_of: InPlaceOf,
        now: UnixSeconds,
    ) -> Result<(), CloudError> {
        let subject = SubjectId::from_random(random_bits()?);
        let wrapped_key = self.wrapped_key(subject, data_key).await?;
        let identity_row = Item::from([
            ("identity".to_owned(), table::text(identity.as_str())),
            ("subject".to_owned(), table::text(subject)),
            ("wrapped_key".to_owned(), wrapped_key),
            ("created_at".to_owned(), table::number(now.as_second())),
        ]);
        let gate_put = self.new_gate(subject, 1, now)?;
        let identity_put = Put::builder().table_name(&self.identities).set_item(Some(identity_row));
        let identity_put = match in_place_of {
            InPlaceOf::Nothing => identity_put
                .condition_expression("attribute_not_exists(#key) OR #ttl <= :now")
                .expression_attribute_names("#key", "identity")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":now", table::number(now.as_second())),
            InPlaceOf::Tombstone => identity_put.condition_expression("attribute_exists(erased_at)"),
        };
        // Refused means that another request of the same caller came first: its subject is found.
        let operations = vec![table::put(gate_put)?, table::put(identity_put)?];
        table::transact(&self.connection, operations).await.map(|_either| ())
    }

    async fn wrapped_key(&self, subject: SubjectId, data_key: &str) -> Result<AttributeValue, CloudError> {
        let request = self.connection.kms.generate_data_key_without_plaintext();
        let answer = request
            .key_id(data_key)
            .key_spec(DataKeySpec::Aes256)
            .encryption_context("subject_id", subject)
            .send()
            .await
            .map_err(CloudError::of("GenerateDataKeyWithoutPlaintext"))?;
        let blob = answer.ciphertext_blob.ok_or(CloudError::Malformed { what: "a data key" })?;
        Ok(AttributeValue::B(blob))
    }

    async fn unwrapped(
        &self,
        subject: SubjectId,
        wrapped_key: AttributeValue,
        data_key: &str,
    ) -> Result<SubjectKey, CloudError> {
        let AttributeValue::B(wrapped_key) = wrapped_key else {
            return Err(CloudError::Malformed { what: "a wrapped key" });
        };
        let request = self.connection.kms.decrypt().key_id(data_key).ciphertext_blob(wrapped_key);
        let answer = request.encryption_context("subject_id", subject).send().await;
        let plaintext = answer.map_err(CloudError::of("Decrypt"))?.plaintext.map(Blob::into_inner);
        let plaintext = Zeroizing::new(plaintext.unwrap_or_default());
        SubjectKey::of(subject, &plaintext)
    }

    async fn row(&self, table: &str, key: Item) -> Result<Option<Item>, CloudError> {
        let request =
            self.connection.dynamodb.get_item().table_name(table).set_key(Some(key)).consistent_read(true);
        Ok(request.send().await.map_err(CloudError::of("GetItem"))?.item)
    }
}
