//! Sums over the rows of a tile.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]

use crate::fast::simd::{Simd, vectorised};
use crate::fast::tile::Column;

vectorised! {
    /// Adds Σ over rows of each column.
    pub(in crate::fast) fn add_row_sums<S>(s, columns: &[Column], sums: &mut [f32]) {
        let (fours, rest) = columns.as_chunks::<4>();
        let (sums, single) = sums[..columns.len()].split_at_mut(4 * fours.len());
        for (columns, sums) in fours.iter().zip(sums.chunks_exact_mut(4)) {
            let total = [
                lanes_of(s, &columns[0]),
                lanes_of(s, &columns[1]),
                lanes_of(s, &columns[2]),
                lanes_of(s, &columns[3]),
            ];
            add_four(s.sum_each(total), sums);
        }
        for (column, sum) in rest.iter().zip(single) {
            *sum += s.sum(lanes_of(s, column));
        }
    }
}

vectorised! {
    /// The sum over all rows.
    pub(in crate::fast) fn row_sum<S>(s, column: &Column) -> f32 {
        s.sum(lanes_of(s, column))
    }
}

#[inline(always)]
fn add_four(values: [f32; 4], to: &mut [f32]) {
    to.iter_mut().zip(values).for_each(|(to, value)| *to += value);
}

/// The sum of a column's vectors.
#[inline(always)]
fn lanes_of<S: Simd>(s: S, column: &Column) -> S::F {
    (1..S::VECTORS).fold(s.load(column, 0), |sum, v| s.add(sum, s.load(column, v)))
}

/// The sum of the products of two columns' vectors.
#[inline(always)]
fn products_of<S: Simd>(s: S, a: &Column, b: &Column) -> S::F {
    let mut sum = s.mul(s.load(a, 0), s.load(b, 0));
    for v in 1..S::VECTORS {
        sum = s.mul_add(s.load(a, v), s.load(b, v), sum);
    }
    sum
}

/// The sums over rows of the products of one column with each of four.
#[inline(always)]
fn with_four<S: Simd>(s: S, one: &Column, four: &[Column; 4]) -> [f32; 4] {
    s.sum_each([
        products_of(s, one, &four[0]),
        products_of(s, one, &four[1]),
        products_of(s, one, &four[2]),
        products_of(s, one, &four[3]),
    ])
}

vectorised! {
    /// Adds Σ over rows of xᵢ d_yₒ to weight (i, o).
    pub(super) fn add_scalar_products<S>(s, x: &[Column], d_y: &[Column], weights: &mut [f32]) {
        let outputs = d_y.len();
        let (fours, rest) = if outputs < 4 { x.as_chunks::<4>() } else { (&[][..], x) };
        let (first, weights) = weights.split_at_mut(4 * fours.len() * outputs);
        for (x, rows) in fours.iter().zip(first.chunks_exact_mut(4 * outputs)) {
            for (o, d_y) in d_y.iter().enumerate() {
                for (row, sum) in rows.chunks_exact_mut(outputs).zip(with_four(s, d_y, x)) {
                    row[o] += sum;
                }
            }
        }
        let (fours, single) = d_y.as_chunks::<4>();
        for (x, row) in rest.iter().zip(weights.chunks_exact_mut(outputs)) {
            let (row, end) = row.split_at_mut(4 * fours.len());
            for (d_y, row) in fours.iter().zip(row.chunks_exact_mut(4)) {
                add_four(with_four(s, x, d_y), row);
            }
            for (d_y, weight) in single.iter().zip(end) {
                *weight += s.sum(products_of(s, x, d_y));
            }
        }
    }
}
