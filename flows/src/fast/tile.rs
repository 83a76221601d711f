//! Columns: one feature or hidden unit of all rows of a tile.

/// Rows of a tile: enough to keep the products near the machine's peak, few enough for a whole
/// flow's activations to stay in the second-level cache.
pub const ROWS: usize = 64;

/// One number for each row of a tile. Vector instructions work on several rows at once.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub struct Column(pub [f32; ROWS]);

impl Column {
    /// All entries 0.
    pub const ZERO: Self = Self([0.0; ROWS]);

    /// All entries the same.
    pub fn splat(value: f32) -> Self {
        Self([value; ROWS])
    }
}

/// Copies rows of a row-major table `[n, columns]` into a tile; lanes beyond the last row repeat
/// the first one, so that they stay as harmless as it is.
pub fn read_rows<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]> + Clone, tile: &mut [Column]) {
    let Some(first) = rows.clone().next() else { return };
    let padding = ROWS - rows.len();
    for (r, row) in rows.chain(std::iter::repeat_n(first, padding)).enumerate() {
        for (column, value) in tile.iter_mut().zip(row) {
            column.0[r] = *value;
        }
    }
}

/// Copies the first rows of a tile into a row-major table `[n, columns]`.
pub fn write_rows(tile: &[Column], table: &mut [f32]) {
    for (r, row) in table.chunks_exact_mut(tile.len()).enumerate() {
        for (value, column) in row.iter_mut().zip(tile) {
            *value = column.0[r];
        }
    }
}
