//! The stack's log groups: how long they keep their lines, and whether they still have some that should be gone.

use domain::UnixSeconds;

use crate::{CloudError, Connection};

/// The log groups whose names begin alike.
#[derive(Debug, Clone)]
pub struct LogGroups {
    connection: Connection,
    prefix: String,
}

/// A log group and how long it keeps its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// In days; without it, for ever.
    pub retention_days: Option<i32>,
}

impl LogGroups {
    /// The groups whose names begin with `prefix`.
    pub fn new(connection: &Connection, prefix: String) -> Self {
        Self { connection: connection.clone(), prefix }
    }

    /// All of them.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn all(&self) -> Result<Vec<LogGroup>, CloudError> {
        let pages = self.connection.logs.describe_log_groups().log_group_name_prefix(&self.prefix);
        let groups = pages.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let groups = groups.map_err(CloudError::of("DescribeLogGroups"))?.into_iter();
        let named = groups.filter_map(|group| {
            Some(LogGroup { name: group.log_group_name?, retention_days: group.retention_in_days })
        });
        Ok(named.collect())
    }

    /// Whether a group has a line from before `cutoff`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn has_older(&self, group: &LogGroup, cutoff: UnixSeconds) -> Result<bool, CloudError> {
        let events = self.connection.logs.filter_log_events().log_group_name(&group.name);
        let events = events.end_time(cutoff.as_second().saturating_mul(1_000)).limit(1);
        let mut pages = events.into_paginator().send();
        // A page may be empty and have another behind it.
        while let Some(page) = pages.next().await {
            if !page.map_err(CloudError::of("FilterLogEvents"))?.events().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
