//! Writes metrics in CloudWatch's Embedded Metric Format: one JSON line on stdout, from which CloudWatch Logs takes the
//! values (CloudWatch user guide, "Specification: Embedded metric format"). This needs no API call and no permission.
//!
//! The line bypasses the logger, because the logger would wrap it in fields of its own. A custom runtime writes its
//! JSON lines itself, and Lambda passes them on unchanged. Names and kinds are fixed in the program and values are
//! numbers, so no personal data can become a metric.

use std::io::Write as _;

use domain::UnixSeconds;
use serde_json::{Value, json};

use crate::{Settings, SettingsError};

/// The CloudWatch namespace of all metrics.
const NAMESPACE: &str = "AiFitting";

/// The metric that counts answers with a status of 500 or above. Alarms watch it, because users see these answers.
const SERVER_FAULTS: &str = "server_faults";

/// Writes the metrics of one function.
#[derive(Debug, Clone)]
pub struct Metrics {
    function: String,
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The metric's name. A name that needs a unit ends with it.
    pub name: &'static str,
    /// The unit of the value.
    pub unit: Unit,
    /// The measured value.
    pub value: u64,
}

/// The unit of a metric, as CloudWatch names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of items.
    Count,
    /// A duration.
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
    /// Creates the writer for this function. Its name, as Lambda gives it, is the dimension `function`.
    ///
    /// # Errors
    /// When the name is missing.
    pub fn of(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self::of_function(settings.text("AWS_LAMBDA_FUNCTION_NAME")?))
    }

    /// Creates the writer for the function with this name.
    pub(crate) fn of_function(function: String) -> Self {
        Self { function }
    }

    /// Writes these measurements under the dimension `function`; with a `kind` also under `function` and `kind`
    /// together.
    pub fn emit(&self, kind: Option<&'static str>, metrics: &[Metric], now: UnixSeconds) {
        self.write(kind, metrics, now);
    }

    /// Counts one answer with a status of 500 or above. `route` is the route key, such as `GET /v1/works/{id}`. It
    /// comes from the SAM template, never from the request.
    pub(crate) fn count_server_fault(&self, route: &str, now: UnixSeconds) {
        let fault = Metric { name: SERVER_FAULTS, unit: Unit::Count, value: 1 };
        self.write(Some(route), &[fault], now);
    }

    fn write(&self, kind: Option<&str>, metrics: &[Metric], now: UnixSeconds) {
        let line = format!("{}\n", self.document(kind, metrics, now));
        // One write, so that no log line comes in between. A failed write is ignored: without stdout there is no log
        // either.
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
    fn a_line_holds_all_fields_that_the_specification_requires() {
        for kind in [None, Some("photo")] {
            let document = document(kind);
            assert_eq!(document["_aws"]["Timestamp"], 1_795_000_000_000_i64, "milliseconds");
            let directive = &document["_aws"]["CloudWatchMetrics"][0];
            assert_eq!(directive["Namespace"], "AiFitting");
            let named = directive["Metrics"].as_array().expect("metrics");
            assert_eq!(named.len(), METRICS.len());
            for metric in named {
                // The specification requires a number at the root for each metric, and a unit that CloudWatch knows.
                assert!(document[metric["Name"].as_str().expect("a name")].is_u64(), "{document}");
                assert!(["Count", "Seconds"].contains(&metric["Unit"].as_str().expect("a unit")));
            }
            let sets = directive["Dimensions"].as_array().expect("dimension sets");
            assert_eq!(sets.len(), if kind.is_some() { 2 } else { 1 });
            for dimension in sets.iter().flat_map(|set| set.as_array().expect("a set")) {
                // The specification requires a text at the root for each dimension.
                assert!(document[dimension.as_str().expect("a name")].is_string(), "{document}");
            }
        }
    }

    #[test]
    fn a_line_holds_only_fixed_names_and_numbers() {
        let expected = ["_aws", "function", "kind", "oldest_photo_age_seconds", "residue_found"];
        let document = document(Some("photo"));
        let mut fields: Vec<_> = document.as_object().expect("an object").keys().collect();
        fields.sort();
        assert_eq!(fields, expected);
    }
}
