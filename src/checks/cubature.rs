//! Integrals over a line and a plane by boxes that are cut where they matter.

use diffeo_flows::Result;

/// Nodes on [−1, 1] with their weights in the rules of Gauss, exact to degree five, and of Kronrod,
/// exact to degree eleven.
///
/// Kronrod 1965, *Nodes and Weights of Quadrature Formulas*.
const NODES: [(f64, f64, f64); 7] = [
    (-0.960_491_268_708_020_3, 0.0, 0.104_656_226_026_467_27),
    (-0.774_596_669_241_483_4, 5.0 / 9.0, 0.268_488_089_868_333_44),
    (-0.434_243_749_346_802_55, 0.0, 0.401_397_414_775_962_2),
    (0.0, 8.0 / 9.0, 0.450_916_538_658_474_14),
    (0.434_243_749_346_802_55, 0.0, 0.401_397_414_775_962_2),
    (0.774_596_669_241_483_4, 5.0 / 9.0, 0.268_488_089_868_333_44),
    (0.960_491_268_708_020_3, 0.0, 0.104_656_226_026_467_27),
];
/// A box is resolved where no point seen in it has more than so many times the largest value at its
/// nodes: of a bell as wide as the box the nodes see nine tenths.
const UNRESOLVED: f64 = 2.0;
/// Boxes along an axis to begin with.
const FIRST: usize = 6;

/// An integral and what it can be off by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cubature {
    pub(super) value: f64,
    /// Σ of the differences of two rules over all boxes: far above the error of the better one.
    pub(super) error: f64,
    /// The share of the points seen that lie in boxes whose nodes have not seen the like of them: about
    /// the mass of the peaks there, which may be missing.
    pub(super) missed: f64,
    pub(super) evaluations: usize,
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) error: f64,
    pub(super) evaluations: usize,
}

/// Points where the function is known to matter, with its values there.
struct Seen<'a> {
    features: usize,
    points: &'a [f64],
    values: Vec<f64>,
}

impl Seen<'_> {
    fn at(&self, point: usize, axis: usize) -> f64 {
        self.points[point * self.features + axis]
    }
}

/// A box with the integral over it, and what that can be off by.
#[derive(Debug, Clone)]
struct Cell {
    low: Vec<f64>,
    width: Vec<f64>,
    /// The points seen in it.
    seen: Vec<usize>,
    value: f64,
    /// Of each axis: the difference of the rules along it.
    errors: Vec<f64>,
    missed: f64,
}

impl Cell {
    fn off(&self) -> f64 {
        self.errors.iter().sum::<f64>() + self.missed
    }
}

/// ∫ f over the box (−hₖ, hₖ) of half widths h, one or two; f is asked for many points at once,
/// row-major `[n · d]`, and is not negative.
///
/// Boxes are cut in two where two rules differ most, and where a point that was `seen` has a value that
/// none of the nodes comes near: a peak between the nodes, on which both rules agree that there is
/// nothing.
pub(super) fn integrate(
    f: impl Fn(&[f64]) -> Result<Vec<f64>>,
    half_widths: &[f64],
    seen: &[f64],
    budget: Budget,
) -> Result<Cubature> {
    let d = half_widths.len();
    let seen = Seen { features: d, points: seen, values: f(seen)? };
    let each = NODES.len().pow(d as u32);
    let mut cells = start(half_widths, &seen);
    let mut evaluations = seen.values.len() + evaluate(&f, &mut cells, &seen)?;
    loop {
        let value: f64 = cells.iter().map(|c| c.value).sum();
        let error: f64 = cells.iter().flat_map(|c| &c.errors).sum();
        let missed: f64 = cells.iter().map(|c| c.missed).sum();
        let affordable = budget.evaluations.saturating_sub(evaluations) / (2 * each);
        if error + missed <= budget.error || affordable == 0 || value.is_nan() {
            return Ok(Cubature { value, error, missed, evaluations });
        }
        // The worst come first; what is a small part of the worst can wait.
        cells.sort_by(|a, b| b.off().total_cmp(&a.off()));
        let least = (0.5 * budget.error / cells.len() as f64).max(0.02 * cells[0].off());
        let worse = cells.partition_point(|cell| cell.off() > least).clamp(1, affordable);
        let kept = cells.split_off(worse.min(cells.len()));
        let mut parts: Vec<Cell> = cells.iter().flat_map(|cell| cut(cell, &seen)).collect();
        evaluations += evaluate(&f, &mut parts, &seen)?;
        cells = kept;
        cells.extend(parts);
    }
}

