//! No NaN, in values or gradients, however far the points and however wild the parameters.

use super::model::{BOTH, Model, flat};
use super::{Outcome, for_cases, for_every_case};
use crate::catalogue::{Case, TAIL_BOUND};
use candle_core::{DType, Tensor, Var};
use diffeo_flows::Result;

/// Edges of splines, zero, tails.
const POINTS: [f64; 9] = [0.0, TAIL_BOUND, -TAIL_BOUND, 1.5, -1.5, 8.0, -8.0, 1e-30, -2.999_999_9];
/// Outliers.
const FAR: [f64; 4] = [1e6, -1e6, 0.0, 1e3];
/// Parameters of a conditioner that has run away. The products of several layers of 1e3 overflow
/// f32 by definition, so there 50 has to do; in autoregressive inverses, where each feature grows by
/// such a product of the one before, 20.
fn wild(case: &Case, dtype: DType) -> [Vec<f64>; 2] {
    let size = match dtype {
        DType::F32 if case.triangular => 20.0,
        DType::F32 => 50.0,
        _ => 1e3,
    };
    [vec![size, -size], vec![size, -size, 0.0, 1.0]]
}

#[test]
fn extreme_points_give_no_nan() {
    for_every_case(|case| {
        for dtype in [DType::F32, DType::F64] {
            let model = Model::far(case, dtype)?;
            no_nan_anywhere(case, &model, &POINTS, "")?;
            no_nan_anywhere(case, &model, &FAR, "far out, ")?;
            model.set_all(&[0.0])?;
            no_nan_anywhere(case, &model, &POINTS, "zero parameters, ")?;
            no_nan_anywhere(case, &model, &FAR, "zero parameters, far out, ")?;
        }
        Ok(())
    });
}

/// Maps whose scale is free overflow by definition, and are left out.
#[test]
fn wild_parameters_give_no_nan() {
    for_cases(
        |case| !case.free_scale,
        |case| {
            for dtype in [DType::F32, DType::F64] {
                for values in wild(case, dtype) {
                    let model = Model::far(case, dtype)?;
                    model.set_all(&values)?;
                    no_nan_anywhere(case, &model, &POINTS, &format!("parameters {values:?}, "))?;
                }
            }
            Ok(())
        },
    );
}

fn no_nan_anywhere(case: &Case, model: &Model, points: &[f64], what: &str) -> Outcome {
    let points = in_every_column(case, model, points)?;
    let context = model.context(points.dim(0)?)?;
    for direction in BOTH {
        let x = Var::from_tensor(&points)?;
        let mapped = model.run(direction, &x, context.as_ref())?;
        let at = |part: &str| format!("{what}{:?} {direction:?} {part}", model.params.dtype());
        no_nan(&at("points"), &mapped.points)?;
        no_nan(&at("log_det"), &mapped.log_det)?;
        let gradients = (mapped.points.sum_all()? + mapped.log_det.sum_all()?)?.backward()?;
        let vars = model.params.trainable().map(|p| (p.name(), p.var()));
        for (name, var) in vars.chain([("points", &x)]) {
            if let Some(gradient) = gradients.get(var) {
                no_nan(&at(&format!("gradient of {name}")), gradient)?;
            }
        }
    }
    Ok(())
}

fn in_every_column(case: &Case, model: &Model, points: &[f64]) -> Result<Tensor> {
    let n = points.len();
    let row = |i: usize| (0..case.features).map(move |j| points[(i + j) % n]);
    model.tensor((0..n).flat_map(row).collect(), case.features)
}

fn no_nan(what: &str, tensor: &Tensor) -> Outcome {
    match flat(tensor)?.iter().position(|x| x.is_nan()) {
        None => Ok(()),
        Some(i) => Err(format!("{what}[{i}] is NaN").into()),
    }
}
