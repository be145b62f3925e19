//! Fuzzes receipts: only the genuine receipt is accepted, and no altered one. Key sets are parsed or refused.
#![no_main]

use std::sync::LazyLock;

use domain::receipt::{Jwks, verify};
use fuzz::receipts;
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<Jwks> = LazyLock::new(receipts::keys);

fuzz_target!(|text: &str| {
    if let Ok(receipt) = verify(text, &KEYS, None) {
        assert_eq!(receipt, receipts::receipt(), "an altered receipt is accepted");
    }
    if let Ok(keys) = serde_json::from_str::<Jwks>(text) {
        let _ = verify(&receipts::signed(), &keys, Some(&receipts::salt()));
    }
});
