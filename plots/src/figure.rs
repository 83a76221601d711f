//! Draws and saves any figure.

use std::path::Path;

use crate::{Picture, Result, Scene};

/// A figure that can lay itself out; drawing and saving follow from that.
///
/// The same figure always gives the same bytes.
pub trait Figure {
    /// Computes positions, ticks, contours and texts, without painting.
    ///
    /// # Errors
    /// What is wrong with the figure's data, see [`PlotError`](crate::PlotError).
    fn scene(&self) -> Result<Scene>;

    /// Paints the figure into pixels.
    ///
    /// # Errors
    /// Those of [`Figure::scene`].
    fn picture(&self) -> Result<Picture> {
        self.scene()?.picture()
    }

    /// Writes the figure to a `.png` or `.svg` file, replacing it in one step if it exists.
    ///
    /// # Errors
    /// [`Extension`](crate::PlotError::Extension), [`Io`](crate::PlotError::Io) with the path, and
    /// those of [`Figure::scene`].
    ///
    /// # Example
    /// ```
    /// use diffeo_plots::{Figure, PlotError, Training};
    /// let figure = Training::new(&[(0.0, 3.0), (1.0, 2.5), (2.0, 2.2)]);
    /// assert!(matches!(figure.save("run/training.pdf"), Err(PlotError::Extension { .. })));
    /// ```
    fn save(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        self.scene()?.save(path)
    }
}