/// The same number of boxes along each axis.
fn start(half_widths: &[f64], seen: &Seen<'_>) -> Vec<Cell> {
    let width: Vec<f64> = half_widths.iter().map(|h| 2.0 * h / FIRST as f64).collect();
    let count = FIRST.pow(half_widths.len() as u32);
    let step = |cell: usize, axis: usize| cell / FIRST.pow(axis as u32) % FIRST;
    let mut cells: Vec<Cell> = (0..count)
        .map(|cell| {
            let low = half_widths.iter().zip(&width).enumerate();
            let low = low.map(|(axis, (h, w))| w * step(cell, axis) as f64 - h).collect();
            Cell::new(low, width.clone(), Vec::new())
        })
        .collect();
    for point in 0..seen.values.len() {
        let along = |axis: usize| {
            let place = (seen.at(point, axis) + half_widths[axis]) / width[axis];
            (place.max(0.0) as usize).min(FIRST - 1) * FIRST.pow(axis as u32)
        };
        cells[(0..half_widths.len()).map(along).sum::<usize>()].seen.push(point);
    }
    cells
}

impl Cell {
    fn new(low: Vec<f64>, width: Vec<f64>, seen: Vec<usize>) -> Self {
        let errors = vec![0.0; low.len()];
        Self { low, width, seen, value: 0.0, errors, missed: 0.0 }
    }

