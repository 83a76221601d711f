//! Finds a few colours for many.
//!
//! Heckbert 1982, "Color image quantization for frame buffer display": boxes of colours are cut in
//! two at the median of their widest side. Here the box with the largest squared error is next, as
//! Wu 1991 advises ("Efficient statistical computations for optimal color quantization").

/// A colour and how many pixels have it.
pub(super) type Counted = ([u8; 3], u32);

/// A group of colours, how far they lie from their mean, and along which channel most.
struct Group {
    colours: Vec<Counted>,
    mean: [f64; 3],
    error: f64,
    channel: usize,
}

impl Group {
    fn new(colours: Vec<Counted>) -> Self {
        let (mut weight, mut sum, mut squares) = (0.0, [0.0; 3], [0.0; 3]);
        for colour in &colours {
            let pixels = weight_of(*colour);
            weight += pixels;
            for k in 0..3 {
                let value = f64::from(colour.0[k]);
                sum[k] += pixels * value;
                squares[k] += pixels * value * value;
            }
        }
        let mean = sum.map(|s| s / f64::max(weight, 1e-9));
        let errors = [0, 1, 2].map(|k| (squares[k] - mean[k] * sum[k]).max(0.0));
        let by_error = |a: &usize, b: &usize| errors[*a].total_cmp(&errors[*b]);
        let channel = (0..3).max_by(by_error).unwrap_or(0);
        // Of one colour nothing but rounding is left.
        let error = if colours.len() > 1 { errors.iter().sum() } else { 0.0 };
        Self { colours, mean, error, channel }
    }

    /// Both halves, neither of them empty where there are two colours.
    fn cut(mut self) -> [Self; 2] {
        let channel = self.channel;
        self.colours.sort_by_key(|(rgb, _)| (rgb[channel], *rgb));
        let half = 0.5 * self.colours.iter().map(|colour| weight_of(*colour)).sum::<f64>();
        let mut sum = 0.0;
        let before = |colour: &&Counted| {
            sum += weight_of(**colour);
            sum < half
        };
        let middle = self.colours.iter().take_while(before).count();
        let middle = middle.clamp(1, self.colours.len().saturating_sub(1).max(1));
        let upper = self.colours.split_off(middle.min(self.colours.len()));
        [Self::new(self.colours), Self::new(upper)]
    }
}

/// Less than the number of pixels: small marks carry the meaning, large areas do not.
fn weight_of((_, count): Counted) -> f64 {
    f64::from(count).sqrt()
}

/// At most `most` colours that stand for all.
pub(super) fn median_cut(colours: Vec<Counted>, most: usize) -> Vec<[u8; 3]> {
    let mut groups = vec![Group::new(colours)];
    while groups.len() < most {
        let by_error = |a: &usize, b: &usize| groups[*a].error.total_cmp(&groups[*b].error);
        let worst = (0..groups.len()).max_by(by_error).filter(|&i| groups[i].error > 0.0);
        let Some(worst) = worst else { break };
        let halves = groups.swap_remove(worst).cut();
        groups.extend(halves);
    }
    groups.iter().map(|group| group.mean.map(|v| v.round() as u8)).collect()
}
