//! Draws a function of the plane as a surface in space.

use super::camera::Camera;
use super::cells::draw_cells;
use super::floor::draw_floor;
use super::frame::{draw_edges, draw_walls, edges};
use super::names::{bounds, labels};
use super::space::Space;
use crate::axes::ColourBar;
use crate::draw::geometry::Rect;
use crate::draw::scene::Label;
use crate::figures::look::{Look, label_setter, look_setters};
use crate::figures::plane::missing;
use crate::figures::sheet::EDGE;
use crate::stats::Interval;
use crate::{Figure, Grid, PlotError, Result, Scene};

const WIDTH: f64 = 560.0;
/// Least length of one in space, in points.
const LEAST: f64 = 20.0;
/// Elevations in degrees from which a surface can be told from a line and from a map.
const ELEVATIONS: (f64, f64) = (5.0, 75.0);
/// Height of the colour bar as a share of the drawing.
const BAR: f64 = 0.62;

/// A function of the plane, as an energy, as a shaded surface in space: coloured by value, with a
/// mesh, a box with ticks and a colour bar, seen from far away so that parallels stay parallel.
///
/// Cells beside a missing value are left out, and everything above the ceiling, if there is one.
///
/// # Errors
/// When drawn: [`PlotError::Range`] for a ceiling below all values.
///
/// # Example
/// ```
/// use diffeo_plots::{Figure, Grid, Surface};
/// let node = |k: usize| -2.0 + 4.0 * k as f64 / 40.0;
/// let energy = |x: f64, y: f64| (x * x - 1.0).powi(2) + y * y;
/// let values: Vec<f64> = (0..41 * 41).map(|k| energy(node(k % 41), node(k / 41))).collect();
/// let grid = Grid::new(&values, [41, 41], (-2.0, 2.0), (-2.0, 2.0))?;
/// let figure = Surface::new(grid).ceiling(3.0).floor_contours().value_label("energy");
/// let svg = figure.view(-60.0, 35.0).labels("x₁", "x₂").scene()?.svg()?;
/// assert!(svg.contains("energy"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Surface {
    grid: Grid,
    ceiling: Option<f64>,
    floor_contours: bool,
    view: [f64; 2],
    value_label: String,
    labels: [String; 2],
    look: Look,
}

impl Surface {
    /// The surface of the values of `grid`.
    pub fn new(grid: Grid) -> Self {
        Self {
            grid,
            ceiling: None,
            floor_contours: false,
            view: [-60.0, 32.0],
            value_label: String::new(),
            labels: <[String; 2]>::default(),
            look: Look::default(),
        }
    }

    /// The value where the surface is cut off, so that steep walls do not hide what they enclose;
    /// one that is not finite is ignored.
    #[must_use]
    pub fn ceiling(mut self, ceiling: f64) -> Self {
        self.ceiling = Some(ceiling);
        self
    }

    /// Lowers the floor and draws level lines on it.
    #[must_use]
    pub fn floor_contours(mut self) -> Self {
        self.floor_contours = true;
        self
    }

    /// Where the eye is, in degrees: `azimuth` around the vertical axis, from x towards y, and
    /// `elevation` above the floor, between 5 and 75; −60 and 32 by default.
    #[must_use]
    pub fn view(mut self, azimuth: f64, elevation: f64) -> Self {
        self.view = [azimuth, elevation];
        self
    }

