//! Counts upload requests per network address, so that many accounts at one address are limited too. No address is
//! stored.
//!
//! A count's key is an HMAC of the address under a random secret. Every slot has its own secret, which overwrites the
//! one before. Secret and counts are in the `identities` table, which has no backups and no stream. So one slot later
//! nobody can tell which address a count belongs to. DynamoDB's TTL deletes the number itself.

use std::net::IpAddr;
use std::sync::Mutex;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::UnixSeconds;
use domain::limits::UPLOAD_SLOT;
use ring::hmac;

use crate::table::{self, Item};
use crate::write::{self, Change, Condition, Outcome, Unconditional};
use crate::{CloudError, Connection, random_bits};

/// The key of the row that holds the secret.
pub(crate) const SECRET: &str = "ADDRESSES";

/// The prefix of a count's key.
pub(crate) const COUNT: &str = "ADDRESS#";

/// How many bytes of an HMAC name a count. They are enough that no two addresses of a slot share a count.
const NAME_BYTES: usize = 16;

/// The counts of upload requests per address, in the `identities` table.
#[derive(Debug)]
pub struct Addresses {
    connection: Connection,
    identities: String,
    /// The secret that this process used last.
    secret: Mutex<Option<Secret>>,
}

/// The HMAC key for addresses during one slot.
#[derive(Debug, Clone)]
struct Secret {
    slot: i64,
    key: hmac::Key,
}

impl Addresses {
    /// Creates the counts in this table.
    pub fn new(connection: &Connection, identities: String) -> Self {
        Self { connection: connection.clone(), identities, secret: Mutex::default() }
    }

    /// Counts one request from `address`, unless `max` requests were already counted in this slot. Returns whether
    /// the request was counted.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn admit(&self, address: IpAddr, max: u32, now: UnixSeconds) -> Result<bool, CloudError> {
        let Secret { slot, key } = self.secret(slot(now)).await?;
        let name = hmac::sign(&key, &network(address));
        let name: String = name.as_ref()[..NAME_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
        let row = table::identity_key(&format!("{COUNT}{slot}#{name}"));
        let count = Change::of("ADD uploads :one SET #ttl = :ttl")
            .name("#ttl", "ttl")
            .value(":one", table::number(1))
            .value(":ttl", table::number((slot + 1) * UPLOAD_SLOT.as_secs()));
        let is_left = Condition::vacant_or("attribute_not_exists(uploads) OR uploads < :max")
            .value(":max", table::number(max));
        let why = Unconditional::because("a count belongs to no subject");
        let counted = write::upsert(&self.connection, &self.identities, row, count, is_left, why).await?;
        Ok(counted == Outcome::Written)
    }

    /// Deletes the secret of an earlier slot, if no later secret has overwritten it.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete_old_secret(&self, now: UnixSeconds) -> Result<(), CloudError> {
        let over = Condition::exists_and("slot < :slot").value(":slot", table::number(slot(now)));
        let key = table::identity_key(SECRET);
        write::delete(&self.connection, &self.identities, key, over).await.map(drop)
    }

    /// Returns the secret of this slot: from memory, or newly made, or as another process made it.
    async fn secret(&self, slot: i64) -> Result<Secret, CloudError> {
        if let Some(known) = self.cached_secret().filter(|known| known.slot >= slot) {
            return Ok(known);
        }
        let secret = self.store_new_secret(slot).await?;
        if let Ok(mut known) = self.secret.lock() {
            *known = Some(secret.clone());
        }
        Ok(secret)
    }

    fn cached_secret(&self) -> Option<Secret> {
        self.secret.lock().ok()?.clone()
    }

    /// Replaces the secret of an earlier slot by a new one. If two processes do this at once, one wins, and the other
    /// takes the winner's secret. So does a process whose clock is behind.
    async fn store_new_secret(&self, slot: i64) -> Result<Secret, CloudError> {
        let bytes: Vec<u8> =
            [random_bits()?, random_bits()?].into_iter().flat_map(u128::to_be_bytes).collect();
        let replace = Change::of("SET slot = :slot, secret = :secret")
            .value(":slot", table::number(slot))
            .value(":secret", AttributeValue::B(Blob::new(bytes.clone())));
        let is_earlier = Condition::vacant_or("slot < :slot").value(":slot", table::number(slot));
        let why = Unconditional::because("the secret belongs to no subject");
        let key = table::identity_key(SECRET);
        match write::upsert(&self.connection, &self.identities, key, replace, is_earlier, why).await? {
            Outcome::Written => Ok(Secret { slot, key: hmac::Key::new(hmac::HMAC_SHA256, &bytes) }),
            Outcome::Refused(_) => self.load_secret().await,
        }
    }

    async fn load_secret(&self) -> Result<Secret, CloudError> {
        let row = table::get(&self.connection, &self.identities, table::identity_key(SECRET)).await?;
        read_secret(row.as_ref()).ok_or(CloudError::Malformed { what: "the secret of addresses" })
    }
}

fn read_secret(row: Option<&Item>) -> Option<Secret> {
    let row = row?;
    let slot = row.get("slot")?.as_n().ok()?.parse().ok()?;
    let bytes = row.get("secret")?.as_b().ok()?;
    Some(Secret { slot, key: hmac::Key::new(hmac::HMAC_SHA256, bytes.as_ref()) })
}

fn slot(now: UnixSeconds) -> i64 {
    now.as_second().div_euclid(UPLOAD_SLOT.as_secs())
}

/// Returns the bytes that identify one subscriber: an IPv4 address, or the first 64 bits of an IPv6 address (RFC
/// 6177, section 1).
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
    fn one_subscriber_has_one_network_in_every_spelling_of_the_address() {
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
