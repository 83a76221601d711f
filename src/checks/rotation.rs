//! Whether the score is a gradient.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::model::{FieldKind, ModelField};
use diffeo_flows::score::diagnostics::antisymmetric_share;

pub(super) const NAME: &str = "antisymmetric-share";
/// Of a gradient it is 0. A network that gives one number a coordinate comes near: a share of 1 % of
/// the squared Jacobian is a score turned by 6 degrees, as far off as one a tenth too long. Networks
/// trained to the end measured 0.0004 to 0.005.
const MOST: f64 = 0.01;
/// Places times features: each place costs as many evaluations as there are features, twice.
const PLACES: usize = 1000;
/// The same where each evaluation is a solution of a continuous flow, at a tolerance so tight that
/// it can be differentiated.
const SOLVED: usize = 40;
/// At any number of features.
const FEWEST: usize = 8;

/// How much of the squared Jacobian of the score is antisymmetric: of the network's, for a score
/// model.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let (network, continuous) = (subject.network(), subject.model.flow().field().is_some());
    let is_solved = continuous && network.is_none();
    let d = subject.samples.features();
    let most = if is_solved { SOLVED } else { PLACES } / d;
    let places = subject.some_places(most.max(FEWEST));
    if d == 1 {
        let why = "every field of one feature is a gradient".to_owned();
        return Ok(Outcome::Skipped { name: NAME, why });
    }
    let field = ModelField::new(subject.model, network.unwrap_or(FieldKind::Score))?;
    let jacobians = field.standard_jacobians(&places, subject.workers)?;
    let name = if network.is_some() { "network's score" } else { "score" };
    if network.is_none() && !continuous {
        return median(&jacobians, d, places.len());
    }
    let share = antisymmetric_share(&jacobians, d)?;
    let detail = format!(
        "of the squared Jacobian of the {name} at {} points, ± {:.1e}",
        places.len(),
        share.standard_error
    );
    Ok(Outcome::Checked(Check::at_most(NAME, share.mean, MOST, &detail)))
}

/// The median over places: networks with kinks have scores that jump, and a difference across a jump
/// says nothing, at a few places, in large numbers.
fn median(jacobians: &[f64], d: usize, places: usize) -> Result<Outcome> {
    let shares: Result<Vec<f64>> =
        jacobians.chunks_exact(d * d).map(|j| Ok(antisymmetric_share(j, d)?.mean)).collect();
    let mut shares = shares?;
    shares.sort_unstable_by(f64::total_cmp);
    let detail = format!("of the squared Jacobian of the score, median of {places} points");
    Ok(Outcome::Checked(Check::at_most(NAME, shares[shares.len() / 2], MOST, &detail)))
}
