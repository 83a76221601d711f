//! The log-determinant is that of the map's own Jacobian.

use super::model::{BOTH, Direction, Model, flat};
use super::numeric::{Jacobian, autodiff_jacobians, difference_jacobians, log_abs_det};
use super::{Outcome, close, for_every_case};
use crate::catalogue::Case;
use candle_core::{DType, Tensor};

/// Differences of a smooth map: the rounding of [`super::numeric::STEP`], 5e-12 an entry, times the
/// conditioning of the Jacobian, whose slopes reach e³ a layer.
const DIFFERENCES: f64 = 1e-7;
/// Reverse differentiation only rounds; enlarged by the conditioning of the Jacobian.
const AUTODIFF: f64 = 1e-9;

#[test]
fn log_det_agrees_with_differences() {
    for_every_case(|case| {
        let model = Model::far(case, DType::F64)?;
        for direction in BOTH {
            let points = model.points(direction)?;
            let context = model.context(points.dim(0)?)?;
            let jacobians = difference_jacobians(&model, direction, &points, context.as_ref())?;
            agree(&model, direction, &points, &jacobians, DIFFERENCES)?;
        }
        Ok(())
    });
}

/// Also at the ends of splines, where differences would straddle a kink of the second derivative.
#[test]
fn log_det_agrees_with_reverse_differentiation() {
    for_every_case(|case| {
        let model = Model::far(case, DType::F64)?;
        for direction in BOTH {
            for points in [model.points(direction)?, model.edge_points(direction)?] {
                let context = model.context(points.dim(0)?)?;
                let jacobians = autodiff_jacobians(&model, direction, &points, context.as_ref())?;
                agree(&model, direction, &points, &jacobians, AUTODIFF)?;
            }
        }
        Ok(())
    });
}

/// Both Jacobians entry by entry, so that a fault does not hide in a determinant.
#[test]
fn reverse_differentiation_agrees_with_differences() {
    for_every_case(|case| {
        let model = Model::far(case, DType::F64)?;
        for direction in BOTH {
            let points = model.points(direction)?;
            let context = model.context(points.dim(0)?)?;
            let autodiff = autodiff_jacobians(&model, direction, &points, context.as_ref())?;
            let differences = difference_jacobians(&model, direction, &points, context.as_ref())?;
            let what = format!("{direction:?} Jacobian");
            close(&what, &autodiff.concat(), &differences.concat(), DIFFERENCES)?;
        }
        Ok(())
    });
}

fn agree(
    model: &Model,
    direction: Direction,
    points: &Tensor,
    jacobians: &[Jacobian],
    tolerance: f64,
) -> Outcome {
    let (n, d) = points.dims2()?;
    let mapped = model.run(direction, points, model.context(n)?.as_ref())?;
    let expected: Vec<f64> = jacobians.iter().map(|jacobian| log_abs_det(jacobian, d)).collect();
    close(&format!("{direction:?} log_det"), &flat(&mapped.log_det)?, &expected, tolerance)
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let mut names: Vec<String> =
        crate::catalogue::catalogue().into_iter().map(|case: Case| case.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
