//! Parameters of a univariate map that are the same for all rows.

use crate::fast::dense::add_row_sums;
use crate::fast::kernel::Pass;
use crate::fast::tile::Column;

/// Free parameters, and where they stand among all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Free {
    pub(super) place: usize,
    pub(super) count: usize,
}

impl Free {
    /// A column for each.
    pub(super) fn fill(&self, pass: &Pass, columns: &mut [Column]) {
        let values = &pass.theta[self.place..self.place + self.count];
        for (column, value) in columns.iter_mut().zip(values) {
            *column = Column::splat(*value);
        }
    }

    /// Adds the gradients of all rows.
    pub(super) fn collect(&self, pass: &Pass, columns: &[Column], gradient: &mut [f32]) {
        let to = &mut gradient[self.place..self.place + self.count];
        add_row_sums(pass.level, &columns[..self.count], to);
    }
}
