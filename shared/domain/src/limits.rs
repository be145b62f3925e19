//! Limits and the periods that must fit each other. The infrastructure repeats some of them, because a template
//! cannot read Rust; a test on the transformed template compares them.

use jiff::SignedDuration;

/// The largest photo that is accepted, in bytes: a 48-megapixel JPEG of a phone takes 10 to 25 MB.
pub const PHOTO_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// The most pixels of a JPEG. It is decoded in parts. The largest sensors of phones have 16,384 × 12,288 pixels.
pub const PHOTO_PIXELS_MAX: usize = 202_000_000;

/// The most pixels of a PNG, which is decoded as a whole: 9,248 × 6,936, a usual size of phones, and a little more.
pub const PHOTO_PNG_PIXELS_MAX: usize = 65_000_000;

/// The most pixels of a WebP, or of a JPEG that is not coded as cameras and browsers do. They take 10 bytes and 20 ns
/// for each pixel.
pub const PHOTO_OTHER_PIXELS_MAX: usize = 25_000_000;

/// The longest side of a photo in pixels.
pub const PHOTO_SIDE_MAX: usize = 16_384;

/// How long a presigned upload URL works at most: the default and the upper bound of the template's `UploadUrlSeconds`, held
/// to them by a test. A deployment that shortens it leaves older URLs that work for so long; so whatever waits until
/// no URL works any more waits for this, and not for the parameter.
pub const UPLOAD_WINDOW: SignedDuration = SignedDuration::from_secs(300);

/// How long after [`UPLOAD_WINDOW`] a URL still counts as working: the clocks of S3 and of `uploads` may differ.
pub const UPLOAD_WINDOW_MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// How long a worker may hold a work. Longer than the function's time-out, so that no worker outlives its lease;
/// shorter than Lambda's first retry (about a minute), so that the retry can reclaim it.
pub const LEASE: SignedDuration = SignedDuration::from_secs(50);

/// The time-out of `synthesize`; see [`LEASE`].
pub const SYNTHESIZE_TIMEOUT: SignedDuration = SignedDuration::from_secs(45);

/// How long Lambda keeps an S3 event for retries. Below [`PHOTO_AGE_MAX`], so that no retry finds its photo swept.
pub const EVENT_AGE_MAX: SignedDuration = SignedDuration::from_secs(600);

/// The age at which a photo counts as orphaned and is swept, whatever its record says.
pub const PHOTO_AGE_MAX: SignedDuration = SignedDuration::from_secs(900);

/// Claims on one work before it is given up: Lambda tries three times, a duplicate event may add one.
pub const ATTEMPTS_MAX: u32 = 4;

/// Uploads one subject may ask for in a day (UTC).
pub const UPLOADS_PER_DAY_MAX: u32 = 100;

/// Upload URLs one subject may ask for in one slot of [`UPLOAD_SLOT`]. A URL works no longer than a slot, so at most
/// twice as many work at once. It bounds what one user can hold of the fitting capacity that all users share.
pub const UPLOADS_PER_SLOT_MAX: u32 = 20;

/// What upload URLs are counted in, per user and per network address. Slots begin at multiples of it.
pub const UPLOAD_SLOT: SignedDuration = SignedDuration::from_secs(600);

/// The longest `Idempotency-Key`, in characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// How long a presigned download URL is valid, at most.
pub const DOWNLOAD_WINDOW: SignedDuration = SignedDuration::from_secs(300);

/// Works on one page of a list unless the caller asks for fewer.
pub const PAGE_WORKS_MAX: usize = 50;

/// Favorites on one page of a list unless the caller asks for fewer. One `BatchGetItem` reads 100 rows at most.
pub const PAGE_FAVORITES_MAX: usize = 50;

/// Favorites one subject may have: far more than anybody looks through, and so few that one query reads them all
/// (about 200 bytes each; a query answers 1 MB). Requests at the very same time may go over it by a few.
pub const FAVORITES_MAX: usize = 1_000;

/// Partitions of the due index: one hot partition takes 1,000 writes a second, eight take what one account can
/// synthesize.
pub const DUE_SHARDS: u8 = 8;

/// The longest contact address that a request may leave, in bytes (RFC 5321, section 4.5.3.1.3).
pub const CONTACT_BYTES_MAX: usize = 254;

/// Deletion requests one subject may make in a day (UTC): more than anybody needs, and few enough to be kept for years.
pub const DELETION_REQUESTS_PER_DAY_MAX: u32 = 20;

/// Requests for erasures on one page of a list unless the caller asks for fewer.
pub const PAGE_REQUESTS_MAX: usize = 50;

const _: () = {
    assert!(PAGE_FAVORITES_MAX <= 100);
    assert!(SYNTHESIZE_TIMEOUT.as_secs() < LEASE.as_secs());
    assert!(LEASE.as_secs() < 60);
    assert!(EVENT_AGE_MAX.as_secs() < PHOTO_AGE_MAX.as_secs());
    // The sweep removes a marker before it counts as residue.
    assert!(UPLOAD_WINDOW.as_secs() + UPLOAD_WINDOW_MARGIN.as_secs() < PHOTO_AGE_MAX.as_secs());
    assert!(UPLOAD_WINDOW.as_secs() <= UPLOAD_SLOT.as_secs());
    assert!(UPLOADS_PER_SLOT_MAX <= UPLOADS_PER_DAY_MAX);
};
