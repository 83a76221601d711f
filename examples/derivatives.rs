//! Derivatives of maps, by hand and by the library: `cargo run --release --example derivatives`.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use candle_core::{Device, Tensor, Var};
use diffeo::flows::Result;
use diffeo::flows::calculus::{
    Anderson, Dual, FromDual, Mode, Probe, ScalarRoot, curl, divergence, exact, fixed_point,
    hutch_plus_plus, hutchinson, jacobian, jacobian_by, laplacian, scalar_root, singular_values,
    vjp,
};
use diffeo::flows::rng::{Stream, generator};

fn main() -> Result<()> {
    let x = Tensor::new(&[[1f64, 2.0], [1.0, 0.0]], &Device::Cpu)?;
    let f = FromDual::new(2, 2, |p: &Dual| {
        let (x, y) = (p.narrow(0, 1)?, p.narrow(1, 1)?);
        Dual::cat(&[x.sqr()?.add(&y)?, x.mul(&y)?])
    });
    println!("J of (x² + y, xy) at (1, 2) and (1, 0): {:?}", entries(&jacobian(&f, &x)?.matrix)?);
    println!("  singular values {:.4?}: rank 1 and rank 2", singular_values(&f, &x)?);

    let softmax = FromDual::new(2, 2, |p: &Dual| p.exp()?.div(&p.exp()?.sum()?));
    println!("softmax: singular values {:.4?}", singular_values(&softmax, &x)?);
    let (s, ds) = vjp(&softmax, &x, &x)?;
    let inner = (&s * &x)?.sum_keepdim(1)?;
    let by_hand = (s * x.broadcast_sub(&inner)?)?;
    println!(
        "  gᵀJ − s (g − Σ g s) = {:.1e}",
        (ds - by_hand)?.abs()?.max_all()?.to_scalar::<f64>()?
    );

    let loss = FromDual::new(2, 1, |p: &Dual| p.sqr()?.sum());
    for mode in [Mode::Forward, Mode::Reverse] {
        let cost = jacobian_by(mode, &loss, &x)?;
        println!(
            "{mode:?}: {} forward, {} reverse passes",
            cost.forward_passes, cost.reverse_passes
        );
    }
    let turn = Tensor::new(&[[1f64, 1.0], [-1.0, 1.0]], &Device::Cpu)?;
    let spiral = FromDual::new(2, 2, |p: &Dual| p.matmul(&turn));
    let (spread, turns) = (entries(&divergence(&spiral, &x)?)?, entries(&curl(&spiral, &x)?)?);
    println!("spiral: divergence {spread:?}, curl {turns:?}");
    let cubes = FromDual::new(2, 1, |p: &Dual| p.sqr()?.mul(p)?.sum());
    println!("Δ(x³ + y³) at (1, 2) and (1, 0): {:?}", entries(&laplacian(&cubes, &x)?)?);
    traces()?;
    implicit()
}

fn traces() -> Result<()> {
    let field = FromDual::new(9, 9, |p: &Dual| p.sin()?.mul(&p.sum()?));
    let x = Tensor::arange(0f64, 9.0, &Device::Cpu)?.affine(0.1, 0.0)?.unsqueeze(0)?;
    let rng = &mut generator(0, Stream::Objective, 0);
    let signs = hutchinson(&field, &x, Probe::Rademacher, 6, rng)?;
    let sketched = hutch_plus_plus(&field, &x, 6, rng)?;
    for (name, e) in [("exact", exact(&field, &x)?), ("Hutchinson", signs), ("Hutch++", sketched)] {
        println!("trace, {name}: {:.3?} ± {:.3?}", entries(&e.value)?, entries(&e.standard_error)?);
    }
    Ok(())
}

fn implicit() -> Result<()> {
    let x = Var::new(&[[0.6f64]], &Device::Cpu)?;
    let circle = |y: &Dual| y.sqr()?.shift(&x.sqr()?.affine(1.0, -1.0)?);
    let y = scalar_root(circle, &x, ScalarRoot::within([0.0, 2.0]))?;
    println!("circle: y(0.6) = {:?}, dy/dx = {:?}", entries(&y)?, slope(&y, &x)?);
    let layer = |z: &Dual| z.scale(0.5)?.shift(&x)?.tanh();
    let z = fixed_point(layer, &x, Anderson::default())?;
    println!("z = tanh(z/2 + x): {:?}, dz/dx = {:?}", entries(&z)?, slope(&z, &x)?);
    Ok(())
}

fn slope(y: &Tensor, x: &Var) -> Result<Option<Vec<f64>>> {
    y.sum_all()?.backward()?.get(x).map(entries).transpose()
}

fn entries(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}
