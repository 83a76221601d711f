//! inverse ∘ forward = forward ∘ inverse = identity, and their log-determinants cancel.

use super::model::{BOTH, Direction, Model, flat};
use super::{Failure, Outcome, close, for_every_case};
use crate::catalogue::Case;
use candle_core::{DType, Tensor};

/// f64: rounding of 1e-16, enlarged by the slopes of the maps, up to e³ a layer.
const TOLERANCE_F64: f64 = 1e-9;
/// f32: rounding of 6e-8, enlarged likewise, and by a spline's flattest bins.
const TOLERANCE_F32: f64 = 2e-3;

#[test]
fn the_inverse_undoes_the_map_in_f64() {
    for_every_case(|case| round_trips(case, DType::F64, TOLERANCE_F64));
}

#[test]
fn the_inverse_undoes_the_map_in_f32() {
    for_every_case(|case| round_trips(case, DType::F32, TOLERANCE_F32));
}

fn round_trips(case: &Case, dtype: DType, tolerance: f64) -> Outcome {
    let model = Model::far(case, dtype)?;
    for there in BOTH {
        for points in [model.points(there)?, model.edge_points(there)?] {
            round_trip(&model, there, &points, tolerance)
                .map_err(|failure| -> Failure { format!("{there:?} first: {failure}").into() })?;
        }
    }
    Ok(())
}

fn round_trip(model: &Model, there: Direction, points: &Tensor, tolerance: f64) -> Outcome {
    let context = model.context(points.dim(0)?)?;
    let first = model.run(there, points, context.as_ref())?;
    let second = model.run(there.back(), &first.points, context.as_ref())?;
    close("points", &flat(&second.points)?, &flat(points)?, tolerance)?;
    close("log_det", &flat(&second.log_det)?, &flat(&first.log_det.neg()?)?, tolerance)
}
