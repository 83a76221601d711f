//! Finds the weights of a network among the parameters.

use super::{Block, Degrees, Net};
use crate::fast::dense::{Dense, Reach};
use crate::fast::layout::Layout;
use crate::nets::{NetConfig, degrees};

impl Net {
    /// A perceptron below `path`, as [`Mlp`](crate::nets::Mlp) builds it: `features` inputs, then
    /// those of the context.
    pub(in crate::fast) fn mlp(
        layout: &Layout,
        path: &str,
        (features, context): (usize, usize),
        outputs: usize,
        config: &NetConfig,
    ) -> Option<Self> {
        let build = Build { layout, path, degrees: Vec::new() };
        let width = *config.hidden.first()?;
        // The rows of the context stand below those of the features in one matrix.
        let whole = build.dense("first", (features + context, width), None)?;
        let first = Dense { inputs: features, ..whole };
        let from_context = Dense {
            inputs: context,
            outputs: width,
            weight: first.weight + features * width,
            bias: first.bias,
            reach: Reach::Full,
        };
        let context = (context > 0).then_some((from_context, false));
        build.net(first, context, (outputs, None), config)
    }

    /// A masked network below `path`, as [`Made`](crate::nets::Made) builds it; none when its masks
    /// are not those of units in the order of their degrees.
    pub(in crate::fast) fn made(
        layout: &Layout,
        path: &str,
        (features, context): (usize, usize),
        per_feature: usize,
        config: &NetConfig,
    ) -> Option<Self> {
        let of = |width: &usize| degrees(*width, features, context > 0);
        let hidden: Vec<Vec<usize>> = config.hidden.iter().map(of).collect();
        let build = Build { layout, path, degrees: hidden };
        let width = *config.hidden.first()?;
        let input: Vec<usize> = (1..=features).collect();
        let first = build.dense("first", (features, width), Some((&input, &build.degrees[0])))?;
        let from_context = match context {
            0 => None,
            k => Some((build.dense("context", (k, width), None)?, true)),
        };
        let output: Vec<usize> =
            (0..features).flat_map(|i| std::iter::repeat_n(i, per_feature)).collect();
        let up_to = build.degrees.iter().map(|degrees| {
            (0..features).map(|d| degrees.partition_point(|degree| *degree <= d)).collect()
        });
        let degrees = Degrees { up_to: up_to.collect(), per_feature };
        let net = build.net(first, from_context, (output.len(), Some(&output)), config)?;
        Some(Self { degrees: Some(degrees), ..net })
    }
}

/// Degrees of what goes into a product and of what comes out.
type Masked<'a> = (&'a [usize], &'a [usize]);

struct Build<'a> {
    layout: &'a Layout<'a>,
    path: &'a str,
    /// Of the hidden layers; empty for a network without masks.
    degrees: Vec<Vec<usize>>,
}

impl Build<'_> {
    fn net(
        &self,
        first: Dense,
        context: Option<(Dense, bool)>,
        (outputs, output_degrees): (usize, Option<&Vec<usize>>),
        config: &NetConfig,
    ) -> Option<Net> {
        let mut blocks = Vec::new();
        for (i, widths) in config.hidden.windows(2).enumerate() {
            let (from, to) = (widths[0], widths[1]);
            let masked = |from: usize, to: usize| -> Option<Masked> {
                Some((self.degrees.get(from)?, self.degrees.get(to)?))
            };
            let name = |k: usize| format!("{}.{k}", i + 1);
            let one = self.dense(&name(0), (from, to), masked(i, i + 1))?;
            blocks.push(if config.residual {
                Block::Residual(one, self.dense(&name(1), (to, to), masked(i, i + 1))?)
            } else {
                Block::Plain(one)
            });
        }
        let top = config.hidden.len() - 1;
        let masked = output_degrees.and_then(|output| Some((&**self.degrees.get(top)?, &**output)));
        let last = self.dense("last", (config.hidden[top], outputs), masked)?;
        let activation = config.activation;
        let widths = blocks.iter().flat_map(|block| match block {
            Block::Plain(dense) => vec![dense.outputs],
            Block::Residual(first, second) => vec![first.outputs, second.outputs],
        });
        let hidden = std::iter::once(first.outputs).chain(widths).collect();
        Some(Net { first, context, blocks, last, activation, degrees: None, hidden })
    }

    fn dense(
        &self,
        name: &str,
        (inputs, outputs): (usize, usize),
        masked: Option<Masked>,
    ) -> Option<Dense> {
        let path = format!("{}.{name}", self.path);
        let reach = match masked {
            None => Reach::Full,
            Some(degrees) => {
                self.check_mask(&path, degrees)?;
                staircase(degrees)
            }
        };
        let weight = self.layout.place(&format!("{path}.weight"), inputs * outputs)?;
        let bias = self.layout.place(&format!("{path}.bias"), outputs)?;
        Some(Dense { inputs, outputs, weight, bias, reach })
    }

    /// Nothing when the mask that is stored differs from that of the degrees.
    fn check_mask(&self, path: &str, (from, to): Masked) -> Option<()> {
        let stored = self.layout.buffer(&format!("{path}.mask"))?;
        let expected = from.iter().flat_map(|f| to.iter().map(move |t| t >= f));
        let same = stored.len() == from.len() * to.len()
            && stored.iter().zip(expected).all(|(mask, open)| (*mask > 0.5) == open);
        same.then_some(())
    }
}

/// Degrees in ascending order make masks in the shape of a staircase.
fn staircase((from, to): Masked) -> Reach {
    Reach::Staircase {
        seen: to.iter().map(|t| from.partition_point(|f| f <= t)).collect(),
        seen_from: from.iter().map(|f| to.partition_point(|t| t < f)).collect(),
    }
}
