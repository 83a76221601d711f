//! A seed decides where a map starts, and last layers of zero start it at the identity.

use super::model::{BOTH, Direction, Model, SEED, flat};
use super::{close, for_cases, for_every_case};
use crate::catalogue::Case;
use candle_core::DType;
use diffeo_flows::Result;
use diffeo_flows::nets::LastLayer;

/// softmax and softplus of constants are not exact.
const ROUNDING: f64 = 1e-12;

/// Everything a build decides: parameters, buffers, and images, as bits.
fn bits(case: &Case, seed: u64) -> Result<Vec<u64>> {
    let model = Model::start(case, DType::F64, seed, LastLayer::Scaled)?;
    let mut values = Vec::new();
    for param in model.params.iter() {
        values.extend(flat(param.var())?);
    }
    for direction in BOTH {
        let points = model.points(direction)?;
        let context = model.context(points.dim(0)?)?;
        let mapped = model.run(direction, &points, context.as_ref())?;
        values.extend(flat(&mapped.points)?);
        values.extend(flat(&mapped.log_det)?);
    }
    Ok(values.into_iter().map(f64::to_bits).collect())
}

#[test]
fn a_seed_gives_the_same_bits_again() {
    for_every_case(|case| {
        let same = bits(case, SEED)? == bits(case, SEED)?;
        if same { Ok(()) } else { Err("other bits".into()) }
    });
}

#[test]
fn another_seed_gives_another_map() {
    for_cases(
        |case| case.seeded.is_some(),
        |case| match (bits(case, SEED)? == bits(case, SEED + 1)?, case.seeded) {
            (false, Some(true)) | (true, Some(false)) => Ok(()),
            (same, seeded) => Err(format!("seeded {seeded:?}, same bits {same}").into()),
        },
    );
}

#[test]
fn zero_last_layers_start_at_the_identity() {
    for_cases(
        |case| case.starts_as_identity,
        |case| {
            let model = Model::start(case, DType::F64, SEED, LastLayer::Zero)?;
            for direction in BOTH {
                for points in [model.points(direction)?, model.edge_points(direction)?] {
                    let n = points.dim(0)?;
                    let mapped = model.run(direction, &points, model.context(n)?.as_ref())?;
                    close("points", &flat(&mapped.points)?, &flat(&points)?, ROUNDING)?;
                    close("log_det", &flat(&mapped.log_det)?, &vec![0.0; n], ROUNDING)?;
                }
            }
            Ok(())
        },
    );
}

/// Knots that data place are knots of the identity, and a second call places none.
#[test]
fn a_start_from_data_leaves_the_identity() {
    for_cases(
        |case| {
            case.starts_as_identity
                && !case.name.contains("act norm")
                && !case.name.contains("standardise")
        },
        |case| {
            let model = Model::start(case, DType::F64, SEED, LastLayer::Zero)?;
            let points = model.points(Direction::Forward)?;
            let context = model.context(points.dim(0)?)?;
            let forward = diffeo_flows::transform::Direction::Forward;
            model.transform.initialise(&points, context.as_ref(), forward)?;
            let placed = state(&model)?;
            model.transform.initialise(&(&points * 0.1)?, context.as_ref(), forward)?;
            if state(&model)? != placed {
                return Err("a second start changed the map".into());
            }
            for points in [points, model.edge_points(Direction::Forward)?] {
                let n = points.dim(0)?;
                let mapped = model.run(Direction::Forward, &points, model.context(n)?.as_ref())?;
                close("points", &flat(&mapped.points)?, &flat(&points)?, ROUNDING)?;
                close("log_det", &flat(&mapped.log_det)?, &vec![0.0; n], ROUNDING)?;
            }
            Ok(())
        },
    );
}

/// All parameters and buffers.
fn state(model: &Model) -> Result<Vec<f64>> {
    let values: Result<Vec<_>> = model.params.iter().map(|param| flat(param.var())).collect();
    Ok(values?.concat())
}
