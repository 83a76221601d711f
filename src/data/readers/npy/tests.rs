use super::*;

/// The bytes of a `.npy` file.
pub(crate) fn file(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes.extend(data);
    bytes
}

fn open(bytes: &[u8]) -> Result<NpyRows<&[u8]>, DataError> {
    NpyRows::new("f.npy", bytes, Some(bytes.len() as u64), None)
}

fn read(bytes: &[u8]) -> Result<Vec<f64>, DataError> {
    Ok(open(bytes)?.buffered()?.values)
}

fn message(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn every_type_is_read_in_both_byte_orders() {
    macro_rules! check {
        ($($descr:literal $type:ty: $low:expr, $high:expr;)*) => {$(
            let values: [$type; 2] = [$low, $high];
            #[allow(clippy::cast_lossless, reason = "lossless for some of the types only")]
            let expected = [$low as f64, $high as f64];
            let little: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            let big: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
            let name = |order| format!("{order}{}", $descr);
            assert_eq!(read(&file(&name("<"), false, "(2,)", &little)).unwrap(), expected);
            assert_eq!(read(&file(&name(">"), false, "(2,)", &big)).unwrap(), expected);
        )*};
    }
    check! {
        "f4" f32: -1.5_f32, f32::MAX;
        "f8" f64: -1.5_f64, f64::MIN_POSITIVE;
        "i1" i8: i8::MIN, i8::MAX;
        "i2" i16: i16::MIN, i16::MAX;
        "i4" i32: i32::MIN, i32::MAX;
        "i8" i64: i64::MIN, 1_i64 << 53;
        "u1" u8: 0_u8, u8::MAX;
        "u2" u16: 1_u16, u16::MAX;
        "u4" u32: 1_u32, u32::MAX;
        "u8" u64: 1_u64, 1_u64 << 63;
    }
    assert_eq!(read(&file("|b1", false, "(2,)", &[1, 0])).unwrap(), [1.0, 0.0]);
}

#[test]
fn both_orders_give_the_same_rows() {
    let c = file("|u1", false, "(2, 3)", &[1, 2, 3, 4, 5, 6]);
    let fortran = file("|u1", true, "(2, 3)", &[1, 4, 2, 5, 3, 6]);
    assert_eq!(read(&c).unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(read(&fortran).unwrap(), read(&c).unwrap());
    let wanted = ["x3".to_owned(), "x1".to_owned()];
    for bytes in [c, fortran] {
        let rows = NpyRows::new("f", &bytes[..], None, Some(&wanted)).unwrap();
        assert_eq!(rows.columns, wanted);
        assert_eq!(rows.buffered().unwrap().values, [3.0, 1.0, 6.0, 4.0]);
    }
}

#[test]
fn rows_come_in_pieces() {
    let bytes = file("|u1", false, "(5, 2)", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let sources: [Box<dyn RowReader>; 2] =
        [Box::new(open(&bytes).unwrap()), Box::new(open(&bytes).unwrap().buffered().unwrap())];
    for mut rows in sources {
        let mut sizes = Vec::new();
        let mut values = Vec::new();
        for _ in 0..4 {
            sizes.push(rows.read_rows(2, &mut values, &mut Vec::new()).unwrap());
        }
        assert_eq!(sizes, [2, 2, 1, 0]);
        assert_eq!(values, (0..10).map(f64::from).collect::<Vec<_>>());
    }
}

#[test]
fn a_header_that_claims_too_much_is_refused_before_memory_is_taken() {
    let bytes = file("<f8", false, "(1000000000000, 10)", &[0; 72]);
    assert_eq!(
        message(&bytes),
        "f.npy: truncated: the header announces 80000000000000 bytes of data, found 72; copy the \
         file again"
    );
    let one_short = file("<f4", true, "(3, 2)", &[0; 23]);
    assert!(message(&one_short).contains("announces 24 bytes of data, found 23"));
    let wide = file("|u1", false, "(1, 99999999999)", &[]);
    let unknown = NpyRows::new("f.npy", &wide[..], None, None).unwrap_err();
    assert!(unknown.to_string().contains("99999999999 columns are too many"));
    let long = file("|u1", false, "(99999999999, 1)", &[7; 10]);
    for fortran in [false, true] {
        let long =
            if fortran { file("|u1", true, "(99999999999, 2)", &[7; 10]) } else { long.clone() };
        let unknown = NpyRows::new("f.npy", &long[..], None, None).unwrap().buffered();
        assert!(unknown.unwrap_err().to_string().contains("it ends before its last row"));
    }
}

#[test]
fn a_value_that_is_not_finite_is_placed() {
    let infinite = [1.0, 2.0, 3.0, f64::INFINITY];
    let data: Vec<u8> = infinite.iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(
        message(&file("<f8", false, "(2, 2)", &data)),
        "f.npy, row 2, column 'x2': inf is not finite; drop the row or impute it"
    );
    assert!(message(&file("<f8", true, "(4, 1)", &data)).contains("row 4, column 'x1'"));
    assert!(message(&file("<f8", true, "(2, 2)", &data)).contains("row 2, column 'x2'"));
}

#[test]
fn nan_is_a_gap_wherever_the_pieces_end() {
    let values = [1.0, 2.0, 3.0, f64::NAN, f64::NAN, 5.0];
    let data: Vec<u8> = values.iter().flat_map(|v: &f64| v.to_le_bytes()).collect();
    let bytes = file("<f8", false, "(3, 2)", &data);
    let sources: [Box<dyn RowReader>; 2] =
        [Box::new(open(&bytes).unwrap()), Box::new(open(&bytes).unwrap().buffered().unwrap())];
    for mut rows in sources {
        let (mut values, mut gaps) = (Vec::new(), Vec::new());
        while rows.read_rows(2, &mut values, &mut gaps).unwrap() > 0 {}
        let second = Gap { row: 1, place: Place::Row(2), column: 1 };
        assert_eq!(gaps, [second, Gap { row: 0, place: Place::Row(3), column: 0 }]);
    }
}

#[test]
fn empty_arrays_are_told() {
    for shape in ["(0, 3)", "(3, 0)", "(0,)"] {
        assert!(matches!(read(&file("<f8", false, shape, &[])), Err(DataError::NoRows { .. })));
    }
    assert!(message(&[]).contains("the file is empty"));
}

#[test]
fn flipped_bytes_never_panic() {
    for fortran in [false, true] {
        let bytes = file("<i2", fortran, "(3, 2)", &[9; 12]);
        for index in 0..bytes.len() {
            for mask in 1..=u8::MAX {
                let mut damaged = bytes.clone();
                damaged[index] ^= mask;
                let _ = read(&damaged);
                let unknown = NpyRows::new("f.npy", &damaged[..], None, None);
                let _ = unknown.and_then(NpyRows::buffered);
            }
        }
    }
}
