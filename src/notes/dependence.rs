//! Columns that others determine: the rows then lie in a plane or on a curve, where there is no density.

use super::listing::{NAMED, listed, number};
use super::{Intake, Values};

/// Rows and columns that are looked at, at most.
const ROWS: usize = 4_000;
const COLUMNS: usize = 300;
/// What is left of a column once others are taken from it, in its standard deviations: rounding alone,
const EXACT: f64 = 1e-9;
/// or less than the narrowest direction that the initial mixture can follow.
const NEAR: f64 = 0.01;
/// Rows beyond the number of columns, so that a fit of all of them is no matter of course.
const SPARE: usize = 5;
/// Columns that a formula names.
const TERMS: usize = 5;

/// Columns that determine each other.
#[derive(Debug, PartialEq)]
struct Relation {
    names: Vec<String>,
    /// `total = a + b`, where it is short.
    formula: Option<String>,
    is_exact: bool,
}

/// Says which columns determine each other.
pub(super) fn notes(intake: &Intake<'_>, values: &[Values<'_>]) -> Vec<String> {
    let chosen: Vec<usize> =
        (0..values.len()).filter(|i| !values[*i].is_category()).take(COLUMNS).collect();
    let stride = intake.rows.len().div_ceil(ROWS).max(1);
    let columns: Vec<Vec<f64>> =
        chosen.iter().map(|at| intake.column(*at).step_by(stride).collect()).collect();
    let names: Vec<&str> = chosen.iter().map(|at| values[*at].name).collect();
    let mut relations = linear(&names, &columns);
    relations.extend(monotone(&names, &columns, &relations));
    let (exact, near): (Vec<_>, Vec<_>) = relations.into_iter().partition(|r| r.is_exact);
    let exact = said(&exact).map(|which| {
        format!(
            "warning: {which}: these columns determine each other, so that together they have no \
             density: log-likelihoods grow without bound and mean nothing, and the full Gaussian is null or \
             infinite; leave all but one of each out ({})",
            remedy(&exact)
        )
    });
    let near = said(&near).map(|which| {
        format!(
            "warning: {which} but for less than {} % of the spread: a flow can hardly follow rows that \
             lie so close to a plane; compare with the full Gaussian, or model the difference in place \
             of one column",
            100.0 * NEAR
        )
    });
    exact.into_iter().chain(near).collect()
}

fn said(relations: &[Relation]) -> Option<String> {
    let one = |r: &Relation| {
        r.formula.clone().unwrap_or_else(|| format!("{} are linearly dependent", listed(&r.names)))
    };
    let mut all: Vec<String> = relations.iter().take(NAMED).map(one).collect();
    if relations.len() > NAMED {
        all.push(format!("and {} more such relations", relations.len() - NAMED));
    }
    (!all.is_empty()).then(|| all.join("; "))
}

