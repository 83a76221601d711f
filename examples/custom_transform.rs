//! A transform of one's own in a flow: `cargo run --release --example custom_transform`.
//!
//! z = sinh(x): it pulls in no tails, it stretches them; its inverse is known, so a Gaussian behind
//! it is a density with light tails.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use candle_core::{DType, Device, Tensor};
use diffeo::flows::densities::StandardNormal;
use diffeo::flows::transform::{Direction, FlowOfField, Layer, check_points};
use diffeo::flows::{Chain, Density, Flow, Mapped, Result, Transform};
use diffeo::plots::{DensityCurve, Figure};

/// z = sinh x on each feature; log|det J| = Σ ln cosh xᵢ.
#[derive(Debug)]
struct Sinh {
    features: usize,
}

impl Transform for Sinh {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Sinh::forward", x, self.features)?;
        let (up, down) = (x.exp()?, x.neg()?.exp()?);
        let log_det = (&up + &down)?.affine(0.5, 0.0)?.log()?.sum(1)?;
        Ok(Mapped { points: (up - down)?.affine(0.5, 0.0)?, log_det })
    }

    fn inverse(&self, z: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Sinh::inverse", z, self.features)?;
        // asinh is odd: taken of |z|, so that nothing cancels.
        let size = z.abs()?;
        let root = size.sqr()?.affine(1.0, 1.0)?.sqrt()?;
        let points = ((size + &root)?.log()? * z.sign()?)?;
        Ok(Mapped { points, log_det: root.log()?.neg()?.sum(1)? })
    }

    /// It takes nothing from data.
    fn initialise(&self, _: &Tensor, _: Option<&Tensor>, _: Direction) -> Result<()> {
        Ok(())
    }

    /// It is not the flow of a vector field.
    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let device = Device::Cpu;
    let layer = Layer { name: "sinh".to_owned(), transform: Box::new(Sinh { features: 1 }) };
    let base = Box::new(StandardNormal::new(1));
    let flow = Flow::new(Chain::new(1, vec![layer])?, base, 0, (DType::F64, &device))?;

    let step = 0.01;
    let x: Vec<f64> = (-400..400).map(|i| step * f64::from(i)).collect();
    let points = Tensor::from_slice(&x, (x.len(), 1), &device)?;
    let density = flow.log_prob(&points, None)?.exp()?.to_vec1::<f64>()?;
    let mass: f64 = density.iter().map(|p| p * step).sum();
    println!("∫ p = {mass:.6}; a wrong log-determinant would show here");

    let curve: Vec<(f64, f64)> = x.into_iter().zip(density).collect();
    std::fs::create_dir_all("target/pictures")?;
    DensityCurve::new("p(x)", &curve)
        .title("a Gaussian seen through sinh")
        .label("x")
        .save("target/pictures/custom_transform.png")?;
    Ok(())
}
