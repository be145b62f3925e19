//! What the service does, on the local stack: the real template, the real function binaries under their own roles,
//! an AWS that enforces IAM.
//!
//! Three stacks, each started once, and two in one account. On [`app::App::live`] everything runs as deployed, and tests run side by side, each
//! with users of its own. At the [`workbench::Workbench`] no event arrives by itself: its tests, one at a time, hand
//! events to processes that they end, suspend, or set ahead in time. The clean one is another such bench.

mod alarms;
mod answers;
mod app;
mod backups;
mod concurrent_erasures;
mod contention;
mod crashes;
mod deletion;
mod erasure;
mod events;
mod faces;
mod favorites;
mod identity;
mod interrupted_erasures;
mod isolation;
mod label;
mod late_uploads;
mod line;
mod logs;
mod overtaken;
mod periods;
mod photos_after_erasure;
mod planted;
mod promises;
mod quotas;
mod requests;
mod residue;
mod roles;
mod routes;
mod side_by_side;
mod spent_urls;
mod stores;
mod time_limits;
mod unpurged;
mod uploading;
mod volume;
mod workbench;
