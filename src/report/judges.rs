//! The rows that judge a model.

use diffeo_flows::model::RowCounts;

/// The rows that a fit judges its model by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judges {
    /// Test rows, which had no part in making the model.
    Test,
    /// The validation rows, by which the weights were chosen.
    Valid,
    /// The training rows, where no others are.
    Train,
}

impl Judges {
    /// The most independent rows there are.
    ///
    /// # Example
    /// ```
    /// use diffeo::flows::model::RowCounts;
    /// use diffeo::report::Judges;
    /// let rows = RowCounts { train: 80, valid: 20, test: 0 };
    /// assert_eq!(Judges::of(&rows), Judges::Valid);
    /// ```
    pub fn of(rows: &RowCounts) -> Self {
        match rows {
            RowCounts { test: 1.., .. } => Self::Test,
            RowCounts { valid: 1.., .. } => Self::Valid,
            _ => Self::Train,
        }
    }

    /// What these rows are.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "the test rows",
            Self::Valid => "the rows that chose the weights",
            Self::Train => "the training rows",
        }
    }

    /// What their verdict is worth.
    pub fn worth(self) -> &'static str {
        match self {
            Self::Test => "held out from training and from the choice of the weights",
            Self::Valid => "for lack of others: a little optimistic",
            Self::Train => "for lack of others: optimistic",
        }
    }
}
