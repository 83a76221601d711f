//! Composite Gauss–Legendre rules whose cells meet at multiples of powers of 2.

/// The grid reaches beyond the toy's window by this share of its width on each side.
const MARGIN: f64 = 0.1;
/// Fewest cells along an axis. Cells have sides 2⁻ᵏ and begin at multiples of them, so that the
/// edges of the piecewise uniform toys fall between cells.
const CELLS: f64 = 120.0;
/// Abscissae, as shares of half a cell, and weights of the Gauss–Legendre rule in each cell: its
/// error is that of a sixth derivative, h⁶ f⁽⁶⁾ / 2,016,000.
const RULE: [(f64, f64); 3] = [
    (-0.774_596_669_241_483_4, 5.0 / 18.0),
    (0.0, 4.0 / 9.0),
    (0.774_596_669_241_483_4, 5.0 / 18.0),
];

/// Cells of one side along an axis.
pub(super) struct Cells {
    side: f64,
    first: f64,
    count: f64,
}

impl Cells {
    /// Cells over the widened window, no wider than the noise.
    pub(super) fn over([low, high]: [f64; 2], noise: f64) -> Self {
        let margin = MARGIN * (high - low);
        let (low, high) = (low - margin, high + margin);
        let side = ((high - low) / CELLS).min(noise).log2().floor().exp2();
        let first = (low / side).floor();
        Self { side, first, count: (high / side).ceil() - first }
    }

    pub(super) fn nodes(&self) -> f64 {
        self.count * RULE.len() as f64
    }

    /// Nodes and weights, in order.
    pub(super) fn quadrature(&self) -> Vec<(f64, f64)> {
        let node = |cell: usize, (at, weight): (f64, f64)| {
            let middle = self.first + cell as f64 + 0.5;
            (self.side * (middle + 0.5 * at), self.side * weight)
        };
        (0..self.count as usize).flat_map(|cell| RULE.map(|rule| node(cell, rule))).collect()
    }
}
