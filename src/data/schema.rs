//! Decides what each column is for: modelled, given, or a weight.

use super::error::DataError;
use super::names::positions;
use super::table::Table;

/// The roles as the command line asks for them, before any table is seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleRequest {
    /// `--columns`: the columns to model; `None` for all that have no other role.
    pub columns: Option<Vec<String>>,
    /// `--given`: the columns to condition on.
    pub given: Vec<String>,
    /// `--weight`: the column that weighs rows.
    pub weight: Option<String>,
}

/// What each column of a table is for; every column has at most one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// The columns whose density is modelled, at least one.
    pub features: Vec<String>,
    /// The columns that the density is conditioned on.
    pub context: Vec<String>,
    /// The column that weighs rows.
    pub weight: Option<String>,
}

impl RoleRequest {
    /// The columns to read from a file, `None` for all; others may then hold text.
    pub fn columns_to_read(&self) -> Option<Vec<String>> {
        let mut names = self.columns.clone()?;
        for name in self.given.iter().chain(&self.weight) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        Some(names)
    }

    /// Gives every column of `table` its role.
    ///
    /// # Errors
    /// When a column is unknown or would have two roles, no column is left to model, a weight is
    /// negative or not finite, or all weights are zero.
    pub fn resolve(&self, table: &Table) -> Result<Roles, DataError> {
        let roles = self.assign(table)?;
        if let Some(weight) = &roles.weight {
            require_weights(table, weight)?;
        }
        Ok(roles)
    }

    fn assign(&self, table: &Table) -> Result<Roles, DataError> {
        let asked: Vec<&str> = self.given.iter().chain(&self.weight).map(String::as_str).collect();
        for names in [&self.given[..], self.columns.as_deref().unwrap_or_default()] {
            positions(table.source(), table.columns(), Some(names))?;
        }
        let columns = self.columns.as_deref().unwrap_or_default();
        self.require_disjoint(table, columns)?;
        let features: Vec<String> = match &self.columns {
            Some(columns) => columns.clone(),
            None => table
                .columns()
                .iter()
                .filter(|name| !asked.contains(&name.as_str()))
                .cloned()
                .collect(),
        };
        if features.is_empty() {
            return Err(DataError::NoFeatures { file: table.source().to_owned() });
        }
        Ok(Roles { features, context: self.given.clone(), weight: self.weight.clone() })
    }

    fn require_disjoint(&self, table: &Table, columns: &[String]) -> Result<(), DataError> {
        let overlapping = |column: &String, first, second| {
            let (file, column) = (table.source().to_owned(), column.clone());
            Err(DataError::OverlappingRoles { file, column, first, second })
        };
        if let Some(column) = columns.iter().find(|name| self.given.contains(name)) {
            return overlapping(column, "a feature (--columns)", "context (--given)");
        }
        let Some(weight) = &self.weight else {
            return Ok(());
        };
        table.position(weight)?;
        if columns.contains(weight) {
            return overlapping(weight, "a feature (--columns)", "the weight (--weight)");
        }
        if self.given.contains(weight) {
            return overlapping(weight, "context (--given)", "the weight (--weight)");
        }
        Ok(())
    }
}

fn require_weights(table: &Table, weight: &str) -> Result<(), DataError> {
    let position = table.position(weight)?;
    let mut total = 0.0;
    for (row, value) in table.column(position).enumerate() {
        if !value.is_finite() || value < 0.0 {
            return Err(DataError::InvalidWeight {
                file: table.source().to_owned(),
                row: table.number(row) + 1,
                column: weight.to_owned(),
                value,
            });
        }
        total += value;
    }
    if total > 0.0 {
        return Ok(());
    }
    Err(DataError::ZeroWeights { file: table.source().to_owned(), column: weight.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(weights: &[f64]) -> Table {
        let columns = ["a", "b", "c", "w"].map(str::to_owned).to_vec();
        let values = weights.iter().flat_map(|&w| [1.0, 2.0, 3.0, w]).collect();
        Table::new("t.csv", columns, values).unwrap()
    }

    fn request(columns: Option<&[&str]>, given: &[&str], weight: Option<&str>) -> RoleRequest {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        RoleRequest {
            columns: columns.map(owned),
            given: owned(given),
            weight: weight.map(str::to_owned),
        }
    }

    fn message(request: &RoleRequest) -> String {
        request.resolve(&table(&[1.0, 0.0])).unwrap_err().to_string()
    }

    #[test]
    fn columns_without_a_role_are_features() {
        let roles = request(None, &["c"], Some("w")).resolve(&table(&[0.0, 2.0])).unwrap();
        let expected = Roles {
            features: vec!["a".into(), "b".into()],
            context: vec!["c".into()],
            weight: Some("w".into()),
        };
        assert_eq!(roles, expected);
    }

    #[test]
    fn named_columns_keep_their_order_and_the_rest_is_not_read() {
        let request = request(Some(&["b", "a"]), &["c"], Some("w"));
        assert_eq!(request.columns_to_read().unwrap(), ["b", "a", "c", "w"]);
        assert_eq!(request.resolve(&table(&[1.0])).unwrap().features, ["b", "a"]);
        assert_eq!(RoleRequest::default().columns_to_read(), None);
    }

    #[test]
    fn a_column_has_one_role() {
        assert_eq!(
            message(&request(Some(&["a", "b"]), &["b"], None)),
            "t.csv: column 'b' is both a feature (--columns) and context (--given); give it one \
             role"
        );
        assert!(
            message(&request(Some(&["a"]), &[], Some("a")))
                .contains("'a' is both a feature (--columns) and the weight (--weight)")
        );
        assert!(
            message(&request(None, &["c"], Some("c")))
                .contains("'c' is both context (--given) and the weight (--weight)")
        );
    }

    #[test]
    fn unknown_columns_are_told_in_every_role() {
        for bad in [
            request(Some(&["z9"]), &[], None),
            request(None, &["z9"], None),
            request(None, &[], Some("z9")),
        ] {
            assert_eq!(message(&bad), "t.csv: no column 'z9'; the columns are a, b, c, w");
        }
    }

    #[test]
    fn something_must_be_left_to_model() {
        let expected = "t.csv: no column is left to model; leave one out of --given and --weight";
        assert_eq!(message(&request(None, &["a", "b", "c"], Some("w"))), expected);
        assert_eq!(message(&request(Some(&[]), &[], None)), expected);
    }

    #[test]
    fn weights_are_at_least_zero_and_not_all_zero() {
        let resolve = |weights: &[f64]| {
            request(None, &[], Some("w")).resolve(&table(weights)).unwrap_err().to_string()
        };
        assert_eq!(
            resolve(&[1.0, -0.5]),
            "t.csv, row 2, column 'w': weight -0.5 is negative or not finite; weights are at \
             least 0"
        );
        assert!(resolve(&[f64::NAN]).contains("row 1, column 'w': weight NaN"));
        assert_eq!(
            resolve(&[0.0, 0.0]),
            "t.csv, column 'w': all weights are zero; at least one row must count"
        );
    }
}
