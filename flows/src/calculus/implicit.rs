//! Roots and fixed points as differentiable functions of what their equations contain.
//!
//! A solver runs outside any gradient. One Newton step from its solution, in ordinary operations
//! and with the inverse derivative held constant, leaves the value where it is and has the
//! derivative of the implicit function theorem, dy/dx = −F_y⁻¹ F_x; nothing is unrolled. First
//! derivatives only: the constant hides the second.
//!
//! Krantz and Parks 2002, *The Implicit Function Theorem*; Bai, Kolter and Koltun 2019, *Deep
//! Equilibrium Models*.

use super::Dual;
use super::jacobian::{direction, matrices};
use crate::error::{Error, Result};
use crate::params::to_f64;
use crate::transform::check_points;
use candle_core::{DType, Device, Tensor};
use nalgebra::{DMatrix, DVector};

/// Newton's method kept inside a bracket, for a scalar equation at each row.
#[derive(Debug, Clone, Copy)]
pub struct ScalarRoot {
    /// Where a root is looked for: the equation changes sign between the ends.
    pub bracket: [f64; 2],
    /// Largest last step of a solution, relative to max(1, |y|); never less than four roundings of
    /// the equation's dtype.
    pub tolerance: f64,
    /// Most evaluations.
    pub iterations: usize,
}

impl ScalarRoot {
    /// Roots in this bracket, to 1e-13 or what the dtype can hold, in at most 200 evaluations.
    pub fn within(bracket: [f64; 2]) -> Self {
        Self { bracket, tolerance: 1e-13, iterations: 200 }
    }
}

/// y with F(y, x) = 0 at each row, `[n, 1]`, differentiable in all that F contains.
///
/// `equation` maps y `[n, 1]` to F `[n, 1]`; `like` gives the number of rows and the dtype. A row
/// stops at its own root: where the equation keeps rows apart, so does the solution.
///
/// # Example
/// ```
/// use candle_core::{Device, Var};
/// use diffeo_flows::calculus::{Dual, ScalarRoot, scalar_root};
/// // The upper unit circle: dy/dx = −x/y.
/// let x = Var::new(&[[0.6f64]], &Device::Cpu)?;
/// let circle = |y: &Dual| y.sqr()?.shift(&x.sqr()?.affine(1.0, -1.0)?);
/// let y = scalar_root(circle, &x, ScalarRoot::within([0.0, 2.0]))?;
/// let slope = y.sum_all()?.backward()?.get(&x).unwrap().to_vec2::<f64>()?[0][0];
/// assert!((slope + 0.75).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] where F does not change sign over the bracket, no root is found, or it is not
/// simple: ∂F/∂y = 0.
pub fn scalar_root(
    equation: impl Fn(&Dual) -> Result<Dual>,
    like: &Tensor,
    options: ScalarRoot,
) -> Result<Tensor> {
    let rows = like.dim(0)?;
    let at = |y: Vec<f64>| -> Result<Dual> {
        let y = Tensor::from_vec(y, (rows, 1), &Device::Cpu)?;
        let y = y.to_dtype(like.dtype())?.to_device(like.device())?;
        Dual::new(y.clone(), y.ones_like()?)
    };
    let tolerance = options.tolerance.max(4.0 * rounding(like.dtype()));
    let options = ScalarRoot { tolerance, ..options };
    let root = at(bracketed_newton(|y| equation(&at(y)?), rows, options)?)?;
    let image = equation(&root)?;
    if to_f64(&image.tangent)?.iter().any(|slope| !slope.is_normal()) {
        let problem = "∂F/∂y is 0 or not finite at a root";
        return Err(Error::data("scalar root", problem, "look for a simple root"));
    }
    Ok((root.value - (image.value / image.tangent.detach())?)?)
}

fn rounding(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::EPSILON,
        _ => f64::from(f32::EPSILON),
    }
}

