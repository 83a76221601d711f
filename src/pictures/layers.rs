//! Rows on their way through the layers of a flow.

use super::circles::Line;
use super::flow::LATENT;
use super::grid_lines::carried;
use super::{PictureError, Result, Studio};
use candle_core::Tensor;
use diffeo_plots::{Figure, FlowStages, Scene, Stage, latent_grid};

/// Most panels.
const PANELS: usize = 6;
/// Points drawn in each.
const DRAWN: usize = 3000;
/// Lines of the grid either way, and points on each to begin with.
const GRID: (usize, usize) = (19, 121);

/// Names of the axes between layers, where columns mean nothing by themselves.
const BETWEEN: [&str; 2] = ["u₁", "u₂"];

impl Studio<'_> {
    /// Rows, standardised, after some of the layers and at last in the latent space, over the latent
    /// grid on its way back; the colour of a point is its place along the first column.
    ///
    /// # Errors
    /// [`PictureError::NoPlane`] for other than two features or for a conditional density;
    /// [`PictureError::NoLayers`] for a continuous flow.
    pub fn layers(&self) -> Result<Scene> {
        if !self.has_plane() {
            return Err(PictureError::NoPlane);
        }
        let flow = self.model.flow();
        if flow.field().is_some() {
            return Err(PictureError::NoLayers);
        }
        let rows = match self.data {
            Some(rows) => rows.evenly(DRAWN).points().to_vec(),
            None => self.drawn()?.into_iter().take(2 * DRAWN).collect(),
        };
        let shades = places(&rows);
        let n = rows.len() / 2;
        let rows = Tensor::from_vec(rows, (n, 2), flow.device())?;
        let mut points = vec![self.model.preparation().forward(&rows)?.points];
        for layer in flow.transform().layers() {
            points.push(layer.transform.forward(&points[points.len() - 1], None)?.points);
        }
        let (grids, names) = (self.grids()?, self.columns());
        let all = points.len() - 1;
        let stage = |k: &usize| -> Result<Stage> {
            let coloured = plane(&points[*k])?.into_iter().zip(shades.iter().copied()).collect();
            let name = match *k {
                0 => "data, standardised".to_owned(),
                k if k == all => "latent".to_owned(),
                k => format!("after layer {k} of {all}"),
            };
            let [x, y] = match *k {
                0 => [0, 1].map(|j| names[j].as_str()),
                k if k == all => LATENT,
                _ => BETWEEN,
            };
            Ok(Stage::new(&name).lines(grids[*k].clone()).coloured(coloured).labels(x, y))
        };
        let stages = chosen(all).iter().map(stage).collect::<Result<Vec<_>>>()?;
        let figure = FlowStages::new(stages)
            .remark(&format!("colours: from the lowest to the highest {}", names[0]))
            .title(&format!("{}: layer by layer", self.name));
        Ok(figure.theme(self.theme.clone()).scene()?)
    }

    /// The latent grid carried back, as it is before each layer and at last in the latent space.
    fn grids(&self) -> Result<Vec<Vec<Line>>> {
        let flow = self.model.flow();
        let carry = |points: &[[f64; 2]]| -> Result<Vec<Line>> {
            let start = Tensor::from_vec(points.concat(), (points.len(), 2), flow.device())?;
            let mut at = start.to_dtype(flow.dtype())?;
            let mut stages = vec![points.to_vec()];
            for layer in flow.transform().layers().iter().rev() {
                at = layer.transform.inverse(&at, None)?.points;
                stages.push(plane(&at)?);
            }
            stages.reverse();
            Ok(stages)
        };
        carried(&latent_grid(3.0, GRID.0, GRID.1), carry)
    }
}

fn plane(points: &Tensor) -> Result<Vec<[f64; 2]>> {
    let values = diffeo_flows::params::to_f64(points)?;
    Ok(values.chunks_exact(2).map(|p| [p[0], p[1]]).collect())
}

/// Where each row stands along the first column, from 0 for the lowest to 1 for the highest.
pub(super) fn places(rows: &[f64]) -> Vec<f64> {
    let n = rows.len() / 2;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| rows[2 * a].total_cmp(&rows[2 * b]));
    let mut places = vec![0.0; n];
    for (place, row) in order.into_iter().enumerate() {
        places[row] = place as f64 / (n - 1).max(1) as f64;
    }
    places
}

/// At most [`PANELS`] of the stages 0 to `all`, evenly, the first and the last among them.
fn chosen(all: usize) -> Vec<usize> {
    let panels = PANELS.min(all + 1);
    let mut chosen: Vec<usize> = (0..panels)
        .map(|i| (i as f64 * all as f64 / (panels - 1).max(1) as f64).round() as usize)
        .collect();
    chosen.dedup();
    chosen
}

#[test]
fn stages_are_chosen_evenly_with_both_ends() {
    assert_eq!(chosen(0), [0]);
    assert_eq!(chosen(3), [0, 1, 2, 3]);
    assert_eq!(chosen(10), [0, 2, 4, 6, 8, 10]);
    assert_eq!(chosen(23).len(), PANELS);
    assert_eq!(places(&[3.0, 0.0, 1.0, 0.0, 2.0, 0.0]), [1.0, 0.0, 0.5]);
}
