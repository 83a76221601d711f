//! Wrong shapes are typed errors that name the function, never panics.

use super::model::{BOTH, Direction, Model};
use super::{Outcome, for_cases, for_every_case};
use crate::catalogue::Case;
use candle_core::{DType, Device, Tensor};
use diffeo_flows::Error;

const ROWS: usize = 3;

fn zeros(shape: &[usize]) -> Result<Tensor, candle_core::Error> {
    Tensor::zeros(shape, DType::F64, &Device::Cpu)
}

#[test]
fn points_of_a_wrong_shape_are_an_error() {
    for_every_case(|case| {
        let d = case.features;
        for shape in [vec![], vec![d], vec![ROWS, d + 1], vec![ROWS, d - 1], vec![ROWS, d, 1]] {
            fails(case, &shape, Some(&[ROWS, case.context]), "::")?;
        }
        Ok(())
    });
}

#[test]
fn contexts_of_a_wrong_shape_are_an_error() {
    for_cases(
        |case| case.context > 0,
        |case| {
            let (points, k) = ([ROWS, case.features], case.context);
            for context in
                [vec![k], vec![ROWS, k + 1], vec![ROWS + 1, k], vec![1, k], vec![ROWS, k, 1]]
            {
                fails(case, &points, Some(&context), "")?;
            }
            fails(case, &points, None, "")
        },
    );
}

fn fails(case: &Case, points: &[usize], context: Option<&[usize]>, named: &str) -> Outcome {
    let model = Model::far(case, DType::F64)?;
    let context = context.map(zeros).transpose()?;
    for direction in BOTH {
        expect_shape_error(&model, direction, &zeros(points)?, context.as_ref(), named)?;
    }
    Ok(())
}

fn expect_shape_error(
    model: &Model,
    direction: Direction,
    points: &Tensor,
    context: Option<&Tensor>,
    named: &str,
) -> Outcome {
    let (shape, given) = (points.shape(), context.map(Tensor::shape));
    match model.run(direction, points, context) {
        Err(Error::Shape { what, .. }) if !what.is_empty() && what.contains(named) => Ok(()),
        Err(other) => Err(format!("{direction:?} {shape:?}, {given:?}: {other}").into()),
        Ok(_) => Err(format!("{direction:?} {shape:?}, {given:?}: accepted").into()),
    }
}
