//! Environment variables, read once at start-up. If one is missing or malformed, the function stops and names it.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Names the variable that is missing or malformed. The message never repeats the value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The variable is not set, or empty.
    #[error("the environment variable {0} is missing; infra/template.yaml sets it")]
    Missing(&'static str),
    /// The variable's value does not parse as its type.
    #[error("the environment variable {0} is not a valid {1}; infra/template.yaml sets it")]
    Malformed(&'static str, &'static str),
}

/// A snapshot of the environment.
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Reads the environment of this process. Variables that are not UTF-8 count as missing.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn of_process() -> Self {
        let utf8 = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self(utf8.collect())
    }

    /// Creates settings from pairs, for tests.
    pub fn of_pairs<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    /// Returns a required text.
    ///
    /// # Errors
    /// When the variable is missing or empty.
    pub fn text(&self, name: &'static str) -> Result<String, SettingsError> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned().ok_or(SettingsError::Missing(name))
    }

    /// Parses a required value.
    ///
    /// # Errors
    /// When the variable is missing, empty or not a `T`.
    pub fn value<T: FromStr>(&self, name: &'static str) -> Result<T, SettingsError> {
        let malformed = |_error| SettingsError::Malformed(name, std::any::type_name::<T>());
        self.text(name)?.parse().map_err(malformed)
    }

    /// Returns a list whose items are separated by commas. It is empty when the variable is missing or empty.
    pub fn list(&self, name: &'static str) -> Vec<String> {
        let items = self.0.get(name).map(String::as_str).unwrap_or_default().split(',');
        items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// Returns an optional switch: `1` is on, `0` or an absent variable is off.
    ///
    /// # Errors
    /// When the variable is set to something else.
    pub fn flag(&self, name: &'static str) -> Result<bool, SettingsError> {
        match self.0.get(name).map(String::as_str) {
            Some("1") => Ok(true),
            None | Some("0") => Ok(false),
            Some(_) => Err(SettingsError::Malformed(name, "switch (0 or 1)")),
        }
    }

    /// Parses an optional value. Returns `default` when the variable is not set.
    ///
    /// # Errors
    /// When the variable is set and not a `T`.
    pub fn value_or<T: FromStr>(&self, name: &'static str, default: T) -> Result<T, SettingsError> {
        let malformed = |_error| SettingsError::Malformed(name, std::any::type_name::<T>());
        self.0.get(name).map_or(Ok(default), |value| value.parse().map_err(malformed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        let error = Settings::of_pairs([("A", "")]).text("A").expect_err("empty");
        assert!(error.to_string().contains("variable A is missing"));
    }

    #[test]
    fn a_malformed_value_is_not_repeated() {
        let error = Settings::of_pairs([("N", "secret")]).value_or("N", 1_u32).expect_err("no number");
        assert_eq!(error, SettingsError::Malformed("N", "u32"));
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn a_required_value_has_no_default() {
        let settings = Settings::of_pairs([("N", "7"), ("M", "x")]);
        assert_eq!(settings.value("N"), Ok(7));
        assert_eq!(settings.value::<u32>("M"), Err(SettingsError::Malformed("M", "u32")));
        assert_eq!(settings.value::<u32>("O"), Err(SettingsError::Missing("O")));
    }

    #[test]
    fn a_list_may_be_empty() {
        assert_eq!(Settings::of_pairs([("L", "a,b")]).list("L"), ["a", "b"]);
        assert!(Settings::of_pairs([("L", "")]).list("L").is_empty());
        assert!(Settings::of_pairs([]).list("L").is_empty());
    }

    #[test]
    fn a_flag_is_off_unless_it_is_set() {
        let flag = |value| Settings::of_pairs([("F", value)]).flag("F");
        assert_eq!(
            [flag("1"), flag("0"), Settings::of_pairs([]).flag("F")],
            [Ok(true), Ok(false), Ok(false)]
        );
        assert!(flag("yes").is_err());
    }

    #[test]
    fn an_absent_value_takes_its_default() {
        assert_eq!(Settings::of_pairs([("N", "7")]).value_or("N", 1_u32), Ok(7));
        assert_eq!(Settings::of_pairs([]).value_or("N", 1_u32), Ok(1));
    }
}
