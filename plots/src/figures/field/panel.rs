//! Holds a vector field with its title.

use super::behind::{Behind, behind_setters};
use crate::VectorGrid;

/// One panel of [`FieldPanels`](crate::FieldPanels): a vector field, its title, and what lies behind it.
///
/// # Example
/// ```
/// use diffeo_plots::{FieldPanel, Grid, VectorGrid};
/// let field = VectorGrid::new(&[[1.0, 0.0]; 4], [2, 2], (0.0, 1.0), (0.0, 1.0))?;
/// let density = Grid::new(&[1.0, 1.0, 2.0, 4.0], [2, 2], (0.0, 1.0), (0.0, 1.0))?;
/// let panel = FieldPanel::new("σ = 0.5", field).density(density);
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FieldPanel {
    pub(super) name: String,
    pub(super) field: VectorGrid,
    pub(super) behind: Behind,
}

impl FieldPanel {
    /// A field with a title, as in "σ = 0.5" or "model".
    pub fn new(name: &str, field: VectorGrid) -> Self {
        Self { name: name.to_owned(), field, behind: Behind::default() }
    }

    behind_setters!();
}
