//! Masked autoregressive maps: each feature is mapped given the features before it.

use crate::config::LayerConfig;
use crate::fast::kernel::{Built, Kernel, Pass, Reverse, Site, placed};
use crate::fast::net::{Net, Part, take};
use crate::fast::tile::Column;
use crate::fast::univariate::{self, Univariate};
use crate::transforms::MaskedAutoregressiveConfig;

/// The fast tier of [`crate::transforms::MaskedAutoregressive`].
///
/// The inverse finds the features one after the other. Each product of the network is formed
/// once, for the units that a feature makes known, so that it costs no more than forward.
#[derive(Debug)]
pub(super) struct MaskedAutoregressive {
    features: usize,
    univariate: Box<dyn Univariate>,
    net: Net,
}

impl MaskedAutoregressive {
    /// The map of a masked network's outputs.
    pub(super) fn new(features: usize, univariate: Box<dyn Univariate>, net: Net) -> Self {
        Self { features, univariate, net }
    }
}

/// The kernel of [`MaskedAutoregressiveConfig`].
pub(super) fn kernel(layer: &LayerConfig, site: &mut Site) -> Option<Built<dyn Kernel>> {
    let MaskedAutoregressiveConfig { univariate, net } = layer.of()?;
    Some(univariate::kernel(univariate).and_then(|map| {
        let per_feature = map.params_per_feature();
        let net = placed(Net::made(site.layout, site.path, site.sizes, per_feature, net))?;
        Ok(Box::new(MaskedAutoregressive::new(site.sizes.0, map, net)) as _)
    }))
}

impl Kernel for MaskedAutoregressive {
    fn tape(&self) -> usize {
        self.features + self.net.outputs() + self.net.tape()
    }

    fn scratch(&self) -> usize {
        self.net.scratch()
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
        let mut tape = tape;
        let x = take(&mut tape, self.features);
        let params = take(&mut tape, self.net.outputs());
        x.copy_from_slice(points);
        self.net.forward(pass, x, tape, params, Part::All);
        self.univariate.forward(pass.level, params, points, log_det);
    }

    fn backward(&self, pass: &Pass, reverse: Reverse) {
        let Reverse { mut tape, scratch, d_log_det, d_points, gradient } = reverse;
        let x = take(&mut tape, self.features);
        let params = take(&mut tape, self.net.outputs());
        self.univariate.backward(pass.level, params, x, d_log_det, d_points);
        self.net.backward(pass, x, (tape, scratch), params, d_points, gradient);
    }

    fn inverse(
        &self,
        pass: &Pass,
        points: &mut [Column],
        log_det: &mut Column,
        tape: &mut [Column],
    ) {
        let mut tape = tape;
        let params = take(&mut tape, self.net.outputs());
        let p = self.univariate.params_per_feature();
        for i in 0..self.features {
            self.net.forward(pass, points, tape, params, Part::Feature(i));
            let params = &params[i * p..(i + 1) * p];
            self.univariate.inverse(pass.level, params, &mut points[i..=i], log_det);
        }
    }

    fn finish(&self, _: &[f32], gradient: &mut [f32]) {
        self.net.each_dense(|dense| dense.mask(gradient));
    }
}
