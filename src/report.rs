//! The report of a fit: one HTML file that needs nothing beside it.
//!
//! [`Report`] gathers what is known of a fitted model; [`Report::html`] lays it out for a screen, a
//! phone or paper. Nothing in the page is loaded from elsewhere: pictures and style are in the file.

mod checked;
mod data;
mod fitted;
mod judges;
mod numbers;
mod page;
mod pictures;
mod profile;
mod reproduce;
mod scores;

pub use judges::Judges;
pub use pictures::Figure;
pub use profile::{ColumnProfile, Outlier, Profile};

use crate::baselines::Race;
use crate::checks::Certificate;
use diffeo_flows::model::Model;

/// All that a report shows.
///
/// # Example
/// ```no_run
/// use diffeo::flows::model::Model;
/// use diffeo::report::Report;
/// let model = Model::load("runs/two-moons", &candle_core::Device::Cpu)?;
/// let report = Report {
///     parameters: model.params().count(),
///     engine: "fast",
///     command: "diffeo fit two-moons",
///     config: "flow = \"nsf-gmm\"\n",
///     model_path: "runs/two-moons",
///     profile: None,
///     race: None,
///     certificate: None,
///     figures: Vec::new(),
///     model: &model,
/// };
/// std::fs::write("report.html", report.html())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Report<'a> {
    /// The model.
    pub model: &'a Model,
    /// Trained numbers in it.
    pub parameters: usize,
    /// The tier that computes it.
    pub engine: &'a str,
    /// The command that made it, as it can be typed again.
    pub command: &'a str,
    /// The resolved settings, TOML.
    pub config: &'a str,
    /// Where the model lies, as the user named it.
    pub model_path: &'a str,
    /// What the data look like.
    pub profile: Option<Profile>,
    /// The model and its rivals on rows that none of them has seen.
    pub race: Option<&'a Race>,
    /// What was checked.
    pub certificate: Option<&'a Certificate>,
    /// Pictures, in the order they are shown.
    pub figures: Vec<Figure>,
}

impl Report<'_> {
    /// The page.
    pub fn html(&self) -> String {
        page::page(self).into_string()
    }
}
