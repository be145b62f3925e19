//! Who a caller is to us: the `identities` table links an identity to a subject, the gate row in the subject's
//! partition says whether anything may be written there.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use aws_sdk_kms::types::DataKeySpec;
use domain::{IdentityHash, SubjectId, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::table::{self, GATE, Item};
use crate::{CloudError, Connection, random_bits};

/// A subject whose partition may be written to, under a generation that every write must name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// The subject.
    pub subject: SubjectId,
    /// Counts what has closed the gate before.
    pub generation: u32,
}

/// The `identities` table and the gate rows.
#[derive(Debug, Clone)]
pub struct Subjects {
    connection: Connection,
    identities: String,
    records: String,
}

#[derive(Deserialize)]
struct IdentityRow {
    subject: SubjectId,
}

#[derive(Serialize, Deserialize)]
struct GateRow {
    generation: u32,
    erasing: bool,
    created_at: UnixSeconds,
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
        let Some(subject) = self.subject_of(identity).await? else { return Ok(None) };
        let row = self.row(&self.records, table::key(subject, GATE.to_owned())).await?;
        let Some(row) = row else { return Ok(None) };
        let row: GateRow = table::from_item(row, "a gate row")?;
        Ok((!row.erasing).then_some(Gate { subject, generation: row.generation }))
    }

    /// The caller's subject, made now if there is none; `None` while it is being erased.
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
    ) -> Result<Option<Gate>, CloudError> {
        if self.subject_of(identity).await?.is_none() {
            self.create(identity, data_key, now).await?;
        }
        self.find(identity).await
    }

    async fn subject_of(&self, identity: &IdentityHash) -> Result<Option<SubjectId>, CloudError> {
        let key = Item::from([("identity".to_owned(), table::text(identity.as_str()))]);
        let row = self.row(&self.identities, key).await?;
        row.map(|row| table::from_item::<IdentityRow>(row, "an identity row").map(|row| row.subject))
            .transpose()
    }

    /// Creates both rows or neither. Of two requests at once one wins, and the other finds its subject.
    async fn create(
        &self,
        identity: &IdentityHash,
        data_key: &str,
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
        let mut gate_row = table::key(subject, GATE.to_owned());
        let gate = GateRow { generation: 1, erasing: false, created_at: now };
        gate_row.extend(table::to_item(&gate, "a gate row")?);
        let operations = vec![
            new_row(&self.records, gate_row, "pk")?,
            new_row(&self.identities, identity_row, "identity")?,
        ];
        // Refused means that another request of the same caller came first: its subject is found.
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

    async fn row(&self, table: &str, key: Item) -> Result<Option<Item>, CloudError> {
        let request =
            self.connection.dynamodb.get_item().table_name(table).set_key(Some(key)).consistent_read(true);
        Ok(request.send().await.map_err(CloudError::of("GetItem"))?.item)
    }
}

/// Puts a row that must not exist yet; `hash_key` is the table's.
fn new_row(table: &str, row: Item, hash_key: &str) -> Result<TransactWriteItem, CloudError> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(row))
        .condition_expression("attribute_not_exists(#key)")
        .expression_attribute_names("#key", hash_key)
        .build()
        .map_err(CloudError::malformed("a put"))?;
    Ok(TransactWriteItem::builder().put(put).build())
}
