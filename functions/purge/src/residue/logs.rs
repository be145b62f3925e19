//! Residue among the logs: log groups whose retention is longer than promised, and lines past their period.

use cloud::CloudError;
use jiff::SignedDuration;

use super::Residue;
use super::kind::{Found, Kind};

/// How long CloudWatch may take to delete lines past their retention ("up to 72 hours", CloudWatch Logs API reference,
/// "PutRetentionPolicy").
const RETENTION_AFTER: SignedDuration = SignedDuration::from_hours(72);

impl Residue<'_> {
    /// Scans all log groups; there is one for each function.
    pub(super) async fn logs(&self, found: &mut Found) -> Result<(), CloudError> {
        let mut here = Found::default();
        let period = SignedDuration::from_hours(24 * i64::from(self.log_period_days));
        let cutoff = self.now().plus(-(period + RETENTION_AFTER));
        for group in self.log_groups.all().await? {
            if group.retention_days.is_none_or(|days| days > self.log_period_days) {
                here.add(Kind::EndlessLog);
            }
            if self.log_groups.has_older(&group, cutoff).await? {
                here.add(Kind::OldLog);
            }
        }
        found.merge(&here);
        Ok(())
    }
}
