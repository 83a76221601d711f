//! Draws densities, samples, flows and training runs: plain arrays in, a PNG or SVG out.
//!
//! Every figure is a builder that implements [`Figure`]; [`Figure::save`] picks the format by the
//! extension of the file. Lengths are points of 1/96 inch, a PNG has two pixels a point unless the
//! [`Theme`] says otherwise: [`Theme::for_print`] has four, [`Theme::millimetres_wide`] sets the width
//! of figures on paper. Values that are not finite are left out or count as zero, never a
//! panic. The fonts are built in, so that pictures look the same on a machine without any.
//!
//! | figure | shows |
//! |---|---|
//! | [`DensityMap`] | a density of the plane, or its logarithm, with highest-density contours |
//! | [`FieldMap`] | a vector field over the plane, as arrows or streamlines |
//! | [`FieldPanels`] | several vector fields, or two and their difference |
//! | [`ScalarMap`] | values over the plane: divergence, curl, log-determinant, singular value |
//! | [`Surface`] | a function of the plane, as an energy, in space |
//! | [`DensityCurve`] | a density of the line, or its logarithm, over histogram and rug of the data; highest-density regions |
//! | [`Samples`] | data beside samples of models |
//! | [`Corner`] | all pairs of columns, data and model |
//! | [`Residuals`] | data, model and their difference in standard errors, bin by bin |
//! | [`Calibration`] | ranks of data under a model, coverage of its regions, ranks in each column |
//! | [`Scores`] | log-likelihoods of several models: a table and paired differences to the best |
//! | [`Training`] | losses against steps, the best step marked; learning rate, evaluations |
//! | [`FlowStages`] | a grid carried from latent to data space, layer by layer; samples from noise to data |
//! | [`Trajectories`] | points carried through time |
//!
//! An [`Animation`] shows scenes after each other in a GIF.
//!
//! ```
//! use diffeo_plots::{Figure, Training};
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("training.png");
//! let figure = Training::new(&[(0.0, 3.0), (100.0, 2.4)]).held_out(&[(0.0, 3.1), (100.0, 2.5)]);
//! figure.title("two moons").save(path)?;
//! # Ok::<(), diffeo_plots::PlotError>(())
//! ```

mod animation;
mod axes;
mod colour;
mod colour_map;
mod draw;
mod error;
mod figure;
mod figures;
mod palette;
mod ramp;
mod stats;
mod theme;

pub use animation::Animation;
pub use colour::Colour;
pub use colour_map::ColourMap;
pub use draw::{Distance, Picture, Scene};
pub use error::{PlotError, Result};
pub use figure::Figure;
pub use figures::{
    Calibration, Corner, DensityCurve, DensityMap, FieldMap, FieldPanel, FieldPanels, FieldStyle,
    FlowStages, Residuals, Samples, ScalarMap, Scores, Stage, Surface, Training, Trajectories,
    latent_grid,
};
pub use stats::{Grid, Points, VectorGrid};
pub use theme::Theme;
