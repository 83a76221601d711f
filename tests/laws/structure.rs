//! Which outputs depend on which inputs, exactly.

use super::for_cases;
use super::model::{BOTH, Direction, Model, flat};
use super::numeric::autodiff_jacobians;
use candle_core::{DType, Tensor};
use diffeo_flows::Result;

/// How far an input or a context is moved to see what follows it.
const MOVE: f64 = 0.7;

#[test]
fn autoregressive_jacobians_are_triangular() {
    for_cases(
        |case| case.triangular,
        |case| {
            let model = Model::far(case, DType::F64)?;
            let d = case.features;
            for direction in BOTH {
                let points = model.points(direction)?;
                let context = model.context(points.dim(0)?)?;
                let jacobians = autodiff_jacobians(&model, direction, &points, context.as_ref())?;
                for (i, j) in (0..d).flat_map(|i| (0..d).map(move |j| (i, j))) {
                    let moves = jacobians.iter().any(|jacobian| jacobian[i * d + j].abs() > 0.0);
                    if moves && j > i || !moves && (j == i || j < i && case.dense_below) {
                        return Err(format!("{direction:?}: ∂{i}/∂{j} moves: {moves}").into());
                    }
                }
            }
            Ok(())
        },
    );
}

/// Bits, not derivatives: a dependence could hide where a derivative vanishes.
#[test]
fn autoregressive_outputs_ignore_later_inputs() {
    for_cases(
        |case| case.triangular,
        |case| {
            let model = Model::far(case, DType::F64)?;
            for direction in BOTH {
                let points = model.points(direction)?;
                let before = columns(&model, direction, &points, 0.0)?;
                for j in 0..case.features {
                    let moved = move_column(&model, &points, j)?;
                    let after = columns(&model, direction, &moved, 0.0)?;
                    if before[..j] != after[..j] || before[j] == after[j] {
                        return Err(format!("{direction:?}: input {j} moved").into());
                    }
                }
            }
            Ok(())
        },
    );
}

#[test]
fn couplings_pass_one_half_unchanged() {
    for_cases(
        |case| !case.fixed.is_empty(),
        |case| {
            let model = Model::far(case, DType::F64)?;
            for direction in BOTH {
                let points = model.points(direction)?;
                let (given, image) = (split(&points)?, columns(&model, direction, &points, 0.0)?);
                for i in 0..case.features {
                    if (given[i] == image[i]) != case.fixed.contains(&i) {
                        return Err(format!("{direction:?}: feature {i}").into());
                    }
                }
            }
            Ok(())
        },
    );
}

/// Also the first feature of an autoregressive map, which sees no other feature.
#[test]
fn the_context_moves_every_feature_that_is_mapped() {
    for_cases(
        |case| case.context > 0,
        |case| {
            let model = Model::far(case, DType::F64)?;
            for direction in BOTH {
                let points = model.points(direction)?;
                let before = columns(&model, direction, &points, 0.0)?;
                let after = columns(&model, direction, &points, MOVE)?;
                for i in 0..case.features {
                    if (before[i] == after[i]) != case.fixed.contains(&i) {
                        return Err(format!("{direction:?}: feature {i}").into());
                    }
                }
            }
            Ok(())
        },
    );
}

/// The mapped columns as bits, the context moved by `by`.
fn columns(model: &Model, direction: Direction, points: &Tensor, by: f64) -> Result<Vec<Vec<u64>>> {
    let context = model.context(points.dim(0)?)?;
    let context = context.map(|context| context.affine(1.0, by)).transpose()?;
    split(&model.run(direction, points, context.as_ref())?.points)
}

fn split(points: &Tensor) -> Result<Vec<Vec<u64>>> {
    let column = |j| flat(&points.narrow(1, j, 1)?);
    // Adding 0 makes −0 and 0 the same bits.
    let bits = |values: Vec<f64>| values.into_iter().map(|x| (x + 0.0).to_bits()).collect();
    (0..points.dim(1)?).map(|j| column(j).map(bits)).collect()
}

fn move_column(model: &Model, points: &Tensor, j: usize) -> Result<Tensor> {
    let d = points.dim(1)?;
    let mut values = flat(points)?;
    values.iter_mut().skip(j).step_by(d).for_each(|x| *x += MOVE);
    model.tensor(values, d)
}
