//! Couplings: one half of the features decides how the other half is mapped.

use super::free::Free;
use crate::config::LayerConfig;
use crate::fast::kernel::{Built, Kernel, Pass, Reverse, Site, placed};
use crate::fast::net::{Net, Part, take};
use crate::fast::tile::Column;
use crate::fast::univariate::{self, Univariate};
use crate::transforms::{CouplingConfig, FixedHalf, Half, sizes};

/// The fast tier of [`crate::transforms::Coupling`].
#[derive(Debug)]
pub(super) struct Coupling {
    /// Features of the first half.
    first: usize,
    features: usize,
    /// Whether the first half is the one that conditions.
    first_is_fixed: bool,
    univariate: Box<dyn Univariate>,
    net: Net,
    /// Parameters of the fixed half, when it is mapped too.
    own: Option<Free>,
}

impl Coupling {
    /// A coupling of the halves `..first` and `first..features`; `own` is the place of the fixed
    /// half's own parameters.
    pub(super) fn new(
        (first, features): (usize, usize),
        first_is_fixed: bool,
        univariate: Box<dyn Univariate>,
        net: Net,
        own: Option<usize>,
    ) -> Self {
        let fixed = if first_is_fixed { first } else { features - first };
        let count = fixed * univariate.params_per_feature();
        let own = own.map(|place| Free { place, count });
        Self { first, features, first_is_fixed, univariate, net, own }
    }

    /// The fixed and the mapped half.
    fn split<'a>(&self, columns: &'a mut [Column]) -> (&'a mut [Column], &'a mut [Column]) {
        let (first, second) = columns.split_at_mut(self.first);
        if self.first_is_fixed { (first, second) } else { (second, first) }
    }

    fn own_count(&self) -> usize {
        self.own.map_or(0, |own| own.count)
    }
}

/// The kernel of [`CouplingConfig`].
pub(super) fn kernel(layer: &LayerConfig, site: &mut Site) -> Option<Built<dyn Kernel>> {
    let settings: &CouplingConfig = layer.of()?;
    Some(univariate::kernel(&settings.univariate).and_then(|map| {
        let (path, (features, context)) = (site.path, site.sizes);
        let (fixed, moved) = sizes(features, settings.conditioned_on);
        let p = map.params_per_feature();
        let net = Net::mlp(site.layout, path, (fixed, context), moved * p, &settings.net);
        let own = match settings.fixed_half {
            FixedHalf::Unchanged => None,
            FixedHalf::Mapped => {
                Some(placed(site.layout.place(&format!("{path}.own"), fixed * p))?)
            }
        };
        let halves = (features / 2, features);
        let first_is_fixed = settings.conditioned_on == Half::First;
        Ok(Box::new(Coupling::new(halves, first_is_fixed, map, placed(net)?, own)) as _)
    }))
}

impl Kernel for Coupling {
    fn tape(&self) -> usize {
        self.features + self.net.outputs() + self.own_count() + self.net.tape()
    }

    fn scratch(&self) -> usize {
        self.net.scratch()
    }

    fn prepare(&self, _: &mut [f32]) {}

    fn forward(
        &self,
        pass: &Pass,
        points: &mut [Column],
        log_det: &mut Column,
        tape: &mut [Column],
    ) {
        let mut tape = tape;
        take(&mut tape, self.features).copy_from_slice(points);
        let params = take(&mut tape, self.net.outputs());
        let own_params = take(&mut tape, self.own_count());
        let (fixed, moved) = self.split(points);
        self.net.forward(pass, fixed, tape, params, Part::All);
        self.univariate.forward(pass.level, params, moved, log_det);
        if let Some(own) = &self.own {
            own.fill(pass, own_params);
            self.univariate.forward(pass.level, own_params, fixed, log_det);
        }
    }

    fn backward(&self, pass: &Pass, reverse: Reverse) {
        let Reverse { mut tape, scratch, d_log_det, d_points, gradient } = reverse;
        let (fixed, moved) = self.split(take(&mut tape, self.features));
        let params = take(&mut tape, self.net.outputs());
        let own_params = take(&mut tape, self.own_count());
        let (d_fixed, d_moved) = self.split(d_points);
        self.univariate.backward(pass.level, params, moved, d_log_det, d_moved);
        if let Some(own) = &self.own {
            self.univariate.backward(pass.level, own_params, fixed, d_log_det, d_fixed);
            own.collect(pass, own_params, gradient);
        }
        self.net.backward(pass, fixed, (tape, scratch), params, d_fixed, gradient);
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
        let own_params = take(&mut tape, self.own_count());
        let (fixed, moved) = self.split(points);
        if let Some(own) = &self.own {
            own.fill(pass, own_params);
            self.univariate.inverse(pass.level, own_params, fixed, log_det);
        }
        self.net.forward(pass, fixed, tape, params, Part::All);
        self.univariate.inverse(pass.level, params, moved, log_det);
    }

    fn finish(&self, _: &[f32], _: &mut [f32]) {}
}
