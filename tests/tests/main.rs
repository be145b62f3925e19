//! Acceptance tests of the service on the local stack: the real SAM template, the real function binaries under their
//! own roles, and an emulator of AWS that enforces IAM.
//!
//! The tests share these stacks; each stack is started once:
//!
//! - [`app::App::live`]: everything runs as deployed. Tests run in parallel, each with its own users.
//! - [`workbench::Workbench`]: no event arrives by itself. Tests run one at a time. They hand events to function
//!   processes, and kill a process, pause it, or set its clock ahead. The clean bench is a second stack of this kind.
//! - [`side_by_side::two_stacks`]: two stacks in one account.

mod alarms;
mod answers;
mod app;
mod backups;
mod concurrent_erasures;
mod contention;
mod crashes;
mod deletion;
mod erasing;
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
