use super::compare::{Compared, assert_agrees};
use super::pair::{Pair, ROW_COUNTS, ROWS, Reference, double, first, levels, normals, pairs};
use candle_core::Tensor;
use diffeo_flows::fast::simd::Level;
use diffeo_flows::fast::{FastTransform, flat_theta};
use diffeo_flows::params::to_f64;
use diffeo_flows::{Density, Transform};

/// Images, log-determinants and log-densities of points, row-major.
pub(super) struct Values([Vec<f64>; 3]);

/// Four units in the last place of single precision.
const ROUNDING: f64 = 4.0 * f32::EPSILON as f64;
const NAMES: [&str; 3] = ["images", "log-determinants", "log-densities"];

impl Values {
    fn of(mapped: &diffeo_flows::Mapped, log_prob: &Tensor) -> Self {
        Self([&mapped.points, &mapped.log_det, log_prob].map(|tensor| to_f64(tensor).unwrap()))
    }

    fn of_reference(reference: &Reference, x: &Tensor, context: Option<&Tensor>) -> Self {
        let mapped = reference.flow.transform().forward(x, context).unwrap();
        Self::of(&mapped, &reference.flow.log_prob(x, context).unwrap())
    }

    /// On the reference tier, in single and double precision.
    pub(super) fn references(pair: &Pair, x: &Tensor) -> [Self; 2] {
        let context = pair.context(x.dim(0).unwrap());
        let exact = context.as_ref().map(double);
        [
            Self::of_reference(&pair.single, x, context.as_ref()),
            Self::of_reference(&pair.double, &double(x), exact.as_ref()),
        ]
    }

    /// In double precision, at points moved by a few rounding errors.
    pub(super) fn moved(pair: &Pair, x: &Tensor, seed: u64) -> Self {
        let (rows, columns) = x.dims2().unwrap();
        let context = pair.context(rows).as_ref().map(double);
        let share = double(&normals(rows, columns, seed)).affine(ROUNDING, 1.0).unwrap();
        Self::of_reference(&pair.double, &(double(x) * share).unwrap(), context.as_ref())
    }

    /// On the fast tier.
    pub(super) fn fast(pair: &Pair, level: Level, x: &Tensor) -> Self {
        let context = pair.context(x.dim(0).unwrap());
        let context = context.as_ref();
        let theta = flat_theta(&pair.single.params).unwrap();
        let transform = FastTransform::new(pair.program(level).unwrap());
        let mapped = transform.forward(x, &theta, context).unwrap();
        Self::of(&mapped, &pair.fast(level).log_prob(x, context).unwrap())
    }

    pub(super) fn log_prob(&self) -> &[f64] {
        &self.0[2]
    }

    /// Compares the first rows of each.
    pub(super) fn check(&self, what: &str, [slow, exact]: &[Self; 2], rows: usize, steep: bool) {
        for (i, name) in NAMES.iter().enumerate() {
            let [fast, slow, exact] = [self, slow, exact].map(|values| values.first(i, rows));
            let verdict = Compared { fast, slow, exact }.values(steep);
            assert_agrees(&format!("{what}, {name}"), verdict);
        }
    }

    /// As [`Values::check`] of all rows of a steep flow, where `moved` may show how steep it is.
    pub(super) fn check_far(&self, what: &str, [slow, exact]: &[Self; 2], moved: &[Self]) {
        for (i, name) in NAMES.iter().enumerate() {
            let [fast, slow, exact] = [self, slow, exact].map(|values| &values.0[i][..]);
            let verdict = Compared { fast, slow, exact }.far_values();
            let as_moved =
                |moved: &Self| Compared { fast, slow: &moved.0[i], exact }.far_values().is_ok();
            if !moved.iter().any(as_moved) {
                assert_agrees(&format!("{what}, {name}"), verdict);
            }
        }
    }

    fn first(&self, i: usize, rows: usize) -> &[f64] {
        let width = self.0[i].len() / self.0[2].len();
        &self.0[i][..rows * width]
    }
}

#[test]
fn values_agree_in_batches_of_any_size() {
    for pair in pairs() {
        let x = normals(ROWS, pair.case.config.features, 2);
        let references = Values::references(&pair, &x);
        for level in levels() {
            for rows in ROW_COUNTS {
                let fast = Values::fast(&pair, level, &first(&x, rows));
                let what = pair.what(level, &format!("{rows} rows"));
                fast.check(&what, &references, rows, pair.case.is_steep());
            }
        }
    }
}
