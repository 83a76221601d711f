//! What a model says of itself: all that the certificate looks at.

use diffeo_flows::model::{FieldKind, Images, Model, ModelField};
use diffeo_flows::rows::Rows;
use diffeo_flows::{Result, Workers};
use std::borrow::Borrow;
use std::fmt::Debug;

/// Tolerance of a continuous flow where its score is taken: far below the error of a mean over so few
/// samples.
const TOLERANCE: f64 = 1e-4;

/// Tolerance of a continuous flow in double precision: differences of a ten-thousandth leave five
/// digits.
const TIGHT: f64 = 1e-9;

/// What a density claims, in data units; rows carry their context.
///
/// The seam between the checks and models: a claim that is wrong on purpose shows that a check sees it.
pub trait Claims: Debug + Sync {
    /// log p(x | c) of each row, nats, as users get it.
    ///
    /// # Errors
    /// When the model cannot be evaluated.
    fn log_prob(&self, rows: &Rows) -> Result<Vec<f64>>;

    /// n draws, row-major, given a context for each, as users get them.
    ///
    /// # Errors
    /// When the model cannot be evaluated.
    fn sample(&self, n: usize, context: Option<&[f64]>, seed: u64) -> Result<Vec<f64>>;

    /// Latent points z and log|det ∂z/∂x| of rows.
    ///
    /// # Errors
    /// When the model cannot be evaluated.
    fn to_latent(&self, rows: &Rows) -> Result<Images>;

    /// Points x in data units and log|det ∂x/∂z| of latent points.
    ///
    /// # Errors
    /// When the model cannot be evaluated.
    fn to_data(&self, latent: &Rows) -> Result<Images>;

    /// log p_base(z | c) of latent points, nats.
    ///
    /// # Errors
    /// When the model cannot be evaluated.
    fn base_log_prob(&self, latent: &Rows) -> Result<Vec<f64>>;

    /// ∇ log p(x | c) at each row, row-major.
    ///
    /// # Errors
    /// When the model cannot be evaluated.
    fn score(&self, rows: &Rows) -> Result<Vec<f64>>;

    /// The same claims in double precision by tensor operations, the specification; solvers of
    /// continuous flows at a tolerance so tight that they can be differentiated.
    ///
    /// # Errors
    /// When the weights cannot be read.
    fn in_double(&self) -> Result<Box<dyn Claims + '_>>;
}

/// The claims of a [`Model`], borrowed or owned.
#[derive(Debug)]
pub struct ModelClaims<'a, M: Borrow<Model> = &'a Model> {
    /// The model.
    pub model: M,
    /// Who computes.
    pub workers: &'a Workers,
}

impl<M: Borrow<Model> + Debug + Sync> Claims for ModelClaims<'_, M> {
    fn log_prob(&self, rows: &Rows) -> Result<Vec<f64>> {
        self.model.borrow().log_prob_rows(rows, self.workers)
    }

    fn sample(&self, n: usize, context: Option<&[f64]>, seed: u64) -> Result<Vec<f64>> {
        self.model.borrow().sample_rows(n, context, seed, self.workers)
    }

    fn to_latent(&self, rows: &Rows) -> Result<Images> {
        self.model.borrow().to_latent(rows, self.workers)
    }

    fn to_data(&self, latent: &Rows) -> Result<Images> {
        self.model.borrow().to_data(latent, self.workers)
    }

    fn base_log_prob(&self, latent: &Rows) -> Result<Vec<f64>> {
        self.model.borrow().base_log_prob(latent, self.workers)
    }

    fn score(&self, rows: &Rows) -> Result<Vec<f64>> {
        ModelField::within(self.model.borrow(), FieldKind::Score, TOLERANCE)?.at(rows, self.workers)
    }

    fn in_double(&self) -> Result<Box<dyn Claims + '_>> {
        let model = self.model.borrow().in_double_within(TIGHT)?;
        Ok(Box::new(ModelClaims { model, workers: self.workers }))
    }
}
