//! Flows of splines against nflows.

use super::compare::check_flow;
use super::{Golden, MIN, chain, net, slope_offset};
use anyhow::Result;
use diffeo_flows::nets::{Activation, LastLayer};
use diffeo_flows::transforms::{Coupling, Half, LuLinear, MaskedAutoregressive, Permutation};
use diffeo_flows::univariates::RationalQuadraticSpline;
use diffeo_flows::{Params, Transform};

const BINS: usize = 5;
const PER_FEATURE: usize = 3 * BINS - 1;

fn spline() -> Result<RationalQuadraticSpline> {
    Ok(RationalQuadraticSpline::new(BINS, 3.0)?)
}

#[test]
fn masked_autoregressive_splines_agree_with_nflows() -> Result<()> {
    let mut golden = Golden::parse(include_str!("nflows_spline_autoregressive.json"))?;
    for i in [0, 2, 4] {
        golden.sort_hidden(i, 2);
        spline_head(&mut golden, i, 1.0)?;
    }
    let net = net(&[6, 6], Activation::Relu, false);
    let build = |p: &mut Params| {
        let mut maps: Vec<Box<dyn Transform>> = Vec::new();
        for name in ["0", "2", "4"] {
            if name != "0" {
                maps.push(Box::new(Permutation::reverse(p.scope(&format!("before {name}")), 3)?));
            }
            let (scope, last) = (p.scope(name), LastLayer::Zero);
            maps.push(Box::new(MaskedAutoregressive::new(scope, (3, 0), spline()?, &net, last)?));
        }
        chain(3, maps)
    };
    check_flow(&golden, build)
}

#[test]
fn spline_couplings_agree_with_nflows() -> Result<()> {
    let mut golden = Golden::parse(include_str!("nflows_spline_coupling.json"))?;
    for i in [0, 3] {
        spline_head(&mut golden, i, 1.0 / 6.0_f64.sqrt())?;
    }
    // nflows' diagonal of U is softplus(u) + MIN, ours exp(s).
    let diagonal = golden.take("1.unconstrained_diagonal")?;
    let logs = diagonal[0].iter().map(|u| (u.exp().ln_1p() + MIN).ln()).collect();
    golden.put("1.log_diagonal", vec![logs]);
    let net = net(&[6, 6], Activation::Relu, true);
    let build = |p: &mut Params| {
        let coupling = |p: &mut Params, name: &str, half| -> Result<_> {
            let (scope, last) = (p.scope(name), LastLayer::Zero);
            Ok(Coupling::new(scope, (3, 0), half, spline()?, &net, last)?)
        };
        let first = coupling(p, "0", Half::First)?;
        let linear = LuLinear::new(p.scope("1"), 3, LastLayer::Zero)?;
        let permutation = Permutation::reverse(p.scope("2"), 3)?;
        let last = coupling(p, "3", Half::Second)?;
        chain(3, vec![Box::new(first), Box::new(linear), Box::new(permutation), Box::new(last)])
    };
    check_flow(&golden, build)
}

/// The last layer of a conditioner of nflows as ours.
///
/// nflows multiplies widths and heights by `scale` = 1/√width of a residual network before the
/// softmax; its raw slopes start at softplus(0), ours at slope 1.
fn spline_head(golden: &mut Golden, layer: usize, scale: f64) -> Result<()> {
    let mut weight = golden.take(&format!("{layer}.last.weight"))?;
    let mut bias = golden.take(&format!("{layer}.last.bias"))?;
    for (i, row) in weight.iter_mut().enumerate() {
        if i % PER_FEATURE < 2 * BINS {
            for entry in row.iter_mut() {
                *entry *= scale;
            }
            bias[0][i] *= scale;
        } else {
            bias[0][i] -= slope_offset();
        }
    }
    golden.put(&format!("{layer}.last.weight"), weight);
    golden.put(&format!("{layer}.last.bias"), bias);
    Ok(())
}
