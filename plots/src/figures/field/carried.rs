//! Reads a vector field in points of the scene.

use crate::VectorGrid;
use crate::axes::View;

/// Speeds below this share of the scale count as zero.
const STILL: f64 = 1e-6;

/// A vector field seen through a view.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carried<'a> {
    pub(super) field: &'a VectorGrid,
    pub(super) view: &'a View,
    /// The speed of the strongest colour.
    pub(super) scale: f64,
}

impl Carried<'_> {
    /// Unit direction (y downwards) and speed in data units at a point of the scene; nothing where
    /// the vector is missing or vanishes. Points just outside count as the nearest inside.
    pub(super) fn at(&self, point: [f64; 2]) -> Option<([f64; 2], f64)> {
        let vector = self.vector(point)?;
        let speed = vector[0].hypot(vector[1]);
        let [dx, dy] = self.view.vector(vector);
        let length = dx.hypot(dy);
        let moves = speed > STILL * self.scale && length > 0.0 && length.is_finite();
        moves.then(|| ([dx / length, dy / length], speed))
    }

    /// Whether there is a vector, be it zero.
    pub(super) fn is_known(&self, point: [f64; 2]) -> bool {
        self.vector(point).is_some()
    }

    fn vector(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let area = self.view.area;
        let place = self.view.data((x - area.x) / area.width, (area.bottom() - y) / area.height);
        self.field.near(place)
    }
}
