//! Inverse autoregressive maps: each feature is mapped given the images of those before it.

use crate::config::LayerConfig;
use crate::fast::activation::add;
use crate::fast::kernel::{Built, Kernel, Pass, Reverse, Site, placed};
use crate::fast::math::exp;
use crate::fast::net::{Net, Part, take};
use crate::fast::simd::vectorised;
use crate::fast::tile::Column;
use crate::fast::univariate::{self, Univariate};
use crate::transforms::InverseAutoregressiveConfig;

/// The fast tier of the [`Inverse`](crate::Inverse) of
/// [`crate::transforms::MaskedAutoregressive`].
///
/// Forward solves xᵢ = u(yᵢ; θᵢ(y₁ … yᵢ₋₁)) for one feature after the other. Backward goes from the
/// last feature to the first; neither forms a product of the network more than once.
#[derive(Debug)]
pub(super) struct InverseAutoregressive {
    features: usize,
    univariate: Box<dyn Univariate>,
    net: Net,
}

/// What forward leaves on the tape.
struct Tape<'a> {
    y: &'a mut [Column],
    /// −log u′(yᵢ) of each feature.
    log_slopes: &'a mut [Column],
    params: &'a mut [Column],
    net: &'a mut [Column],
}

impl InverseAutoregressive {
    /// The inverse of the map of a masked network's outputs.
    pub(super) fn new(features: usize, univariate: Box<dyn Univariate>, net: Net) -> Self {
        Self { features, univariate, net }
    }

    fn split<'a>(&self, tape: &'a mut [Column]) -> Tape<'a> {
        let mut net = tape;
        let y = take(&mut net, self.features);
        let log_slopes = take(&mut net, self.features);
        let params = take(&mut net, self.net.outputs());
        Tape { y, log_slopes, params, net }
    }
}

/// The kernel of [`InverseAutoregressiveConfig`].
pub(super) fn kernel(layer: &LayerConfig, site: &mut Site) -> Option<Built<dyn Kernel>> {
    let InverseAutoregressiveConfig { univariate, net } = layer.of()?;
    Some(univariate::kernel(univariate).and_then(|map| {
        let per_feature = map.params_per_feature();
        let net = placed(Net::made(site.layout, site.path, site.sizes, per_feature, net))?;
        Ok(Box::new(InverseAutoregressive::new(site.sizes.0, map, net)) as _)
    }))
}

impl Kernel for InverseAutoregressive {
    fn tape(&self) -> usize {
        2 * self.features + self.net.outputs() + self.net.tape()
    }

    fn scratch(&self) -> usize {
        self.univariate.params_per_feature() + self.net.incremental_scratch()
    }

    fn prepare(&self, theta: &mut [f32]) {
        self.net.each_dense(|dense| dense.mask(theta));
    }

    fn forward(
        &self,
        pass: &Pass,
        points: &mut [Column],
        log_det: &mut Column,
        tape: &mut [Column],
    ) {
        let Tape { y, log_slopes, params, net } = self.split(tape);
        let p = self.univariate.params_per_feature();
        for (i, log_slope) in log_slopes.iter_mut().enumerate() {
            self.net.forward(pass, points, net, params, Part::Feature(i));
            let params = &params[i * p..(i + 1) * p];
            *log_slope = Column::ZERO;
            self.univariate.inverse(pass.level, params, &mut points[i..=i], log_slope);
            add(pass.level, std::slice::from_ref(log_slope), std::slice::from_mut(log_det));
        }
        y.copy_from_slice(points);
    }

    /// With the gradients ȳ and λ of the images and of −Σ log u′, and nᵢ that of yᵢ through the
    /// parameters of later features: x̄ᵢ = (ȳᵢ + nᵢ − λ ∂ log u′/∂yᵢ) / u′, and the parameters get
    /// the gradient of −x̄ᵢ u − λ log u′.
    fn backward(&self, pass: &Pass, reverse: Reverse) {
        let Reverse { tape, scratch, d_log_det, d_points, gradient } = reverse;
        let Tape { y, log_slopes, params, net } = self.split(tape);
        let p = self.univariate.params_per_feature();
        let (copy, scratch) = scratch.split_at_mut(p);
        let mut net = self.net.incremental(net, scratch);
        let d_log_slope = Column(d_log_det.0.map(|d| -d));
        for i in (0..self.features).rev() {
            net.add_to_input(pass, i, y, d_points);
            let (y, own) = (&y[i..=i], &mut params[i * p..(i + 1) * p]);
            // Two steps: the gradient of u follows from that of yᵢ, which has a part from log u′.
            copy.copy_from_slice(own);
            let mut d_u = [Column::ZERO];
            self.univariate.backward(pass.level, copy, y, &d_log_slope, &mut d_u);
            divide(pass.level, &log_slopes[i], &mut d_points[i], &mut d_u[0]);
            self.univariate.backward(pass.level, own, y, &d_log_slope, &mut d_u);
            net.descend(pass, i, params);
        }
        net.backward_weights(pass, y, params, gradient);
    }

    fn inverse(
        &self,
        pass: &Pass,
        points: &mut [Column],
        log_det: &mut Column,
        tape: &mut [Column],
    ) {
        let Tape { params, net, .. } = self.split(tape);
        self.net.forward(pass, points, net, params, Part::All);
        self.univariate.forward(pass.level, params, points, log_det);
    }

    fn finish(&self, _: &[f32], gradient: &mut [f32]) {
        self.net.each_dense(|dense| dense.mask(gradient));
    }
}

vectorised! {
    /// d ← (d + c) / u′ from −log u′, and c ← −d.
    fn divide<S>(s, log_slope: &Column, d: &mut Column, c: &mut Column) {
        for v in 0..S::VECTORS {
            let sum = s.add(s.load(d, v), s.load(c, v));
            let quotient = s.mul(sum, exp(s, s.load(log_slope, v)));
            s.store(quotient, d, v);
            s.store(s.sub(s.splat(0.0), quotient), c, v);
        }
    }
}
