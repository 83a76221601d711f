//! Invertible linear maps, held as their LU factors.

use super::LayerKind;
use crate::error::Result;
use crate::kinds::Kind;
use crate::nets::LastLayer;
use crate::params::{Buffer, Init, Scope};
use crate::transform::{Direction, FlowOfField, Mapped, Transform, check_points};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The linear map z = L U x + b.
///
/// L is lower triangular with unit diagonal, U upper triangular with diagonal exp(s), so
/// log|det J| = Σ sᵢ. Forward costs two products, the inverse two triangular solves of d steps. Starts
/// at the identity.
///
/// Oliva et al. 2018, *Transformation Autoregressive Networks*, section 3.1; Kingma and Dhariwal
/// 2018, *Glow*, eq. 10.
#[derive(Debug)]
pub struct LuLinear {
    features: usize,
    lower: Tensor,
    upper: Tensor,
    log_diagonal: Tensor,
    shift: Tensor,
    strictly_lower: Buffer,
}

impl LuLinear {
    /// A map of `features` features.
    ///
    /// # Errors
    /// When a parameter's name is taken.
    pub fn new(mut scope: Scope, features: usize, start: LastLayer) -> Result<Self> {
        let d = features;
        let init = || match start {
            LastLayer::Zero => Init::Constant(0.0),
            LastLayer::Scaled => Init::Normal(0.3),
        };
        let (dtype, device) = (scope.dtype(), scope.device().clone());
        let strictly_lower = (Tensor::tril2(d, dtype, &device)? - Tensor::eye(d, dtype, &device)?)?;
        Ok(Self {
            features,
            lower: scope.trainable("lower", (d, d), init())?,
            upper: scope.trainable("upper", (d, d), init())?,
            log_diagonal: scope.trainable("log_diagonal", (1, d), init())?,
            shift: scope.trainable("shift", (1, d), init())?,
            strictly_lower: scope.buffer("strictly_lower", &strictly_lower)?,
        })
    }

    /// The strictly triangular parts of L and U.
    fn triangles(&self) -> Result<(Tensor, Tensor)> {
        let mask = self.strictly_lower.tensor();
        Ok(((&self.lower * &mask)?, (&self.upper * mask.t()?)?))
    }

    fn log_det(&self, rows: usize) -> Result<Tensor> {
        Ok(self.log_diagonal.sum_all()?.reshape(1)?.broadcast_as(rows)?)
    }
}

/// Settings of an [`LuLinear`].
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LuLinearConfig {}

impl Kind for LuLinearConfig {
    const NAME: &'static str = "lu-linear";

    fn examples() -> Vec<Self> {
        vec![Self {}]
    }
}

impl LayerKind for LuLinearConfig {
    fn build(
        &self,
        scope: Scope,
        sizes: (usize, usize),
        last: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        Ok(Box::new(LuLinear::new(scope, sizes.0, last)?))
    }

    fn has_free_scale(&self) -> bool {
        true
    }
}

impl Transform for LuLinear {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("LuLinear::forward", x, self.features)?;
        let x = x.contiguous()?;
        let (lower, upper) = self.triangles()?;
        // Rows are points, so the factors stand transposed on the right.
        let ux = (x.broadcast_mul(&self.log_diagonal.exp()?)? + x.matmul(&upper.t()?)?)?;
        let lux = (&ux + ux.matmul(&lower.t()?)?)?;
        Ok(Mapped { points: lux.broadcast_add(&self.shift)?, log_det: self.log_det(x.dim(0)?)? })
    }

    fn inverse(&self, z: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("LuLinear::inverse", z, self.features)?;
        let (lower, upper) = self.triangles()?;
        let d = self.features;
        let centred = z.broadcast_sub(&self.shift)?;
        let ux = substitute(&centred, &lower, &(0..d).collect::<Vec<_>>())?;
        // U = (I + N) diag with N = U_strict / diag, solved for diag·x from the last feature up.
        let scaled = upper.broadcast_mul(&self.log_diagonal.neg()?.exp()?)?;
        let x = substitute(&ux, &scaled, &(0..d).rev().collect::<Vec<_>>())?;
        let points = x.broadcast_mul(&self.log_diagonal.neg()?.exp()?)?;
        Ok(Mapped { points, log_det: self.log_det(z.dim(0)?)?.neg()? })
    }

    fn initialise(&self, _: &Tensor, _: Option<&Tensor>, _: Direction) -> Result<()> {
        Ok(())
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None
    }
}

/// Solves (I + N) y = b for each row b, N strictly triangular in the given order of solution.
fn substitute(b: &Tensor, strict: &Tensor, order: &[usize]) -> Result<Tensor> {
    let mut columns: Vec<Option<Tensor>> = vec![None; order.len()];
    let mut solved: Vec<(usize, Tensor)> = Vec::new();
    for &i in order {
        let mut column = b.narrow(1, i, 1)?;
        if !solved.is_empty() {
            let known: Vec<&Tensor> = solved.iter().map(|(_, column)| column).collect();
            let row = strict.narrow(0, i, 1)?;
            let weights: Vec<Tensor> = solved
                .iter()
                .map(|(j, _)| row.narrow(1, *j, 1))
                .collect::<candle_core::Result<_>>()?;
            let known = Tensor::cat(&known, 1)?;
            column = (column - known.matmul(&Tensor::cat(&weights, 1)?.t()?)?)?;
        }
        columns[i] = Some(column.clone());
        solved.push((i, column));
    }
    Ok(Tensor::cat(&columns.into_iter().flatten().collect::<Vec<_>>(), 1)?)
}
