//! Sees space from far away, so that parallels stay parallel.

/// An orthographic view of space, z upwards, in points of the scene.
#[derive(Clone, Copy, Debug)]
pub(super) struct Camera {
    /// Sine and cosine of the angle of the eye around z, from x towards y.
    around: (f64, f64),
    /// Sine and cosine of the angle of the eye above the floor.
    above: (f64, f64),
    /// Points for a length of one.
    pub(super) scale: f64,
    /// Where the origin of space is seen.
    pub(super) origin: [f64; 2],
}

impl Camera {
    /// From angles in degrees.
    pub(super) fn new(azimuth: f64, elevation: f64) -> Self {
        let turn = |degrees: f64| degrees.to_radians().sin_cos();
        Self { around: turn(azimuth), above: turn(elevation), scale: 1.0, origin: [0.0; 2] }
    }

    pub(super) fn point(&self, [x, y, z]: [f64; 3]) -> [f64; 2] {
        let right = self.around.1 * y - self.around.0 * x;
        let up = self.above.1 * z - self.above.0 * self.nearness([x, y]);
        [self.origin[0] + self.scale * right, self.origin[1] - self.scale * up]
    }

    /// How near a place of the floor is to the eye: the greater of two hides the other.
    pub(super) fn nearness(&self, [x, y]: [f64; 2]) -> f64 {
        self.around.1 * x + self.around.0 * y
    }

    /// −1 or 1 for the side of the floor along x and y that is nearer.
    pub(super) fn near_sides(&self) -> [f64; 2] {
        [self.around.1, self.around.0].map(|v| if v < 0.0 { -1.0 } else { 1.0 })
    }

    /// The direction to a lamp over the left shoulder of the viewer, of length one.
    pub(super) fn lamp(&self) -> [f64; 3] {
        let ((s, c), (left, back, up)) = (self.around, (0.45, 0.35, 0.82));
        let lamp = [back * c + left * s, back * s - left * c, up];
        let length = lamp.iter().map(|v| v * v).sum::<f64>().sqrt();
        lamp.map(|v| v / length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: [f64; 2], b: [f64; 2]) -> bool {
        (a[0] - b[0]).abs() < 1e-12 && (a[1] - b[1]).abs() < 1e-12
    }

    #[test]
    fn views_along_axes_and_from_above_are_known() {
        // From the side of negative y, x runs to the right and z up the paper.
        let front = Camera::new(-90.0, 0.0);
        assert!(close(front.point([1.0, 5.0, 0.0]), [1.0, 0.0]));
        assert!(close(front.point([0.0, 5.0, 1.0]), [0.0, -1.0]));
        assert!(front.nearness([0.0, -1.0]) > front.nearness([0.0, 1.0]));
        // From above, it is a map.
        let map = Camera::new(-90.0, 90.0);
        assert!(close(map.point([1.0, 2.0, 7.0]), [1.0, -2.0]));
        assert!((map.lamp()[0] < 0.0) && (map.lamp()[1] < 0.0) && (map.lamp()[2] > 0.0));
    }
}