    /// The part of its width that the points seen in it extend over.
    fn extent(&self, axis: usize, seen: &Seen<'_>) -> f64 {
        let places = self.seen.iter().map(|&point| seen.at(point, axis));
        let (low, high) = places
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), place| (l.min(place), h.max(place)));
        (high - low).max(0.0) / self.width[axis]
    }

    /// The axis to cut: that along which the points seen are closest together, where a peak of theirs
    /// is missed, else that along which the rules differ more.
    fn axis(&self, seen: &Seen<'_>) -> usize {
        let urgency = |axis: usize| {
            if self.missed > self.errors.iter().sum::<f64>() {
                (-self.extent(axis, seen), self.width[axis])
            } else {
                (self.errors[axis], self.width[axis])
            }
        };
        let more = |a: &usize, b: &usize| {
            let (a, b) = (urgency(*a), urgency(*b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        };
        (0..self.low.len()).max_by(more).unwrap_or(0)
    }
}

/// The two halves of a box.
fn cut(cell: &Cell, seen: &Seen<'_>) -> [Cell; 2] {
    let axis = cell.axis(seen);
    let mut width = cell.width.clone();
    width[axis] /= 2.0;
    let mut middle = cell.low.clone();
    middle[axis] += width[axis];
    let edge = middle[axis];
    let (left, right): (Vec<usize>, Vec<usize>) =
        cell.seen.iter().copied().partition(|&point| seen.at(point, axis) < edge);
    [Cell::new(cell.low.clone(), width.clone(), left), Cell::new(middle, width, right)]
}

/// Sets the integrals of boxes by the product rule and what they can be off by; gives the number of
/// evaluations.
fn evaluate(
    f: &impl Fn(&[f64]) -> Result<Vec<f64>>,
    cells: &mut [Cell],
    seen: &Seen<'_>,
) -> Result<usize> {
    let d = seen.features;
    let each = NODES.len().pow(d as u32);
    let node = |k: usize, axis: usize| NODES[k / NODES.len().pow(axis as u32) % NODES.len()];
    let mut points = Vec::with_capacity(cells.len() * each * d);
    for cell in cells.iter() {
        for k in 0..each {
            let along =
                |axis: usize| cell.low[axis] + cell.width[axis] * (node(k, axis).0 + 1.0) / 2.0;
            points.extend((0..d).map(along));
        }
    }
    let values = f(&points)?;
    for (cell, values) in cells.iter_mut().zip(values.chunks_exact(each)) {
        // The rule of Gauss along one axis, of Kronrod along the others.
        let weight = |k: usize, coarse: Option<usize>| -> f64 {
            let along = |axis: usize| {
                let (_, gauss, kronrod) = node(k, axis);
                cell.width[axis] / 2.0 * if coarse == Some(axis) { gauss } else { kronrod }
            };
            (0..d).map(along).product()
        };
        let sum = |coarse: Option<usize>| -> f64 {
            values.iter().enumerate().map(|(k, value)| weight(k, coarse) * value).sum()
        };
        cell.value = sum(None);
        cell.errors = (0..d).map(|axis| (sum(Some(axis)) - cell.value).abs()).collect();
        let largest = values.iter().copied().fold(0.0, f64::max);
        let beyond = cell.seen.iter().any(|&point| seen.values[point] > UNRESOLVED * largest);
        cell.missed = if beyond { cell.seen.len() as f64 / seen.values.len() as f64 } else { 0.0 };
    }
    Ok(values.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: Budget = Budget { error: 1e-7, evaluations: 2_000_000 };

    /// Both rules by their degrees, and a kink, which neither knows.
    #[test]
    fn polynomials_and_kinks_are_integrated() {
        for degree in 0..=11 {
            let rule = |pick: fn(&(f64, f64, f64)) -> f64| -> f64 {
                NODES.iter().map(|node| pick(node) * node.0.powi(degree)).sum()
            };
            let expected = if degree % 2 == 0 { 2.0 / f64::from(degree + 1) } else { 0.0 };
            assert!((rule(|node| node.2) - expected).abs() < 1e-14, "Kronrod, degree {degree}");
            let is_exact = (rule(|node| node.1) - expected).abs() < 1e-14;
            assert_eq!(is_exact, degree <= 5 || degree % 2 == 1, "Gauss, degree {degree}");
        }
        // ∫ x⁸ (1 + y) = 2/9 · 2, and ∫ |x − 0.3| = (1.3² + 0.7²)/2.
        let smooth =
            |p: &[f64]| Ok(p.chunks_exact(2).map(|p| p[0].powi(8) * (1.0 + p[1])).collect());
        let found = integrate(smooth, &[1.0, 1.0], &[], FINE).unwrap();
        assert!((found.value - 4.0 / 9.0).abs() < 1e-12, "{found:?}");
        let kink = |p: &[f64]| Ok(p.iter().map(|x| (x - 0.3).abs()).collect());
        let found = integrate(kink, &[1.0], &[], FINE).unwrap();
        assert!((found.value - 1.09).abs() <= found.error && found.error <= 1e-7, "{found:?}");
    }

    /// A bell over the plane of this centre and width.
    fn bell(p: &[f64], centre: [f64; 2], width: f64) -> f64 {
        let r: f64 = p.iter().zip(&centre).map(|(x, c)| ((x - c) / width).powi(2)).sum();
        (-r / 2.0).exp() / (std::f64::consts::TAU * width * width)
    }

    /// A peak so narrow that a grid would not see it, beside a broad one: four points in a thousand lie
    /// in it.
    #[test]
    fn peaks_with_points_in_them_are_found() {
        let (broad, narrow) = ([0.3, 0.2], [0.123_4, -0.567_8]);
        let density = |p: &[f64]| {
            let at = |p: &[f64]| 0.996 * bell(p, broad, 0.1) + 0.004 * bell(p, narrow, 1e-7);
            Ok(p.chunks_exact(2).map(at).collect())
        };
        let seen: Vec<f64> = (0..1000)
            .flat_map(|i| {
                let step = 0.8 * f64::from(i % 14 - 7) / 7.0;
                let (centre, width) = if i % 250 == 0 { (narrow, 1e-7) } else { (broad, 0.1) };
                [centre[0] + width * step, centre[1] - width * step]
            })
            .collect();
        let budget = Budget { error: 1e-4, ..FINE };
        let found = integrate(density, &[1.0, 1.0], &seen, budget).unwrap();
        // A part of the peak lies in boxes beside it without a point: about as much as one point is worth.
        let off = (found.value - 1.0).abs();
        assert!(off <= found.error + 1e-3 && found.error < 1e-4, "{found:?}");
        assert!(found.missed <= 0.0, "{found:?}");
        // Where evaluations end before it is resolved, that is told.
        let few = Budget { evaluations: seen.len() / 2 + 49 * 60, ..budget };
        let found = integrate(density, &[1.0, 1.0], &seen, few).unwrap();
        assert!(found.value < 0.997 && found.missed >= 0.004, "{found:?}");
    }
}