    /// Name of the values, beside the vertical axis.
    #[must_use]
    pub fn value_label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.value_label);
        self
    }

    label_setter!();

    look_setters!(width: "560 by default");

    /// The values that are drawn, and the ceiling.
    fn values(&self) -> Result<(Interval, f64)> {
        let empty = PlotError::Empty { what: "the grid" };
        let all = Interval::covering(self.grid.known()).ok_or(empty)?;
        let Some(ceiling) = self.ceiling.filter(|c| c.is_finite() && *c < all.high) else {
            return Ok((all, f64::INFINITY));
        };
        let low = self.grid.known().fold(f64::INFINITY, f64::min);
        let values = Interval::new("the values below the ceiling", low, ceiling)?;
        Ok((values, ceiling))
    }

    fn camera(&self) -> Camera {
        let or = |v: f64, other: f64| if v.is_finite() { v } else { other };
        let [azimuth, elevation] = [or(self.view[0], -60.0) % 360.0, or(self.view[1], 32.0)];
        Camera::new(azimuth, elevation.clamp(ELEVATIONS.0, ELEVATIONS.1))
    }

    fn names(&self, space: &Space, camera: &Camera, room: f64) -> Vec<Label> {
        let names = [&self.labels[0], &self.labels[1], &self.value_label].map(String::as_str);
        labels(&self.look.theme, &edges(space, camera), names, room)
    }

    /// Makes the drawing as wide as `room` and moves it to the place; what it then covers.
    fn fit(&self, space: &Space, camera: &mut Camera, room: f64, at: [f64; 2]) -> Result<Rect> {
        let corners = |camera: &Camera| {
            let all = (0..8).map(|k| [k & 1, k >> 1 & 1, k >> 2].map(f64::from));
            let corner = |[x, y, z]: [f64; 3]| space.corner([2.0 * x - 1.0, 2.0 * y - 1.0, z]);
            all.map(|c| camera.point(corner(c))).collect::<Vec<_>>()
        };
        camera.scale = 1.0;
        let unit = bounds(&corners(camera), &[]).width;
        camera.scale = 0.7 * room / unit;
        let mut covered = Rect::new(0.0, 0.0, 0.0, 0.0);
        // Labels depend on the scale: a few rounds settle it.
        for _ in 0..6 {
            covered = bounds(&corners(camera), &self.names(space, camera, 0.42 * room));
            let beside = covered.width - unit * camera.scale;
            if (covered.width - room).abs() > 0.5 {
                camera.scale = (room - beside) / unit;
            }
            if camera.scale.is_nan() || camera.scale < LEAST {
                let width = self.look.width_or(WIDTH);
                return Err(PlotError::Canvas { width, height: width });
            }
        }
        covered = bounds(&corners(camera), &self.names(space, camera, 0.42 * room)).union(&covered);
        camera.origin = [at[0] - covered.x, at[1] - covered.y];
        Ok(Rect { x: at[0], y: at[1], ..covered })
    }
}

impl Figure for Surface {
    fn scene(&self) -> Result<Scene> {
        let ((values, ceiling), theme) = (self.values()?, &self.look.theme);
        let (space, mut camera) =
            (Space::new(&self.grid, values, self.floor_contours), self.camera());
        let beyond = [false, ceiling.is_finite()];
        let bar = ColourBar { beyond, ..ColourBar::new(theme, theme.shades(), values, "") };
        let width = self.look.width_or(WIDTH);
        let remark = missing(self.grid.skipped(), self.grid.values().len(), "values");
        let heading = self.look.heading(vec![], remark);
        let top = EDGE + heading.height(width - 2.0 * EDGE);
        let room = width - 2.0 * EDGE - bar.width(0.4 * width);
        let covered = self.fit(&space, &mut camera, room, [EDGE, top])?;
        let mut scene = Scene::new(width, covered.bottom() + EDGE, theme)?;
        heading.draw(&mut scene, &Rect::new(EDGE, EDGE, width - 2.0 * EDGE, top - EDGE));
        draw_walls(&mut scene, theme, &space, &camera);
        if self.floor_contours {
            draw_floor(&mut scene, theme, &self.grid, &space, &camera, &bar);
        }
        draw_cells(&mut scene, &self.grid, &space, &camera, (&bar, ceiling));
        draw_edges(&mut scene, theme, &edges(&space, &camera));
        for label in self.names(&space, &camera, 0.42 * room) {
            scene.text(label);
        }
        let height = BAR * covered.height;
        let y = covered.y + 0.5 * (covered.height - height);
        bar.draw(&mut scene, &Rect::new(covered.x, y, room, height));
        Ok(scene)
    }
}
