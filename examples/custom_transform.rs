//! A transform of one's own, fitted, saved, loaded, sampled, certified and drawn:
//! `cargo run --release --example custom_transform`.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use candle_core::{Device, Tensor};
use diffeo::checks::{Certificate, Evidence, Subject};
use diffeo::flows::config::{LayerConfig, Recipe};
use diffeo::flows::kinds::Kind;
use diffeo::flows::nets::LastLayer;
use diffeo::flows::params::{Init, Scope};
use diffeo::flows::transform::{Direction, FlowOfField};
use diffeo::flows::transforms::LayerKind;
use diffeo::flows::{Mapped, Result, Transform, Workers, fit::Fit, model::Model, rows::Rows};
use diffeo::pictures::Studio;
use diffeo::plots::Theme;
use serde::{Deserialize, Serialize};

/// z = eˢ sinh x + b on each feature, which pulls in heavy tails; log|det J| = Σ sᵢ + ln cosh xᵢ.
#[derive(Debug)]
struct Sinh(Tensor, Tensor);

impl Transform for Sinh {
    fn features(&self) -> usize {
        self.0.elem_count()
    }

    fn forward(&self, x: &Tensor, _: Option<&Tensor>) -> Result<Mapped> {
        let x = x.clamp(-40.0, 40.0)?; // Beyond, the density is 0 in any precision.
        let (up, down) = ((x.exp()? * 0.5)?, (x.neg()?.exp()? * 0.5)?);
        let log_det = (&up + &down)?.log()?.broadcast_add(&self.0)?.sum(1)?;
        let points = (up - down)?.broadcast_mul(&self.0.exp()?)?.broadcast_add(&self.1)?;
        Ok(Mapped { points, log_det })
    }

    fn inverse(&self, z: &Tensor, _: Option<&Tensor>) -> Result<Mapped> {
        let sinh = z.broadcast_sub(&self.1)?.broadcast_mul(&self.0.neg()?.exp()?)?;
        // asinh is odd: taken of |sinh|, so that nothing cancels.
        let (size, cosh) = (sinh.abs()?, (sinh.sqr()? + 1.0)?.sqrt()?);
        let points = ((size + &cosh)?.log()? * sinh.sign()?)?;
        Ok(Mapped { points, log_det: cosh.log()?.broadcast_add(&self.0)?.neg()?.sum(1)? })
    }

    fn initialise(&self, _: &Tensor, _: Option<&Tensor>, _: Direction) -> Result<()> {
        Ok(()) // It takes nothing from data,
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None // and is not the flow of a vector field.
    }
}

/// What a file says of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SinhConfig {}

impl Kind for SinhConfig {
    const NAME: &'static str = "sinh";

    fn examples() -> Vec<Self> {
        vec![Self {}]
    }
}

impl LayerKind for SinhConfig {
    fn build(
        &self,
        mut at: Scope,
        (d, _): (usize, usize),
        _: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        let mut param = |name| at.trainable(name, (1, d), Init::Constant(0.0));
        Ok(Box::new(Sinh(param("log_scale")?, param("shift")?)))
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    LayerConfig::register::<SinhConfig>()?;
    let mut fit = Fit::new("nsf-ar")?;
    fit.recipe = Recipe { layers: 1, block: vec![SinhConfig {}.into()], ..fit.recipe };
    // asinh of normal numbers, of another width than that of the columns: close to what this flow can be.
    let normal = |i: i32| (std::f64::consts::TAU * (f64::from(i) * 0.754_877).fract()).cos();
    let spread = |i: i32| (-2.0 * (1.0 - (f64::from(i) * 0.569_84).fract()).ln()).sqrt();
    let rows = Rows::new(1, (0..4000).map(|i| (2.0 * normal(i) * spread(i)).asinh()).collect())?;
    let workers = Workers::new(2)?;
    let fitted = fit.split_and_run(&rows, &workers, &mut diffeo::flows::train::Quiet)?;
    std::fs::create_dir_all("target/pictures")?;
    fitted.model.save("target/pictures/sinh.safetensors")?;
    let model = Model::load("target/pictures/sinh.safetensors", &Device::Cpu)?;
    let evidence =
        Evidence { held_out: Some(&rows.take(&fitted.split.test)), ..Evidence::default() };
    let passed = Certificate::of(&Subject::new(&model, evidence, 0, &workers)?)?.passed;
    println!("certificate passed: {passed}; {:.2?}", model.sample_rows(3, None, 7, &workers)?);
    let (name, theme) = ("a flow of sinh", Theme::light());
    let studio = Studio { model: &model, data: Some(&rows), name, workers: &workers, theme };
    studio.density()?.save("target/pictures/custom_transform.png")?;
    Ok(())
}