/// How to leave out the last column of each relation.
fn remedy(relations: &[Relation]) -> String {
    let mut last: Vec<&str> =
        relations.iter().filter_map(|r| Some(r.names.last()?.as_str())).collect();
    last.dedup();
    let plain = last.iter().all(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
    if plain { format!("--without {}", last.join(",")) } else { "--without".to_owned() }
}

/// A column about its mean, in units of its standard deviation.
struct Scaled {
    values: Vec<f64>,
    mean: f64,
    deviation: f64,
}

impl Scaled {
    /// None for a constant or vast column.
    fn of(column: &[f64]) -> Option<Self> {
        let n = column.len() as f64;
        let mean = column.iter().map(|x| x / n).sum::<f64>();
        let size = column.iter().map(|x| (x - mean).abs()).fold(0.0, f64::max);
        let norm = column.iter().map(|x| ((x - mean) / size).powi(2)).sum::<f64>().sqrt();
        let deviation = size * norm;
        let values = column.iter().map(|x| (x - mean) / deviation).collect();
        (deviation > 0.0 && deviation.is_finite()).then_some(Self { values, mean, deviation })
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Takes from `column` its part along `direction`, which has norm 1, and gives its size.
fn deflate(column: &mut [f64], direction: &[f64]) -> f64 {
    let along = dot(column, direction);
    column.iter_mut().zip(direction).for_each(|(c, d)| *c -= along * d);
    along
}

/// Linear relations, by modified Gram–Schmidt with column pivoting.
///
/// Columns enter the basis by what is left of them, the largest first; those of which less than
/// [`NEAR`] is left are combinations of the basis. Golub and Van Loan 2013, *Matrix Computations*, 5.4.
fn linear(names: &[&str], columns: &[Vec<f64>]) -> Vec<Relation> {
    let scaled: Vec<(usize, Scaled)> = columns
        .iter()
        .enumerate()
        .filter_map(|(i, column)| Some((i, Scaled::of(column)?)))
        .collect();
    let rows = columns.first().map_or(0, Vec::len);
    if rows < scaled.len() + SPARE {
        return Vec::new();
    }
    let mut left: Vec<Vec<f64>> = scaled.iter().map(|(_, s)| s.values.clone()).collect();
    let mut open: Vec<usize> = (0..left.len()).collect();
    let mut basis: Vec<(usize, Vec<f64>)> = Vec::new();
    loop {
        // The first of equals, whatever the rounding.
        let size = |i: usize| dot(&left[i], &left[i]).sqrt();
        let most = open.iter().map(|i| size(*i)).fold(0.0, f64::max);
        let Some(at) = open.iter().position(|i| size(*i) >= most * (1.0 - 1e-9)) else { break };
        if most < NEAR {
            break;
        }
        let pivot = open.remove(at);
        let mut direction = left[pivot].clone();
        for (_, other) in &basis {
            deflate(&mut direction, other);
        }
        let norm = dot(&direction, &direction).sqrt();
        for x in &mut direction {
            *x /= norm;
        }
        for i in &open {
            deflate(&mut left[*i], &direction);
        }
        basis.push((pivot, direction));
    }
    let of = |k: &usize| relation(names, &scaled, &basis, (*k, &left[*k]));
    open.iter().filter_map(of).collect()
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// How a column follows from the basis.
fn relation(
    names: &[&str],
    scaled: &[(usize, Scaled)],
    basis: &[(usize, Vec<f64>)],
    (k, left): (usize, &[f64]),
) -> Option<Relation> {
    let column = &scaled[k].1;
    // Of most rows nothing must be left: an outlier alone makes two columns follow each other.
    let spread = |values: &[f64]| {
        let middle = median(values);
        median(&values.iter().map(|x| (x - middle).abs()).collect::<Vec<_>>())
    };
    if spread(left) > 2.0 * NEAR * spread(&column.values) {
        return None;
    }
    let size = dot(left, left).sqrt();
    // Solves R w = Qᵀ x from the last row on.
    let mut rest = column.values.clone();
    let along: Vec<f64> = basis.iter().map(|(_, q)| deflate(&mut rest, q)).collect();
    let mut w = along.clone();
    for i in (0..basis.len()).rev() {
        let later: f64 = (i + 1..basis.len())
            .map(|j| dot(&basis[i].1, &scaled[basis[j].0].1.values) * w[j])
            .sum();
        w[i] = (along[i] - later) / dot(&basis[i].1, &scaled[basis[i].0].1.values);
    }
    let least = (10.0 * size).max(1e-6);
    let mut terms: Vec<(usize, f64)> = basis
        .iter()
        .zip(&w)
        .filter(|(_, w)| w.abs() > least)
        .map(|((i, _), w)| (*i, *w / scaled[*i].1.deviation))
        .collect();
    terms.push((k, -1.0 / column.deviation));
    terms.sort_by_key(|(i, _)| scaled[*i].0);
    let is_exact = size < EXACT;
    Some(Relation {
        names: terms.iter().map(|(i, _)| names[scaled[*i].0].to_owned()).collect(),
        formula: formula(names, scaled, &terms, is_exact),
        is_exact,
    })
}

/// `total = a + b`: the last column by the others, where Σ vᵢ (xᵢ − mᵢ) = 0.
fn formula(
    names: &[&str],
    scaled: &[(usize, Scaled)],
    terms: &[(usize, f64)],
    is_exact: bool,
) -> Option<String> {
    let ((last, by), others) = terms.split_last()?;
    if others.is_empty() || others.len() >= TERMS {
        return None;
    }
    let name = |i: &usize| names[scaled[*i].0];
    let mut constant = scaled[*last].1.mean;
    let mut text = String::new();
    for (i, v) in others {
        let slope = tidy(-v / by);
        constant -= slope * scaled[*i].1.mean;
        let sign = match (text.is_empty(), slope < 0.0) {
            (true, false) => "",
            (true, true) => "-",
            (false, false) => " + ",
            (false, true) => " - ",
        };
        let size = number(slope.abs());
        let factor = if size == "1" { String::new() } else { format!("{size} ") };
        text += &[sign, &factor, name(i)].concat();
    }
    let constant = tidy(constant);
    let counts = 1e-3 * scaled[*last].1.deviation / (scaled[*last].1.values.len() as f64).sqrt();
    if constant.abs() > counts {
        let sign = if constant < 0.0 { " - " } else { " + " };
        text += &[sign, &number(constant.abs())].concat();
    }
    let equals = if is_exact { "=" } else { "≈" };
    Some(format!("{} {equals} {text}", name(last)))
}

/// The whole number that it is but for rounding, or itself.
fn tidy(value: f64) -> f64 {
    let whole = value.round();
    if (value - whole).abs() <= 1e-6 * value.abs().max(1e-3) { whole } else { value }
}

/// Pairs whose values come in the same order, or the opposite one: each is a function of the other.
fn monotone(names: &[&str], columns: &[Vec<f64>], known: &[Relation]) -> Vec<Relation> {
    const FEWEST: usize = 10;
    let ranks: Vec<Option<Vec<usize>>> = columns
        .iter()
        .map(|column| dense_ranks(column).filter(|(_, most)| *most >= FEWEST).map(|(r, _)| r))
        .collect();
    let mut found = Vec::new();
    let is_known = |a: &str, b: &str| {
        known.iter().any(|r| [a, b].iter().all(|name| r.names.iter().any(|n| n == name)))
    };
    let mut taken = vec![false; names.len()];
    for (i, a) in ranks.iter().enumerate() {
        let Some(a) = a else { continue };
        if taken[i] {
            continue;
        }
        for (j, b) in ranks.iter().enumerate().skip(i + 1) {
            let Some(b) = b else { continue };
            let most = a.iter().max().copied().unwrap_or(0);
            let is_same = a.iter().zip(b).all(|(a, b)| a == b);
            let is_opposite = !is_same && a.iter().zip(b).all(|(a, b)| a + b == most);
            if (is_same || is_opposite) && !is_known(names[i], names[j]) {
                taken[j] = true;
                found.push(Relation {
                    names: [names[i], names[j]].map(str::to_owned).to_vec(),
                    formula: Some(format!("{} is a function of {}", names[j], names[i])),
                    is_exact: true,
                });
            }
        }
    }
    found
}

/// The rank of each value among the different ones, and how many there are.
fn dense_ranks(column: &[f64]) -> Option<(Vec<usize>, usize)> {
    let mut sorted = column.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup_by(|a, b| a.total_cmp(b).is_eq());
    let ranks = column.iter().map(|x| sorted.partition_point(|other| other.total_cmp(x).is_lt()));
    Some((ranks.collect(), sorted.len())).filter(|(_, most)| *most > 0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{normal, said};
    use super::*;

    fn relations(names: &[&str], rows: usize, value: impl Fn(usize) -> Vec<f64>) -> Vec<Relation> {
        let all: Vec<Vec<f64>> = (0..rows).map(value).collect();
        let columns: Vec<Vec<f64>> =
            (0..names.len()).map(|k| all.iter().map(|row| row[k]).collect()).collect();
        let mut found = linear(names, &columns);
        found.extend(monotone(names, &columns, &found));
        found
    }

    fn formulas(found: &[Relation]) -> Vec<&str> {
        found.iter().map(|r| r.formula.as_deref().unwrap_or("none")).collect()
    }

    #[test]
    fn exact_relations_are_written_out() {
        let found = relations(&["a", "b", "total"], 28, |i| {
            let (a, b) = (normal(i, 0), normal(i, 1));
            vec![a, b, a + b]
        });
        assert_eq!(formulas(&found), ["total = a + b"]);
        assert!(found[0].is_exact);
        let found =
            relations(&["a", "copy", "b"], 28, |i| vec![normal(i, 0), normal(i, 0), normal(i, 1)]);
        assert_eq!(formulas(&found), ["copy = a"]);
        let found = relations(&["year", "extent", "t"], 28, |i| {
            vec![1979.0 + i as f64, normal(i, 0), 1.0 + i as f64]
        });
        assert_eq!(formulas(&found), ["t = year - 1978"]);
        let found = relations(&["x", "z", "f"], 50, |i| {
            let (x, z) = (normal(i, 0), 1e6 * normal(i, 1));
            vec![x, z, 1.8 * x - 2.5e-6 * z + 32.0]
        });
        assert_eq!(formulas(&found), ["f = 1.8 x - 2.5000e-6 z + 32"]);
    }

    #[test]
    fn near_relations_are_told_from_exact_ones() {
        let found = relations(&["a", "b"], 300, |i| {
            vec![normal(i, 0), 2.0 * normal(i, 0) + 1e-6 * normal(i, 1)]
        });
        assert_eq!(formulas(&found), ["b ≈ 2 a"]);
        assert!(!found[0].is_exact);
        // Of correlations 0.99998 and 0.9998 only the first is closer than the initial mixture can follow.
        for (noise, told) in [(0.0063, 1), (0.02, 0)] {
            let found = relations(&["x", "y"], 400, |i| {
                vec![normal(i, 0), normal(i, 0) + noise * normal(i, 1)]
            });
            assert_eq!(found.len(), told, "{found:?}");
        }
    }

    #[test]
    fn curves_are_told_and_chance_is_not() {
        let found = relations(&["a", "b", "c"], 60, |i| {
            vec![normal(i, 0), -normal(i, 0).powi(3), normal(i, 1)]
        });
        assert_eq!(formulas(&found), ["b is a function of a"]);
        assert_eq!(relations(&["a", "b"], 60, |i| vec![normal(i, 0), normal(i, 1)]), []);
        // One row far out in both columns makes their correlation 1.
        let found = relations(&["a", "b"], 60, |i| {
            if i == 7 { vec![1e9, 1e9] } else { vec![normal(i, 0), normal(i, 1)] }
        });
        assert_eq!(found, []);
        // More columns than rows determine each other as a matter of course.
        let found = relations(&["a", "b", "c", "d"], 5, |i| (0..4).map(|k| normal(i, k)).collect());
        assert_eq!(found, []);
    }

    #[test]
    fn the_note_names_columns_and_remedy() {
        let told = said(&["a", "b", "total"], 40, |i| {
            let (a, b) = (normal(i, 0), normal(i, 1));
            vec![a, b, a + b]
        });
        assert!(told.contains("total = a + b: these columns determine each other"), "{told}");
        assert!(
            told.contains("the full Gaussian is null") && told.contains("--without total"),
            "{told}"
        );
    }
}
