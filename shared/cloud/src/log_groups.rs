//! Reads the stack's log groups: their retention, and whether they hold lines older than a given time.

use domain::UnixSeconds;

use crate::{CloudError, Connection};

/// The log groups whose names begin with one prefix.
#[derive(Debug, Clone)]
pub struct LogGroups {
    connection: Connection,
    prefix: String,
}

/// A log group and its retention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// The name of the group.
    pub name: String,
    /// How many days the group keeps its lines; `None` means for ever.
    pub retention_days: Option<i32>,
}

impl LogGroups {
    /// Creates the store of the groups whose names begin with `prefix`.
    pub fn new(connection: &Connection, prefix: String) -> Self {
        Self { connection: connection.clone(), prefix }
    }

    /// Lists all groups.
    ///
    /// # Errors
    /// When the groups cannot be listed.
    pub async fn all(&self) -> Result<Vec<LogGroup>, CloudError> {
        let pages = self.connection.logs.describe_log_groups().log_group_name_prefix(&self.prefix);
        let groups = pages.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let groups = groups.map_err(CloudError::of("DescribeLogGroups"))?.into_iter();
        let named = groups.filter_map(|group| {
            Some(LogGroup { name: group.log_group_name?, retention_days: group.retention_in_days })
        });
        Ok(named.collect())
    }

    /// Tells whether a group holds a line from before `cutoff`.
    ///
    /// # Errors
    /// When the group cannot be read.
    pub async fn has_older(&self, group: &LogGroup, cutoff: UnixSeconds) -> Result<bool, CloudError> {
        let events = self.connection.logs.filter_log_events().log_group_name(&group.name);
        let events = events.end_time(cutoff.as_second().saturating_mul(1_000)).limit(1);
        let mut pages = events.into_paginator().send();
        // A page may be empty although more pages follow.
        while let Some(page) = pages.next().await {
            if !page.map_err(CloudError::of("FilterLogEvents"))?.events().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
