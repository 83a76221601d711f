//! Mixtures of normal distributions with full covariance.

mod few;
mod parameters;
mod rows;

use crate::config::BaseConfig;
use crate::densities::GaussianMixtureConfig;
use crate::fast::dense::{Dense, Store};
use crate::fast::kernel::{Base, Built, Pass, Reverse, Site, placed};
use crate::fast::layout::Layout;
use crate::fast::tile::Column;
use crate::fast::triangular::upper_triangular;
use rows::Broad;
use std::ops::Range;

/// The fast tier of [`crate::densities::GaussianMixture`], with the broad component as it stood
/// when this was built.
///
/// Prepared for each component: the whitening matrix P `[d, d]`; d entries that only have a
/// gradient, that of −μ P; and what its log-density is at its centre, weighted. −μ P itself is
/// never formed: (x − μ) P keeps the digits that x P − μ P loses.
#[derive(Debug)]
pub(in crate::fast) struct GaussianMixture {
    features: usize,
    components: usize,
    logits: usize,
    means: usize,
    upper: usize,
    log_diagonal: usize,
    prepared: usize,
    broad: Broad,
    /// x ↦ x P, placed within what is prepared for a component.
    whitening: Dense,
}

impl GaussianMixture {
    fn new(layout: &mut Layout, path: &str, features: usize, components: usize) -> Option<Self> {
        let d = features;
        let (mean, scale) = (format!("{path}.broad_mean"), format!("{path}.broad_scale"));
        Some(Self {
            features,
            components,
            broad: Broad::new(&layout.buffer(&mean)?, &layout.buffer(&scale)?),
            logits: layout.place(&format!("{path}.logits"), components)?,
            means: layout.place(&format!("{path}.means"), components * d)?,
            upper: layout.place(&format!("{path}.upper"), components * d * d)?,
            log_diagonal: layout.place(&format!("{path}.log_diagonal"), components * d)?,
            prepared: layout.reserve(components * (d * d + d + 1)),
            whitening: upper_triangular(d, 0, d * d),
        })
    }

    /// Numbers prepared for a component.
    fn stride(&self) -> usize {
        self.features * (self.features + 1) + 1
    }

    /// Where those of component k stand.
    fn block(&self, k: usize) -> Range<usize> {
        let start = self.prepared + k * self.stride();
        start..start + self.stride()
    }

    fn all_blocks(&self) -> Range<usize> {
        self.prepared..self.prepared + self.components * self.stride()
    }

    fn mean(&self, k: usize) -> Range<usize> {
        let start = self.means + k * self.features;
        start..start + self.features
    }

    fn all_means(&self) -> Range<usize> {
        self.means..self.means + self.components * self.features
    }

    fn split<'a>(&self, tape: &'a mut [Column]) -> Tape<'a> {
        let (near, rest) = tape.split_at_mut(self.features);
        let (share, rest) = rest.split_at_mut(1);
        let (terms, rest) = rest.split_at_mut(self.components);
        let (broad, rest) = rest.split_at_mut(1);
        let (centred, whitened) = rest.split_at_mut(rest.len().min(self.features));
        Tape { near, share: &mut share[0], terms, broad: &mut broad[0], centred, whitened }
    }
}

/// What log_prob leaves for backward.
struct Tape<'a> {
    /// The points, 0 for those far away.
    near: &'a mut [Column],
    /// What a term has to be multiplied by to become a component's share in the density.
    share: &'a mut Column,
    /// The components' weighted densities over the largest of them.
    terms: &'a mut [Column],
    broad: &'a mut Column,
    /// x − μ of one component; nothing with few features.
    centred: &'a mut [Column],
    /// (x − μ) P of all components; nothing with few features.
    whitened: &'a mut [Column],
}

/// The kernel of [`GaussianMixtureConfig`].
pub(super) fn kernel(base: &BaseConfig, site: &mut Site) -> Option<Built<dyn Base>> {
    let GaussianMixtureConfig { components } = *base.of()?;
    let kernel = GaussianMixture::new(site.layout, site.path, site.sizes.0, components);
    Some(placed(kernel).map(|kernel| Box::new(kernel) as _))
}

impl Base for GaussianMixture {
    fn tape(&self) -> usize {
        let (d, all) = (self.features, self.components);
        d + all + 2 + if d <= few::MOST { 0 } else { d + all * d }
    }

    fn prepare(&self, theta: &mut [f32]) {
        self.prepare_from(theta);
    }

    fn log_prob(&self, pass: &Pass, z: &[Column], log_prob: &mut Column, tape: &mut [Column]) {
        let Pass { level, theta, .. } = *pass;
        let Tape { near, share, terms, broad, centred, whitened } = self.split(tape);
        rows::keep_near(level, z, near, share);
        if self.features <= few::MOST {
            let (blocks, means) = (&theta[self.all_blocks()], &theta[self.all_means()]);
            few::log_terms(level, blocks, means, near, terms);
        } else {
            let whitened = whitened.chunks_exact_mut(self.features);
            for (k, (u, term)) in whitened.zip(terms.iter_mut()).enumerate() {
                let block = &theta[self.block(k)];
                rows::centre(level, &theta[self.mean(k)], near, centred);
                let all = 0..self.features;
                self.whitening.forward(level, block, centred, u, all, (Store::Replace, false));
                rows::log_term(level, block[self.stride() - 1], u, term);
            }
        }
        rows::broad_log_term(level, &self.broad, near, broad);
        rows::log_sum_exp(level, terms, broad, share, log_prob);
    }

    fn backward(&self, pass: &Pass, _: &[Column], reverse: Reverse) {
        let Pass { level, theta, .. } = *pass;
        let Reverse { tape, d_log_det, d_points, gradient, .. } = reverse;
        let Tape { near, share, terms, broad, centred, whitened } = self.split(tape);
        rows::multiply(level, d_log_det, share);
        rows::broad_gradients(level, &self.broad, near, broad, share, d_points);
        if self.features <= few::MOST {
            let (blocks, means) = (&theta[self.all_blocks()], &theta[self.all_means()]);
            let gradient = &mut gradient[self.all_blocks()];
            few::gradients(level, blocks, means, near, terms, share, d_points, gradient);
            return;
        }
        let whitened = whitened.chunks_exact_mut(self.features);
        for (k, (u, term)) in whitened.zip(terms).enumerate() {
            let (block, gradient) = (&theta[self.block(k)], &mut gradient[self.block(k)]);
            rows::centre(level, &theta[self.mean(k)], near, centred);
            gradient[self.stride() - 1] += rows::weigh(level, term, share, u);
            self.whitening.backward_weights(level, centred, u, gradient, true);
            self.whitening.backward_inputs(level, block, centred, u, d_points, Store::Add);
        }
    }

    fn finish(&self, theta: &[f32], gradient: &mut [f32]) {
        self.finish_from(theta, gradient);
    }
}

#[cfg(test)]
mod tests;
