//! Columns: one feature or hidden unit of all rows of a tile.

use super::simd::{Level, vectorised};

/// Rows of a tile: enough to keep the products near the machine's peak, few enough for a whole
/// flow's activations to stay in the second-level cache.
pub(super) const ROWS: usize = 64;

/// Columns below which a table is turned around number by number.
const FEW: usize = 6;

/// One number for each row of a tile. Vector instructions work on several rows at once.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Column(pub(super) [f32; ROWS]);

impl Column {
    /// All entries 0.
    pub(super) const ZERO: Self = Self([0.0; ROWS]);

    /// All entries the same.
    pub(super) fn splat(value: f32) -> Self {
        Self([value; ROWS])
    }
}

/// Copies rows of a row-major table `[n, columns]` into a tile; lanes beyond the last row repeat
/// the first one, so that they stay as harmless as it is.
pub(super) fn read_rows<'a>(
    level: Level,
    rows: impl ExactSizeIterator<Item = &'a [f32]> + Clone,
    tile: &mut [Column],
) {
    let Some(first) = rows.clone().next() else { return };
    let padding = ROWS - rows.len();
    let rows = rows.chain(std::iter::repeat_n(first, padding)).enumerate();
    if tile.len() < FEW {
        for (r, row) in rows {
            for (column, value) in tile.iter_mut().zip(row) {
                column.0[r] = *value;
            }
        }
        return;
    }
    let (mut square, mut turned) = ([Column::ZERO; ROWS], [Column::ZERO; ROWS]);
    for (group, tile) in tile.chunks_mut(ROWS).enumerate() {
        for (r, row) in rows.clone() {
            let row = &row[group * ROWS..group * ROWS + tile.len()];
            square[r].0[..row.len()].copy_from_slice(row);
        }
        transpose(level, &square, &mut turned);
        tile.copy_from_slice(&turned[..tile.len()]);
    }
}

/// Copies the first rows of a tile into a row-major table `[n, columns]`.
pub(super) fn write_rows(level: Level, tile: &[Column], table: &mut [f32]) {
    let columns = tile.len();
    if columns < FEW {
        for (r, row) in table.chunks_exact_mut(columns).enumerate() {
            for (value, column) in row.iter_mut().zip(tile) {
                *value = column.0[r];
            }
        }
        return;
    }
    let mut turned = [Column::ZERO; ROWS];
    for (group, tile) in tile.chunks(ROWS).enumerate() {
        transpose(level, tile, &mut turned);
        for (row, turned) in table.chunks_exact_mut(columns).zip(&turned) {
            row[group * ROWS..group * ROWS + tile.len()].copy_from_slice(&turned.0[..tile.len()]);
        }
    }
}

vectorised! {
    fn transpose<S>(s, from: &[Column], to: &mut [Column; ROWS]) {
        s.transpose(from, to);
    }
}
