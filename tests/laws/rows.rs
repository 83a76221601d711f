//! A row's image does not depend on the rows beside it.

use super::model::{BOTH, Model, flat};
use super::{close, for_every_case};
use candle_core::{DType, Tensor};
use diffeo_flows::Error;

/// Products of one row and of many rows sum in another order: a few units in the last place of
/// the hidden layers, enlarged by the slopes of the maps.
const ANOTHER_ORDER_OF_SUMS: f64 = 1e-11;

#[test]
fn a_row_alone_maps_as_in_its_batch() {
    for_every_case(|case| {
        let model = Model::far(case, DType::F64)?;
        for direction in BOTH {
            let points = model.points(direction)?;
            let n = points.dim(0)?;
            let context = model.context(n)?;
            let whole = model.run(direction, &points, context.as_ref())?;
            // 1, 3 and 5 rows: batches of one, and sizes that no vector width divides.
            for (start, rows) in [(0, 1), (n - 1, 1), (1, 3), (2, 5)] {
                let cut = |t: &Tensor| t.narrow(0, start, rows);
                let some = context.as_ref().map(cut).transpose()?;
                let part = model.run(direction, &cut(&points)?, some.as_ref())?;
                let (points, log_det) = (cut(&whole.points)?, cut(&whole.log_det)?);
                let tolerance = ANOTHER_ORDER_OF_SUMS;
                close("points", &flat(&part.points)?, &flat(&points)?, tolerance)?;
                close("log_det", &flat(&part.log_det)?, &flat(&log_det)?, tolerance)?;
            }
        }
        Ok(())
    });
}

/// candle panics on some sums over no rows, so that every map refuses them by name.
#[test]
fn no_rows_are_an_error() {
    for_every_case(|case| {
        let model = Model::far(case, DType::F64)?;
        let none = model.tensor(Vec::new(), case.features)?;
        let context = model.context(0)?;
        for direction in BOTH {
            match model.run(direction, &none, context.as_ref()) {
                Err(Error::Shape { .. }) => {}
                other => return Err(format!("{direction:?}: {other:?}").into()),
            }
        }
        Ok(())
    });
}