fn bracketed_newton(
    evaluate: impl Fn(Vec<f64>) -> Result<Dual>,
    rows: usize,
    options: ScalarRoot,
) -> Result<Vec<f64>> {
    let [low, high] = options.bracket;
    let mut sides = signed_sides(&evaluate, rows, options.bracket)?;
    let mut y = vec![f64::midpoint(low, high); rows];
    // 0 once a row has its root.
    let mut steps = vec![(high - low).abs(); rows];
    for _ in 0..options.iterations {
        let image = evaluate(y.clone())?;
        let (values, slopes) = (to_f64(&image.value)?, to_f64(&image.tangent)?);
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Error::data("scalar root", "a value is not finite", "narrow the bracket"));
        }
        for row in 0..rows {
            if steps[row] <= 0.0 {
                continue;
            }
            let scale = y[row].abs().max(1.0);
            let (value, newton) = (values[row], -values[row] / slopes[row]);
            let step = step(y[row], value, newton, &mut sides[row], steps[row], options.tolerance);
            let last = step.abs() <= options.tolerance * scale;
            steps[row] = if last { 0.0 } else { step.abs() };
            y[row] += step;
        }
        if steps.iter().all(|step| *step <= 0.0) {
            return Ok(y);
        }
    }
    Err(Error::data("scalar root", "no convergence", "allow more iterations or a larger tolerance"))
}

/// The ends of the bracket at each row: where F ≤ 0 and where F ≥ 0.
fn signed_sides(
    evaluate: &impl Fn(Vec<f64>) -> Result<Dual>,
    rows: usize,
    [low, high]: [f64; 2],
) -> Result<Vec<[f64; 2]>> {
    let (at_low, at_high) =
        (to_f64(&evaluate(vec![low; rows])?.value)?, to_f64(&evaluate(vec![high; rows])?.value)?);
    let one_sided = |product: f64| product > 0.0 || product.is_nan();
    if let Some(row) = (0..rows).find(|&r| one_sided(at_low[r] * at_high[r])) {
        let problem = format!("no change of sign over {low} … {high} at row {row}");
        return Err(Error::data("scalar root", problem, "widen the bracket"));
    }
    let sides = at_low.iter().zip(&at_high);
    Ok(sides.map(|(a, b)| if a <= b { [low, high] } else { [high, low] }).collect())
}

/// Newton's step while it stays in the bracket and halves, or is small enough to be the last;
/// else to the middle. The side of the bracket that y replaces is moved to it.
fn step(y: f64, value: f64, newton: f64, sides: &mut [f64; 2], last: f64, tolerance: f64) -> f64 {
    if value.abs() <= 0.0 {
        return 0.0;
    }
    sides[usize::from(value > 0.0)] = y;
    let (low, high) = (sides[0].min(sides[1]), sides[0].max(sides[1]));
    let inside = y + newton >= low && y + newton <= high;
    let halves = inside && newton.abs() <= 0.5 * last;
    if halves || newton.abs() <= tolerance * y.abs().max(1.0) {
        return newton;
    }
    f64::midpoint(low, high) - y
}

/// Anderson acceleration of z ← g(z): extrapolation over the last few residuals, row by row.
///
/// Anderson 1965, *Iterative Procedures for Nonlinear Integral Equations*; Walker and Ni 2011.
#[derive(Debug, Clone, Copy)]
pub struct Anderson {
    /// Differences of iterates that are remembered; 0 is the plain iteration.
    pub memory: usize,
    /// Largest entry of g(z) − z at a solution, relative to max(1, |z|).
    pub tolerance: f64,
    /// Most evaluations.
    pub iterations: usize,
}

impl Default for Anderson {
    fn default() -> Self {
        Self { memory: 5, tolerance: 1e-12, iterations: 500 }
    }
}

