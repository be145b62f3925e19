//! Counts upload requests per network address, so that many accounts at one address are bounded too. No address is
//! stored.
//!
//! A count's key is an HMAC of the address under a random secret. Every slot has a secret of its own, which overwrites
//! the one before. Both lie in the `identities` table, which has no backups and no stream. So a slot after it was
//! counted nobody can tell whose a count was, and the bare number goes by DynamoDB's TTL.

use std::net::IpAddr;
use std::sync::Mutex;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::UnixSeconds;
use domain::limits::UPLOAD_SLOT;
use ring::hmac;

use crate::table::{self, Item};
use crate::{CloudError, Connection, random_bits};

/// The key of the row that holds the secret.
pub(crate) const SECRET: &str = "ADDRESSES";

/// The prefix of a count's key.
pub(crate) const COUNT: &str = "ADDRESS#";

/// Bytes of an HMAC that name a count: enough that no two addresses of a slot ever share one.
const NAME_BYTES: usize = 16;

/// The counts of addresses in the `identities` table.
#[derive(Debug)]
pub struct Addresses {
    connection: Connection,
    identities: String,
    /// The secret this process has seen last.
    secret: Mutex<Option<Secret>>,
}

/// What addresses are hashed with during one slot.
#[derive(Debug, Clone)]
struct Secret {
    slot: i64,
    key: hmac::Key,
}

impl Addresses {
    /// The counts in this table.
    pub fn new(connection: &Connection, identities: String) -> Self {
        Self { connection: connection.clone(), identities, secret: Mutex::default() }
    }

    /// Counts one request from `address`, unless `max` were counted in this slot; whether it was counted.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn admit(&self, address: IpAddr, max: u32, now: UnixSeconds) -> Result<bool, CloudError> {
        let Secret { slot, key } = self.secret(slot(now)).await?;
        let name = hmac::sign(&key, &network(address));
        let name: String = name.as_ref()[..NAME_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
        let row = row(format!("{COUNT}{slot}#{name}"));
        let answer = self
            .connection
            .dynamodb
            .update_item()
            .table_name(&self.identities)
            .set_key(Some(row))
            .update_expression("ADD uploads :one SET #ttl = :ttl")
            .condition_expression("attribute_not_exists(uploads) OR uploads < :max")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", table::number(1))
            .expression_attribute_values(":max", table::number(max))
            .expression_attribute_values(":ttl", table::number((slot + 1) * UPLOAD_SLOT.as_secs()))
            .send()
            .await;
        match answer {
            Ok(_counted) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(CloudError::of("UpdateItem")(error)),
        }
    }

    /// Deletes the secret of a slot that is over, in case that no later one has overwritten it.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn forget(&self, now: UnixSeconds) -> Result<(), CloudError> {
        let delete = self.connection.dynamodb.delete_item().table_name(&self.identities);
        let answer = delete
            .set_key(Some(row(SECRET.to_owned())))
            .condition_expression("slot < :slot")
            .expression_attribute_values(":slot", table::number(slot(now)))
            .send()
            .await;
        table::written_or_moot("DeleteItem", answer)
    }

    /// The secret of this slot, which this process makes, finds made by another, or knows.
    async fn secret(&self, slot: i64) -> Result<Secret, CloudError> {
        if let Some(known) = self.known().filter(|known| known.slot >= slot) {
            return Ok(known);
        }
        let secret = self.make_secret(slot).await?;
        if let Ok(mut known) = self.secret.lock() {
            *known = Some(secret.clone());
        }
        Ok(secret)
    }

    fn known(&self) -> Option<Secret> {
        self.secret.lock().ok()?.clone()
    }

    /// Puts a new secret in the place of an earlier slot's. Of two processes at once one wins, and the other takes its
    /// secret, as does one whose clock is behind.
    async fn make_secret(&self, slot: i64) -> Result<Secret, CloudError> {
        let bytes: Vec<u8> =
            [random_bits()?, random_bits()?].into_iter().flat_map(u128::to_be_bytes).collect();
        let answer = self
            .connection
            .dynamodb
            .update_item()
            .table_name(&self.identities)
            .set_key(Some(row(SECRET.to_owned())))
            .update_expression("SET slot = :slot, secret = :secret")
            .condition_expression("attribute_not_exists(slot) OR slot < :slot")
            .expression_attribute_values(":slot", table::number(slot))
            .expression_attribute_values(":secret", AttributeValue::B(Blob::new(bytes.clone())))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(_stored) => Ok(Secret { slot, key: hmac::Key::new(hmac::HMAC_SHA256, &bytes) }),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => read_secret(failed.item())
                    .ok_or(CloudError::Malformed { what: "the secret of addresses" }),
                _ => Err(CloudError::of("UpdateItem")(error)),
            },
        }
    }
}

fn read_secret(row: Option<&Item>) -> Option<Secret> {
    let row = row?;
    let slot = row.get("slot")?.as_n().ok()?.parse().ok()?;
    let bytes = row.get("secret")?.as_b().ok()?;
    Some(Secret { slot, key: hmac::Key::new(hmac::HMAC_SHA256, bytes.as_ref()) })
}

fn row(key: String) -> Item {
    Item::from([("identity".to_owned(), table::text(key))])
}

fn slot(now: UnixSeconds) -> i64 {
    now.as_second().div_euclid(UPLOAD_SLOT.as_secs())
}

/// What one subscriber has: an IPv4 address, or 64 bits of an IPv6 address (RFC 6177, section 1).
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets()[..8].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_one_network_however_the_address_is_written() {
        let of = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }

    #[test]
    fn a_slot_ends_where_the_next_begins() {
        let of = |second| slot(UnixSeconds::from_second(second));
        assert_eq!((of(0), of(599), of(600)), (0, 0, 1));
    }
}
