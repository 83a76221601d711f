//! The inputs that tell a network the time.

use crate::fast::tile::Column;
use crate::fields::TimeForm;

/// The time inputs of rows with a time each, a column for each input.
///
/// sin kα and cos kα follow from those of (k − 1) α: one evaluation of each for a row.
pub(super) fn time_columns(form: TimeForm, times: &[f64], columns: &mut [Column]) {
    match form {
        TimeForm::ConcatSquash => {}
        TimeForm::Concat => {
            for (entry, t) in columns.iter_mut().flat_map(|column| column.0.iter_mut().zip(times)) {
                *entry = *t as f32;
            }
        }
        TimeForm::Fourier { .. } => {
            for (r, t) in times.iter().enumerate() {
                let (sin, cos) = (std::f64::consts::PI * t).sin_cos();
                let (mut a, mut b) = (sin, cos);
                for pair in columns.chunks_exact_mut(2) {
                    (pair[0].0[r], pair[1].0[r]) = (a as f32, b as f32);
                    (a, b) = (a * cos + b * sin, b * cos - a * sin);
                }
            }
        }
    }
}