/// z with z = g(z, x) at each row, `[n, d]`, differentiable in all that g contains.
///
/// `map` is z `[n, d]` → g `[n, d]`, `start` `[n, d]` where the iteration begins. The derivative
/// (I − ∂g/∂z)⁻¹ ∂g/∂x costs d tangents and a d × d inverse at each row.
///
/// # Example
/// ```
/// use candle_core::{Device, Var};
/// use diffeo_flows::calculus::{Anderson, Dual, fixed_point};
/// // z = z/2 + x: z = 2x.
/// let x = Var::new(&[[3f64]], &Device::Cpu)?;
/// let map = |z: &Dual| z.scale(0.5)?.shift(&x);
/// let z = fixed_point(map, &x.zeros_like()?, Anderson::default())?;
/// let slope = z.sum_all()?.backward()?.get(&x).unwrap().to_vec2::<f64>()?[0][0];
/// assert!((slope - 2.0).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] when the iteration does not converge or I − ∂g/∂z is singular.
pub fn fixed_point(
    map: impl Fn(&Dual) -> Result<Dual>,
    start: &Tensor,
    options: Anderson,
) -> Result<Tensor> {
    let (rows, d) = start.dims2()?;
    check_points("fixed_point", start, d)?;
    let tensor = |z: Vec<f64>| -> Result<Tensor> {
        let z = Tensor::from_vec(z, (rows, d), &Device::Cpu)?;
        Ok(z.to_dtype(start.dtype())?.to_device(start.device())?)
    };
    let image = |z: Vec<f64>| to_f64(&map(&Dual::constant(&tensor(z)?)?)?.value);
    let z = tensor(iterate(image, to_f64(&start.detach())?, d, options)?)?;

    let columns: Vec<Tensor> = (0..d)
        .map(|j| Ok(map(&Dual::new(z.clone(), direction(&z, j)?)?)?.tangent))
        .collect::<Result<_>>()?;
    let mut inverses: Vec<f64> = Vec::with_capacity(rows * d * d);
    for jacobian in matrices(&Tensor::stack(&columns, 2)?)? {
        let inverse = (DMatrix::identity(d, d) - jacobian).try_inverse().ok_or_else(|| {
            Error::data("fixed point", "I − ∂g/∂z is singular", "use a contraction")
        })?;
        inverses.extend(inverse.transpose().iter());
    }
    let inverses = Tensor::from_vec(inverses, (rows, d, d), &Device::Cpu)?;
    let inverses = inverses.to_dtype(start.dtype())?.to_device(start.device())?;
    let residual = (map(&Dual::constant(&z)?)?.value - &z)?.unsqueeze(2)?;
    Ok((z + inverses.matmul(&residual)?.squeeze(2)?)?)
}

/// One row's last iterate and residual, and their remembered differences.
#[derive(Default)]
struct History {
    last: Option<(DVector<f64>, DVector<f64>)>,
    steps: Vec<DVector<f64>>,
    changes: Vec<DVector<f64>>,
}

fn iterate(
    image: impl Fn(Vec<f64>) -> Result<Vec<f64>>,
    mut z: Vec<f64>,
    d: usize,
    options: Anderson,
) -> Result<Vec<f64>> {
    let mut histories: Vec<History> = z.chunks(d).map(|_| History::default()).collect();
    for _ in 0..options.iterations {
        let g = image(z.clone())?;
        let error = g.iter().zip(&z).map(|(g, z)| (g - z).abs() / z.abs().max(1.0));
        // A sum, so that NaN is seen.
        if error.clone().fold(0.0, f64::max) <= options.tolerance && error.sum::<f64>().is_finite()
        {
            return Ok(g);
        }
        for ((z, g), history) in z.chunks_mut(d).zip(g.chunks(d)).zip(&mut histories) {
            let (at, to) = (DVector::from_column_slice(z), DVector::from_column_slice(g));
            z.copy_from_slice(history.next(&at, &to, options.memory).as_slice());
        }
    }
    Err(Error::data("fixed point", "no convergence", "use a contraction or more iterations"))
}

impl History {
    /// g − (ΔZ + ΔR) γ with γ the least squares solution of ΔR γ = r.
    fn next(&mut self, z: &DVector<f64>, g: &DVector<f64>, memory: usize) -> DVector<f64> {
        let residual = g - z;
        if let Some((last, last_residual)) = self.last.replace((z.clone(), residual.clone())) {
            self.steps.push(z - last);
            self.changes.push(&residual - last_residual);
        }
        while self.changes.len() > memory.min(z.len()) {
            self.steps.remove(0);
            self.changes.remove(0);
        }
        if self.changes.is_empty() {
            return g.clone();
        }
        let changes = DMatrix::from_columns(&self.changes);
        let steps = DMatrix::from_columns(&self.steps);
        let svd = changes.clone().svd(true, true);
        let cut = 1e-12 * svd.singular_values.max();
        match svd.solve(&residual, cut) {
            Ok(weights) => g - (steps + changes) * weights,
            Err(_) => g.clone(),
        }
    }
}
