//! Gradients of parameters and points against differences, for both directions.

use super::model::{BOTH, Direction, Model, flat};
use super::numeric::{STENCIL, STEP};
use super::{close, for_cases, for_every_case};
use crate::catalogue::Case;
use candle_core::{DType, Tensor, Var};
use diffeo_flows::Result;
use diffeo_flows::params::write;

/// Rounding of the differences, 5e-12, enlarged by slopes that reach e³ a layer and meet again in
/// the curvature of the sine.
const DIFFERENCES: f64 = 1e-6;

#[test]
fn gradients_agree_with_differences() {
    for_every_case(|case| {
        let model = Model::far(case, DType::F64)?;
        for direction in BOTH {
            let x = Var::from_tensor(&model.points(direction)?)?;
            let gradients = scalar(&model, direction, &x)?.backward()?;
            let vars = model.params.trainable().map(|p| (p.name(), p.var()));
            for (name, var) in vars.chain([("points", &x)]) {
                let gradient = gradients.get(var).map_or(Ok(vec![0.0; var.elem_count()]), flat)?;
                let expected = differences(&model, direction, &x, var)?;
                close(&format!("{direction:?} {name}"), &gradient, &expected, DIFFERENCES)?;
            }
        }
        Ok(())
    });
}

/// The mean of `log_det` + Σ sin zᵢ: every output counts, and none cancels another.
fn scalar(model: &Model, direction: Direction, x: &Tensor) -> Result<Tensor> {
    let mapped = model.run(direction, x, model.context(x.dim(0)?)?.as_ref())?;
    Ok((mapped.log_det + mapped.points.sin()?.sum(1)?)?.mean_all()?)
}

/// ∂ scalar / ∂ every entry of `var`, by differences.
fn differences(model: &Model, direction: Direction, x: &Var, var: &Var) -> Result<Vec<f64>> {
    let start = flat(var)?;
    let mut slopes = Vec::with_capacity(start.len());
    for i in 0..start.len() {
        let mut slope = 0.0;
        for (steps, weight) in STENCIL {
            let mut moved = start.clone();
            moved[i] += steps * STEP;
            write(var, &moved)?;
            slope += weight / STEP * scalar(model, direction, x)?.to_scalar::<f64>()?;
        }
        slopes.push(slope);
    }
    write(var, &start)?;
    Ok(slopes)
}

/// Weights of features that nothing comes before are masked altogether: the case names them.
#[test]
fn every_parameter_gets_a_gradient() {
    for_cases(
        |case| case.seeded != Some(false) || case.free_scale,
        |case| {
            let model = Model::far(case, DType::F64)?;
            for direction in BOTH {
                let x = model.points(direction)?;
                let gradients = scalar(&model, direction, &x)?.backward()?;
                for param in model.params.trainable() {
                    let (name, masked) = (param.name(), is_masked(case, param.name()));
                    let moves = match gradients.get(param.var()) {
                        Some(gradient) => flat(gradient)?.iter().any(|g| g.abs() > 0.0),
                        None => false,
                    };
                    if moves == masked {
                        return Err(format!(
                            "{direction:?} {name}: moves {moves}, masked {masked}"
                        )
                        .into());
                    }
                }
            }
            Ok(())
        },
    );
}

fn is_masked(case: &Case, name: &str) -> bool {
    case.masked.iter().any(|end| name.ends_with(end))
}
