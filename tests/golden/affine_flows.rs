//! Flows of affine maps against zuko and nflows.

use super::compare::check_flow;
use super::{Golden, MIN, chain, net};
use anyhow::Result;
use diffeo_flows::nets::{Activation, LastLayer, NetConfig};
use diffeo_flows::transforms::{Coupling, Half, MaskedAutoregressive, Permutation};
use diffeo_flows::univariates::Affine;
use diffeo_flows::{Params, Transform};

/// zuko's bound on the log-scale: it writes the smallest slope, 1e-3.
fn affine() -> Result<Affine> {
    Ok(Affine::new(-MIN.ln())?)
}

/// Two affine couplings of three features, the first half fixed, then the second.
fn coupling_affine(p: &mut Params, context: usize, net: &NetConfig) -> Result<Box<dyn Transform>> {
    let mut maps: Vec<Box<dyn Transform>> = Vec::new();
    for (i, half) in [Half::First, Half::Second].into_iter().enumerate() {
        let scope = p.scope(&i.to_string());
        maps.push(Box::new(Coupling::new(
            scope,
            (3, context),
            half,
            affine()?,
            net,
            LastLayer::Zero,
        )?));
    }
    chain(3, maps)
}

/// Two masked autoregressive affine maps of four features, reversed between.
fn maf(p: &mut Params, context: usize, net: &NetConfig) -> Result<Box<dyn Transform>> {
    let build = |p: &mut Params, name: &str| -> Result<_> {
        let (scope, last) = (p.scope(name), LastLayer::Zero);
        Ok(MaskedAutoregressive::new(scope, (4, context), affine()?, net, last)?)
    };
    let (first, last) = (build(p, "0")?, build(p, "2")?);
    let reverse = Permutation::reverse(p.scope("1"), 4)?;
    chain(4, vec![Box::new(first), Box::new(reverse), Box::new(last)])
}

#[test]
fn affine_couplings_agree_with_zuko() -> Result<()> {
    let golden = Golden::parse(include_str!("zuko_coupling_affine.json"))?;
    let net = net(&[8, 6], Activation::Relu, false);
    check_flow(&golden, |p| coupling_affine(p, 0, &net))
}

#[test]
fn conditional_affine_couplings_agree_with_zuko() -> Result<()> {
    let golden = Golden::parse(include_str!("zuko_coupling_affine_context.json"))?;
    let net = net(&[8, 6], Activation::Tanh, false);
    check_flow(&golden, |p| coupling_affine(p, 2, &net))
}

#[test]
fn masked_autoregressive_affine_maps_agree_with_zuko() -> Result<()> {
    let mut golden = Golden::parse(include_str!("zuko_maf.json"))?;
    for i in [0, 2] {
        golden.sort_hidden(i, 3);
    }
    let net = net(&[7, 10], Activation::Relu, false);
    check_flow(&golden, |p| maf(p, 0, &net))
}

#[test]
fn conditional_masked_autoregressive_affine_maps_agree_with_zuko() -> Result<()> {
    let mut golden = Golden::parse(include_str!("zuko_maf_context.json"))?;
    for i in [0, 2] {
        context_apart(&mut golden, i)?;
        golden.sort_hidden(i, 4);
    }
    let net = net(&[7, 10], Activation::Silu, false);
    check_flow(&golden, |p| maf(p, 2, &net))
}

/// zuko appends the context to the masked inputs; we have a layer for it, whose bias is zero here.
fn context_apart(golden: &mut Golden, layer: usize) -> Result<()> {
    let mut features = golden.take(&format!("{layer}.first.weight"))?;
    let context = features.iter_mut().map(|row| row.split_off(4)).collect();
    let bias = vec![vec![0.0; features.len()]];
    golden.put(&format!("{layer}.first.weight"), features);
    golden.put(&format!("{layer}.context.weight"), context);
    golden.put(&format!("{layer}.context.bias"), bias);
    Ok(())
}

#[test]
fn residual_masked_autoregressive_affine_maps_agree_with_nflows() -> Result<()> {
    let mut golden = Golden::parse(include_str!("nflows_maf_residual.json"))?;
    for i in [0, 2] {
        golden.sort_hidden(i, 3);
    }
    let net = net(&[9, 9, 9], Activation::Relu, true);
    check_flow(&golden, |p| maf(p, 0, &net))
}
