//! Keeps lines apart.

use crate::draw::geometry::Rect;

/// The points of all lines, in square cells as wide as lines are apart.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    area: Rect,
    cell: f64,
    columns: usize,
    rows: usize,
    cells: Vec<Vec<[f64; 2]>>,
}

impl Drawn {
    pub(super) fn new(area: Rect, cell: f64) -> Self {
        let count = |length: f64| (length / cell).floor() as usize + 1;
        let columns = count(area.width);
        let rows = count(area.height);
        Self { area, cell, columns, rows, cells: vec![Vec::new(); columns * rows] }
    }

    fn place(&self, [x, y]: [f64; 2]) -> (usize, usize) {
        let cell = |from: f64, to: f64| ((to - from) / self.cell).max(0.0) as usize;
        (cell(self.area.x, x).min(self.columns - 1), cell(self.area.y, y).min(self.rows - 1))
    }

    pub(super) fn add(&mut self, point: [f64; 2]) {
        let (i, j) = self.place(point);
        if let Some(cell) = self.cells.get_mut(j * self.columns + i) {
            cell.push(point);
        }
    }

    /// Whether no point is closer than `clear`, at most the width of a cell.
    pub(super) fn is_free(&self, point: [f64; 2], clear: f64) -> bool {
        let (i, j) = self.place(point);
        let rows = j.saturating_sub(1)..=j + 1;
        let columns = i.saturating_sub(1)..(i + 2).min(self.columns);
        let cells = rows.flat_map(|j| columns.clone().map(move |i| j * self.columns + i));
        let mut near = cells.filter_map(|at| self.cells.get(at)).flatten();
        !near.any(|&p| distance(p, point) < clear)
    }
}

pub(super) fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}
