//! Refuses flags that a kind of picture has no use for.

use crate::args::{PlotArgs, PlotKind};
use crate::failure::Usage;
use anyhow::Result;

/// Whether an animation is asked for.
pub fn is_film(args: &PlotArgs) -> bool {
    args.output.extension().is_some_and(|e| e.eq_ignore_ascii_case("gif"))
}

/// Fails unless a .gif is asked for exactly where there is something to animate.
pub fn check_animation(args: &PlotArgs) -> Result<()> {
    let (kind, file) = (args.kind.name(), args.output.display());
    if args.animate && !is_film(args) {
        let message =
            format!("--animate: an animation is written as a .gif; name one with -o, not {file}");
        return Err(Usage(message).into());
    }
    if is_film(args) && !args.kind.can_move() {
        let message = format!(
            "-o {file}: nothing moves in {kind}; write .png or .svg, or animate flow, trajectories or \
             reverse"
        );
        return Err(Usage(message).into());
    }
    Ok(())
}

/// Fails for flags that this kind of picture of a model has no use for.
pub fn refuse_idle(args: &PlotArgs) -> Result<()> {
    let (kind, which) = (args.kind, &args.which);
    let has_style = matches!(kind, PlotKind::Field | PlotKind::Compare);
    let idle = [
        ("--streamlines", args.streamlines && !has_style),
        ("--score", which.score && !kind.is_of_field()),
        ("--time", which.time.is_some() && !kind.is_of_field()),
        ("--noise", !which.noise.is_empty() && !kind.is_of_field() && kind != PlotKind::Energy),
        ("--sampler", args.sampler.sampler.is_some() && kind != PlotKind::Reverse),
        ("--with", !args.with.is_empty() && !matches!(kind, PlotKind::Compare | PlotKind::Scores)),
        ("--log", args.log && kind != PlotKind::Density),
    ];
    match idle.iter().find(|(_, idle)| *idle) {
        Some((flag, _)) => Err(Usage(format!(
            "{flag}: this kind of picture, {}, has no use for it; leave it out",
            kind.name()
        ))
        .into()),
        None => Ok(()),
    }
}
