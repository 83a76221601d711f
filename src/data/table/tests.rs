use super::*;

fn table(columns: &[&str], values: &[f64]) -> Table {
    let columns = columns.iter().map(ToString::to_string).collect();
    Table::new("t.csv", columns, values.to_vec()).unwrap()
}

fn abc() -> Table {
    table(&["a", "b", "c"], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
}

#[test]
fn shape_and_columns_are_as_given() {
    let table = abc();
    assert_eq!((table.rows(), table.width(), table.source()), (2, 3, "t.csv"));
    assert_eq!(table.column(1).collect::<Vec<_>>(), [2.0, 5.0]);
    assert_eq!(table.column(3).count(), 0);
    assert_eq!(table.position("c").unwrap(), 2);
}

#[test]
fn select_keeps_the_order_asked_for() {
    assert_eq!(abc().select(&["c", "a"]).unwrap(), table(&["c", "a"], &[3.0, 1.0, 6.0, 4.0]));
}

#[test]
fn without_keeps_the_rest() {
    assert_eq!(abc().without(&["b"]).unwrap(), table(&["a", "c"], &[1.0, 3.0, 4.0, 6.0]));
    assert!(matches!(abc().without(&["a", "b", "c"]), Err(DataError::Empty { .. })));
}

#[test]
fn a_missing_column_is_told_with_file_name_and_choice() {
    let message = abc().select(&["a", "d"]).unwrap_err().to_string();
    assert!(message.starts_with("t.csv: no column 'd'"), "{message}");
    assert!(message.ends_with("the columns are a, b, c"), "{message}");
}

#[test]
fn subset_takes_rows_in_order_and_refuses_those_beyond_the_end() {
    assert_eq!(
        abc().subset(&[1, 1, 0]).unwrap().values(),
        [4.0, 5.0, 6.0, 4.0, 5.0, 6.0, 1.0, 2.0, 3.0]
    );
    let message = abc().subset(&[2]).unwrap_err().to_string();
    assert_eq!(message, "t.csv: row 2 asked for, but there are 2; rows count from 0 here");
}

#[test]
fn concat_needs_the_same_columns() {
    assert_eq!(abc().concat(&abc()).unwrap().rows(), 4);
    let message = abc().concat(&table(&["a", "z"], &[])).unwrap_err().to_string();
    assert_eq!(
        message,
        "t.csv: the columns are a, z, but t.csv has a, b, c; select the same ones with --columns"
    );
}

#[test]
fn new_refuses_partial_rows_and_shared_names() {
    let partial = Table::new("t", vec!["a".into(), "b".into()], vec![1.0]).unwrap_err();
    assert_eq!(partial.to_string(), "t: 1 values do not fill rows of 2 columns; pass whole rows");
    let twice = Table::new("t", vec!["a".into(), "a".into()], vec![]).unwrap_err();
    assert_eq!(twice.to_string(), "t: column 'a' appears twice; rename or drop one of them");
    assert!(matches!(Table::new("t", vec![], vec![]), Err(DataError::Empty { .. })));
}

#[test]
fn a_constant_column_is_named_with_its_value() {
    abc().require_varying(abc().columns()).unwrap();
    let message =
        table(&["a", "b"], &[1.0, 7.5, 2.0, 7.5]).require_varying(&["a", "b"]).unwrap_err();
    assert_eq!(
        message.to_string(),
        "t.csv: column 'b' is 7.5 in every row, so it has no density; remove it with --columns"
    );
    assert!(matches!(table(&["a"], &[]).require_varying(&["a"]), Err(DataError::NoRows { .. })));
}

#[test]
fn hash_sees_names_values_and_shape_but_not_the_source() {
    let hash = abc().hash();
    let renamed = table(&["a", "b", "d"], abc().values()).hash();
    let changed = table(&["a", "b", "c"], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0 + 1e-15]).hash();
    let elsewhere = Table::new("other", abc().columns().to_vec(), abc().into_values()).unwrap();
    let regrouped = table(&["ab", "c", ""], abc().values()).hash();
    assert_eq!(hash, elsewhere.hash());
    assert!([renamed, changed, regrouped].iter().all(|other| *other != hash));
}

#[test]
fn hash_is_pinned() {
    assert_eq!(abc().hash(), "323b4af33cc1f0f580c82b6155c6a096d22633c0a9a3c60534fe5f37035cf71f");
}
