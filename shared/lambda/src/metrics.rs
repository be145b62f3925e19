//! Metrics in CloudWatch's Embedded Metric Format: one JSON line on stdout, from which CloudWatch Logs takes the values
//! (CloudWatch user guide, "Specification: Embedded metric format"). No call and no permission is needed for it.
//!
//! The line goes past the logger, whose own fields would wrap it: a runtime of one's own writes its JSON lines itself,
//! and Lambda passes them on as they are. Names and kinds are part of the program and values are numbers, so that nothing
//! personal can become a metric.

use std::io::Write as _;

use domain::UnixSeconds;
use serde_json::{Value, json};

use crate::{Settings, SettingsError};

/// Where the metrics are found.
const NAMESPACE: &str = "AiFitting";

/// Answers with a status of 500 or above, the metric that the alarms on what users see are on.
const SERVER_FAULTS: &str = "server_faults";

/// Writes the metrics of one function.
#[derive(Debug, Clone)]
pub struct Metrics {
    function: String,
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name, with the unit last.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// How much.
    pub value: u64,
}

/// What a metric counts, in CloudWatch's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Time.
    Seconds,
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
        }
    }
}

impl Metrics {
    /// The metrics of this function, told apart by its name as Lambda gives it.
    ///
    /// # Errors
    /// When the name is missing.
    pub fn of(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self::of_function(settings.text("AWS_LAMBDA_FUNCTION_NAME")?))
    }

    /// The metrics of the function of this name.
    pub(crate) fn of_function(function: String) -> Self {
        Self { function }
    }

    /// Writes these measurements, under the function's name alone and, with a `kind`, also under both.
    pub fn emit(&self, kind: Option<&'static str>, metrics: &[Metric], now: UnixSeconds) {
        self.write(kind, metrics, now);
    }

    /// Counts one answer of 500 or above. `route` is the key of the route, such as `GET /v1/works/{id}`, which comes from
    /// the template and never from the request.
    pub(crate) fn count_server_fault(&self, route: &str, now: UnixSeconds) {
        let fault = Metric { name: SERVER_FAULTS, unit: Unit::Count, value: 1 };
        self.write(Some(route), &[fault], now);
    }

    fn write(&self, kind: Option<&str>, metrics: &[Metric], now: UnixSeconds) {
        let line = format!("{}\n", self.document(kind, metrics, now));
        // In one write, so that no log line comes in between. Without a stdout there is nobody to tell.
        let _unwritten = std::io::stdout().lock().write_all(line.as_bytes());
    }

    fn document(&self, kind: Option<&str>, metrics: &[Metric], now: UnixSeconds) -> Value {
        let named = |metric: &Metric| json!({ "Name": metric.name, "Unit": metric.unit.as_str() });
        let dimensions =
            if kind.is_some() { json!([["function"], ["function", "kind"]]) } else { json!([["function"]]) };
        let mut document = json!({
            "_aws": {
                "Timestamp": now.as_second().saturating_mul(1_000),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": dimensions,
                    "Metrics": metrics.iter().map(named).collect::<Vec<_>>(),
                }],
            },
            "function": self.function,
        });
        if let Some(kind) = kind {
            document["kind"] = json!(kind);
        }
        for metric in metrics {
            document[metric.name] = json!(metric.value);
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: [Metric; 2] = [
        Metric { name: "oldest_photo_age_seconds", unit: Unit::Seconds, value: 7 },
        Metric { name: "residue_found", unit: Unit::Count, value: 0 },
    ];

    fn document(kind: Option<&'static str>) -> Value {
        let settings = Settings::of_pairs([("AWS_LAMBDA_FUNCTION_NAME", "stack-purge")]);
        let metrics = Metrics::of(&settings).expect("a name");
        metrics.document(kind, &METRICS, UnixSeconds::from_second(1_795_000_000))
    }

    #[test]
    fn a_line_has_all_that_the_specification_requires() {
        for kind in [None, Some("photo")] {
            let document = document(kind);
            assert_eq!(document["_aws"]["Timestamp"], 1_795_000_000_000_i64, "milliseconds");
            let directive = &document["_aws"]["CloudWatchMetrics"][0];
            assert_eq!(directive["Namespace"], "AiFitting");
            let named = directive["Metrics"].as_array().expect("metrics");
            assert_eq!(named.len(), METRICS.len());
            for metric in named {
                // The target of a metric is a number at the root, and its unit one that CloudWatch knows.
                assert!(document[metric["Name"].as_str().expect("a name")].is_u64(), "{document}");
                assert!(["Count", "Seconds"].contains(&metric["Unit"].as_str().expect("a unit")));
            }
            let sets = directive["Dimensions"].as_array().expect("dimension sets");
            assert_eq!(sets.len(), if kind.is_some() { 2 } else { 1 });
            for dimension in sets.iter().flat_map(|set| set.as_array().expect("a set")) {
                // The target of a dimension is a text at the root.
                assert!(document[dimension.as_str().expect("a name")].is_string(), "{document}");
            }
        }
    }

    #[test]
    fn a_line_has_nothing_but_names_of_the_program_and_numbers() {
        let expected = ["_aws", "function", "kind", "oldest_photo_age_seconds", "residue_found"];
        let document = document(Some("photo"));
        let mut fields: Vec<_> = document.as_object().expect("an object").keys().collect();
        fields.sort();
        assert_eq!(fields, expected);
    }
}
