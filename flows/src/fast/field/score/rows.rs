//! What the losses of score matching are of each row, with the gradients of the network's output.

use crate::fast::math;
use crate::fast::simd::{Level, vectorised};
use crate::fast::tile::Column;
use crate::score::NoiseLevels;

/// The noise levels of the rows of a tile.
#[derive(Debug, Clone)]
pub(super) struct Noise {
    pub(super) times: Column,
    /// y = α x + σ ε
    alpha: Column,
    sigma: Column,
    /// ε̂ = `point` y + `output` F
    point: Column,
    output: Column,
    /// λ
    weights: Column,
}

impl Default for Noise {
    fn default() -> Self {
        let [times, alpha, sigma, point, output, weights] = [Column::ZERO; 6];
        Self { times, alpha, sigma, point, output, weights }
    }
}

impl Noise {
    /// Those of rows at these times, with these weights.
    pub(super) fn fill(
        &mut self,
        level: Level,
        levels: &NoiseLevels,
        times: &Column,
        weights: &Column,
    ) {
        (self.times, self.weights) = (*times, *weights);
        let stretch = levels.latent_deviation() as f32;
        let start = levels.smallest.ln() as f32;
        turn(level, (start, levels.log_ratio() as f32, stretch), self);
    }
}

vectorised! {
    fn turn<S>(s, constants: (f32, f32, f32), noise: &mut Noise) {
        let (start, slope) = (s.splat(constants.0), s.splat(constants.1));
        let (stretch, unstretch) = (s.splat(constants.2), s.splat(1.0 / constants.2));
        let one = s.splat(1.0);
        for v in 0..S::VECTORS {
            let tan = math::exp(s, s.mul_add(slope, s.load(&noise.times, v), start));
            let cos = s.div(one, s.sqrt(s.mul_add(tan, tan, one)));
            let sin = s.mul(tan, cos);
            s.store(s.mul(stretch, cos), &mut noise.alpha, v);
            s.store(s.mul(stretch, sin), &mut noise.sigma, v);
            s.store(s.mul(unstretch, sin), &mut noise.point, v);
            s.store(s.mul(unstretch, cos), &mut noise.output, v);
        }
    }
}

vectorised! {
    /// to = α x + σ ε
    pub(super) fn mix<S>(s, levels: &Noise, x: &[Column], noise: &[Column], to: &mut [Column]) {
        for (to, (x, noise)) in to.iter_mut().zip(x.iter().zip(noise)) {
            for v in 0..S::VECTORS {
                let added = s.mul(s.load(&levels.sigma, v), s.load(noise, v));
                s.store(s.mul_add(s.load(&levels.alpha, v), s.load(x, v), added), to, v);
            }
        }
    }
}

/// What a network says of a tile.
#[derive(Debug)]
pub(super) struct Predicted<'a> {
    /// y
    pub(super) point: &'a [Column],
    /// F
    pub(super) output: &'a [Column],
    /// ε
    pub(super) noise: &'a [Column],
    /// Directions v, whole sets.
    pub(super) probes: &'a [Column],
    /// (∂F/∂y) v
    pub(super) along: &'a [Column],
}

/// Losses, and the gradients of F and of its derivatives.
type To<'a> = (&'a mut Column, &'a mut [Column], &'a mut [Column]);

vectorised! {
    /// λ |ε̂ − ε|²
    pub(super) fn denoise<S>(
        s,
        levels: &Noise,
        shares: &Column,
        predicted: &Predicted,
        to: To,
    ) {
        let Predicted { point, output, noise, .. } = predicted;
        for v in 0..S::VECTORS {
            let (a, b) = (s.load(&levels.point, v), s.load(&levels.output, v));
            let weight = s.load(&levels.weights, v);
            let twice = s.mul(s.splat(2.0), s.mul(weight, s.mul(b, s.load(shares, v))));
            let mut sum = s.splat(0.0);
            let rows = point.iter().zip(*output).zip(*noise).zip(&mut *to.1);
            for (((point, output), noise), d_output) in rows {
                let known = s.mul(a, s.load(point, v));
                let wrong = s.sub(s.mul_add(b, s.load(output, v), known), s.load(noise, v));
                sum = s.mul_add(wrong, wrong, sum);
                s.store(s.mul(twice, wrong), d_output, v);
            }
            s.store(s.mul(weight, sum), to.0, v);
        }
    }
}

vectorised! {
    /// λ (|ε̂|² − 2σ Σ vᵀ(∂ε̂/∂y)v), or with (vᵀε̂)² where it is sliced; σ is that of y.
    pub(super) fn imply<S>(
        s,
        sliced: bool,
        rows: (&Noise, &Column),
        predicted: &Predicted,
        to: To,
    ) {
        let (levels, shares) = rows;
        let Predicted { point, output, probes, along, .. } = predicted;
        let d = point.len();
        for v in 0..S::VECTORS {
            let (a, b) = (s.load(&levels.point, v), s.load(&levels.output, v));
            let weight = s.load(&levels.weights, v);
            let minus = s.mul(s.splat(-2.0), s.load(&levels.sigma, v));
            let share = s.mul(weight, s.mul(b, s.load(shares, v)));
            let (mut square, mut slope) = (s.splat(0.0), s.splat(0.0));
            let each = probes.iter().zip(*along).zip(&mut *to.2);
            for ((probe, along), d_along) in each {
                let probe = s.load(probe, v);
                let bent = s.mul(b, s.load(along, v));
                slope = s.mul_add(probe, s.mul_add(a, probe, bent), slope);
                s.store(s.mul(s.mul(share, minus), probe), d_along, v);
            }
            let twice = s.mul(s.splat(2.0), share);
            for i in 0..d {
                let noise = s.mul_add(b, s.load(&output[i], v), s.mul(a, s.load(&point[i], v)));
                if sliced {
                    square = s.mul_add(s.load(&probes[i], v), noise, square);
                } else {
                    square = s.mul_add(noise, noise, square);
                    s.store(s.mul(twice, noise), &mut to.1[i], v);
                }
            }
            if sliced {
                for i in 0..d {
                    let d_output = s.mul(s.mul(twice, square), s.load(&probes[i], v));
                    s.store(d_output, &mut to.1[i], v);
                }
                square = s.mul(square, square);
            }
            s.store(s.mul(weight, s.mul_add(minus, slope, square)), to.0, v);
        }
    }
}
