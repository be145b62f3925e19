//! Conditions and changes of writes, in DynamoDB's expression language.

use std::collections::HashMap;
use std::marker::PhantomData;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::table::Item;

/// Marks a condition that requires an existing row. A write on this condition creates nothing.
pub(crate) enum Existing {}

/// Marks a condition that the row does not exist or may be replaced. A write on this condition may create it.
pub(crate) enum Vacant {}

/// A condition on the one row that is written or checked.
pub(crate) struct Condition<Row> {
    terms: Terms,
    row: PhantomData<Row>,
}

/// A change of a row.
pub(crate) struct Change(pub(super) Terms);

/// The reason why a write needs no condition, for readers of the code.
pub(crate) struct Unconditional(());

/// An expression with the names and values it uses.
pub(crate) struct Terms {
    pub(super) expression: String,
    pub(super) names: HashMap<String, String>,
    /// `None` if there are no values, because DynamoDB refuses an empty map.
    pub(super) values: Option<Item>,
}

/// The alias of the table's partition key, an attribute that every row has.
const ROW: &str = "#row";

impl Condition<Existing> {
    /// The row exists, in any state.
    pub(crate) fn exists() -> Self {
        Self::of("attribute_exists(#row)".to_owned())
    }

    /// The row exists, and the expression holds.
    pub(crate) fn exists_and(expression: &str) -> Self {
        Self::of(format!("attribute_exists(#row) AND ({expression})"))
    }
}

impl Condition<Vacant> {
    /// The row does not exist.
    pub(crate) fn vacant() -> Self {
        Self::of("attribute_not_exists(#row)".to_owned())
    }

    /// The row does not exist, or the expression holds for the existing row.
    pub(crate) fn vacant_or(expression: &str) -> Self {
        Self::of(format!("attribute_not_exists(#row) OR ({expression})"))
    }
}

impl<Row> Condition<Row> {
    fn of(expression: String) -> Self {
        Self { terms: Terms::of(expression), row: PhantomData }
    }

    /// Defines an alias for an attribute.
    pub(crate) fn name(mut self, alias: &str, attribute: &str) -> Self {
        self.terms.name(alias, attribute);
        self
    }

    /// Defines a value that the expression uses.
    pub(crate) fn value(mut self, alias: &str, value: AttributeValue) -> Self {
        self.terms.value(alias, value);
        self
    }

    /// Completes the condition for the row of this key. `key` may be a whole row.
    pub(super) fn of_row(mut self, key: &Item) -> Terms {
        let attribute = if key.contains_key("pk") { "pk" } else { "identity" };
        self.terms.name(ROW, attribute);
        self.terms
    }
}

impl Change {
    /// Creates the change of this update expression.
    pub(crate) fn of(expression: &str) -> Self {
        Self(Terms::of(expression.to_owned()))
    }

    /// As [`Condition::name`].
    pub(crate) fn name(mut self, alias: &str, attribute: &str) -> Self {
        self.0.name(alias, attribute);
        self
    }

    /// As [`Condition::value`].
    pub(crate) fn value(mut self, alias: &str, value: AttributeValue) -> Self {
        self.0.value(alias, value);
        self
    }
}

impl Unconditional {
    /// States why the row may be written in any state.
    pub(crate) fn because(_reason: &'static str) -> Self {
        Self(())
    }
}

impl Terms {
    fn of(expression: String) -> Self {
        Self { expression, names: HashMap::new(), values: None }
    }

    fn name(&mut self, alias: &str, attribute: &str) {
        self.names.insert(alias.to_owned(), attribute.to_owned());
    }

    fn value(&mut self, alias: &str, value: AttributeValue) {
        self.values.get_or_insert_default().insert(alias.to_owned(), value);
    }

    /// Merges the names and values of a change and its condition, because DynamoDB takes them together.
    pub(super) fn merged_with(&self, condition: &Self) -> (HashMap<String, String>, Option<Item>) {
        let names = self.names.clone().into_iter().chain(condition.names.clone()).collect();
        let all = [&self.values, &condition.values].into_iter().flatten().flatten();
        let values: Item = all.map(|(alias, value)| (alias.clone(), value.clone())).collect();
        (names, Some(values).filter(|values| !values.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::text;

    #[test]
    fn a_condition_names_the_partition_key_of_its_table() {
        for (attribute, other) in [("pk", "sk"), ("identity", "ttl")] {
            let row = Item::from([(attribute.to_owned(), text("x")), (other.to_owned(), text("y"))]);
            let terms = Condition::exists().of_row(&row);
            assert_eq!(terms.names, HashMap::from([("#row".to_owned(), attribute.to_owned())]));
            assert!(terms.values.is_none(), "DynamoDB refuses an empty map of values");
        }
    }

    #[test]
    fn no_condition_on_an_existing_row_lets_a_row_be_created() {
        let terms = Condition::exists_and("attribute_not_exists(a) OR b = :b").of_row(&Item::new());
        assert_eq!(terms.expression, "attribute_exists(#row) AND (attribute_not_exists(a) OR b = :b)");
        let terms = Condition::vacant_or("a < :a AND b < :b").of_row(&Item::new());
        assert_eq!(terms.expression, "attribute_not_exists(#row) OR (a < :a AND b < :b)");
    }

    #[test]
    fn a_change_and_its_condition_share_names_and_values() {
        let change = Change::of("SET #a = :a").name("#a", "a").value(":a", text("1"));
        let condition = Condition::exists_and("#b = :b").name("#b", "b").value(":b", text("2"));
        let (names, values) = change.0.merged_with(&condition.of_row(&Item::new()));
        assert_eq!(names.len(), 3);
        assert_eq!(values.map(|values| values.len()), Some(2));
        let (_, values) = Change::of("REMOVE a").0.merged_with(&Condition::exists().of_row(&Item::new()));
        assert!(values.is_none());
    }
}
