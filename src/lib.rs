//! diffeo fits a normalized probability density to data, checks it and draws it.
//!
//! This crate is the toolkit around the library: it reads tables and re-exports
//! [`diffeo_flows`] (the mathematics) as [`flows`] and [`diffeo_plots`] (the pictures) as [`plots`].
//!
//! ```
//! use diffeo::flows::fit::{Fit, Parts};
//! use diffeo::flows::{Workers, rows::Rows, train::Quiet};
//! // Rows in the units of the data, row-major.
//! let rows = Rows::new(2, (0..400).map(|i| (f64::from(i) * 0.7).sin()).collect())?;
//! let mut fit = Fit::new("nsf")?;
//! fit.config.steps = 10;
//! let parts = Parts { train: &rows, valid: None, test: None };
//! let workers = Workers::new(1)?;
//! let (model, _) = fit.run(parts, None, &workers, &mut Quiet)?;
//! let log_prob: Vec<f64> = model.log_prob_rows(&rows, &workers)?; // nats
//! let samples: Vec<f64> = model.sample_rows(100, None, 7, &workers)?;
//! # assert!(log_prob.len() == 200 && samples.len() == 200);
//! # Ok::<(), diffeo::flows::Error>(())
//! ```

pub mod baselines;
pub mod checks;
pub mod data;
pub mod outliers;
pub mod pictures;
pub mod report;
pub mod seen;
pub mod selection;

pub use diffeo_flows as flows;
pub use diffeo_plots as plots;
