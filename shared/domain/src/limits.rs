//! Limits, and periods that depend on each other. The SAM template repeats some of them, because it cannot read Rust.
//! A test on the transformed template compares them.

use jiff::SignedDuration;

use crate::time::UnixSeconds;

/// The largest photo that is accepted, in bytes. A 48-megapixel JPEG of a phone takes 10 to 25 MB.
pub const PHOTO_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// The most pixels of a JPEG, which is decoded in parts. The largest sensors of phones have 16,384 × 12,288 pixels.
pub const PHOTO_PIXELS_MAX: usize = 202_000_000;

/// The most pixels of a PNG, which is decoded as a whole. It is a little more than 9,248 × 6,936, a usual size of
/// phones.
pub const PHOTO_PNG_PIXELS_MAX: usize = 65_000_000;

/// The most pixels of a WebP, or of a JPEG in a coding that cameras and browsers do not use. Each pixel takes 10
/// bytes and 20 ns.
pub const PHOTO_OTHER_PIXELS_MAX: usize = 25_000_000;

/// The longest side of a photo in pixels.
pub const PHOTO_SIDE_MAX: usize = 16_384;

/// How long a presigned upload URL works at most. It is the default and the upper bound of the SAM template's
/// `UploadUrlSeconds`; a test compares them. When a deployment shortens the parameter, older URLs still work for the
/// old time. So code that waits until every URL has expired waits for this limit, not for the parameter.
pub const UPLOAD_WINDOW: SignedDuration = SignedDuration::from_secs(300);

/// How long after [`UPLOAD_WINDOW`] a URL still counts as working, because the clocks of S3 and `uploads` may differ.
pub const UPLOAD_WINDOW_MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// How long a worker may hold a work. It is longer than the function's time-out, so that no worker outlives its
/// lease. It is shorter than the time before Lambda's first retry (about a minute), so that the retry can reclaim the
/// work.
pub const LEASE: SignedDuration = SignedDuration::from_secs(50);

/// The time-out of `synthesize`; see [`LEASE`].
pub const SYNTHESIZE_TIMEOUT: SignedDuration = SignedDuration::from_secs(45);

/// How long Lambda keeps an S3 event for retries. It is below [`PHOTO_AGE_MAX`], so that the sweep never deletes a
/// photo before its last retry.
pub const EVENT_AGE_MAX: SignedDuration = SignedDuration::from_secs(600);

/// The age at which a photo counts as orphaned. The sweep then deletes it, whatever its work's row says.
pub const PHOTO_AGE_MAX: SignedDuration = SignedDuration::from_secs(900);

/// How many claims a work gets before it is given up. Lambda tries three times, and a duplicate event may add one.
pub const ATTEMPTS_MAX: u32 = 4;

/// How many uploads one user may request in a day (UTC).
pub const UPLOADS_PER_DAY_MAX: u32 = 100;

/// How many upload URLs one user may request in one slot of [`UPLOAD_SLOT`]. A URL works no longer than a slot, so at
/// most twice as many work at once. This bounds how much of the shared fitting capacity one user can take.
pub const UPLOADS_PER_SLOT_MAX: u32 = 20;

/// The length of a slot, in which upload URLs are counted per user and per network address. Slots begin at its
/// multiples.
pub const UPLOAD_SLOT: SignedDuration = SignedDuration::from_secs(600);

/// The longest `Idempotency-Key`, in characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// How long a presigned download URL is valid, at most.
pub const DOWNLOAD_WINDOW: SignedDuration = SignedDuration::from_secs(300);

/// How many works one page of a list holds, unless the caller asks for fewer.
pub const PAGE_WORKS_MAX: usize = 50;

/// How many favorites one page of a list holds, unless the caller asks for fewer. One `BatchGetItem` reads at most
/// 100 rows.
pub const PAGE_FAVORITES_MAX: usize = 50;

/// How many favorites one subject may have. It is far more than anybody uses, and few enough that one query reads
/// them all (about 200 bytes each; a query returns 1 MB). Concurrent requests may exceed it by a few.
pub const FAVORITES_MAX: usize = 1_000;

/// The number of partitions of the due index. One partition takes 1,000 writes a second; eight take as many as one
/// AWS account can synthesize.
pub const DUE_SHARDS: u8 = 8;

/// Lists all shards of the due index for a sweep. Sweeps that follow each other at this interval start with different
/// shards, so that no shard is always the last when a run ends early.
pub fn due_shards(now: UnixSeconds, interval: SignedDuration) -> impl Iterator<Item = u8> {
    let turn = now.as_second() / interval.as_secs().max(1);
    let first = u8::try_from(turn.rem_euclid(i64::from(DUE_SHARDS))).unwrap_or(0);
    (0..DUE_SHARDS).map(move |offset| (first + offset) % DUE_SHARDS)
}

/// The longest contact that a request may hold, in bytes (RFC 5321, section 4.5.3.1.3).
pub const CONTACT_BYTES_MAX: usize = 254;

/// How many deletion requests one user may make in a day (UTC): more than anybody needs, and few enough to keep for
/// years.
pub const DELETION_REQUESTS_PER_DAY_MAX: u32 = 20;

/// How many requests for erasures one page of a list holds, unless the caller asks for fewer.
pub const PAGE_REQUESTS_MAX: usize = 50;

const _: () = {
    assert!(PAGE_FAVORITES_MAX <= 100);
    assert!(SYNTHESIZE_TIMEOUT.as_secs() < LEASE.as_secs());
    assert!(LEASE.as_secs() < 60);
    assert!(EVENT_AGE_MAX.as_secs() < PHOTO_AGE_MAX.as_secs());
    // The sweep deletes a marker before the residue check would count it.
    assert!(UPLOAD_WINDOW.as_secs() + UPLOAD_WINDOW_MARGIN.as_secs() < PHOTO_AGE_MAX.as_secs());
    assert!(UPLOAD_WINDOW.as_secs() <= UPLOAD_SLOT.as_secs());
    assert!(UPLOADS_PER_SLOT_MAX <= UPLOADS_PER_DAY_MAX);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_sweeps_start_with_different_shards_and_list_all() {
        let minute = SignedDuration::from_mins(1);
        let shards = |sweep: i64| -> Vec<u8> {
            due_shards(UnixSeconds::from_second(1_800_000_000 + 60 * sweep), minute).collect()
        };
        let firsts: std::collections::BTreeSet<u8> = (0..8).map(|sweep| shards(sweep)[0]).collect();
        assert_eq!(firsts.len(), usize::from(DUE_SHARDS));
        let mut all = shards(3);
        all.sort_unstable();
        assert!(all.into_iter().eq(0..DUE_SHARDS));
    }
}
