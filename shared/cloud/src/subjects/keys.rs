//! Creates and unwraps a subject's own key with KMS. The encryption context binds the key to the subject.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use domain::SubjectId;
use zeroize::Zeroizing;

use crate::subject_key::SubjectKey;
use crate::{CloudError, Connection};

/// Creates a new key and returns it wrapped.
pub(super) async fn new_wrapped(
    connection: &Connection,
    subject: SubjectId,
    data_key: &str,
) -> Result<AttributeValue, CloudError> {
    let request = connection.kms.generate_data_key_without_plaintext();
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

/// Unwraps a subject's key.
pub(super) async fn unwrap(
    connection: &Connection,
    subject: SubjectId,
    wrapped_key: AttributeValue,
    data_key: &str,
) -> Result<SubjectKey, CloudError> {
    let AttributeValue::B(wrapped_key) = wrapped_key else {
        return Err(CloudError::Malformed { what: "a wrapped key" });
    };
    let request = connection.kms.decrypt().key_id(data_key).ciphertext_blob(wrapped_key);
    let answer = request.encryption_context("subject_id", subject).send().await;
    let plaintext = answer.map_err(CloudError::of("Decrypt"))?.plaintext.map(Blob::into_inner);
    let plaintext = Zeroizing::new(plaintext.unwrap_or_default());
    SubjectKey::of(subject, &plaintext)
}
