//! Finds the permutation of least total cost.
//!
//! Shortest augmenting paths after Jonker and Volgenant 1987, *A Shortest Augmenting Path Algorithm
//! for Dense and Sparse Linear Assignment Problems*, with their reduction of columns and without
//! that of rows, which saves little here. Our own, since the crates are slow on points: at 512 rows
//! in 2 dimensions this takes 11 ms (26 ms for two tight clusters against a normal), `pathfinding`
//! 4.16 takes 35 (94) and knows integer weights only, `lapjv` 0.3 takes 67 (144) and brings ndarray.

/// A row or a column without a partner.
const FREE: usize = usize::MAX;

/// The column of each row in a permutation of least total cost; costs `[n, n]`, all finite.
pub(super) fn assignment(costs: &[f64], n: usize) -> Vec<usize> {
    let mut matching = Matching::reduced(costs, n);
    let mut search = Search::new(n);
    for row in 0..n {
        if matching.column_of[row] == FREE {
            matching.augment(row, &mut search);
        }
    }
    matching.column_of
}

/// A partial permutation that is optimal for its rows and columns: no reduced cost c − u − v is
/// negative, and those of its pairs are 0.
struct Matching<'a> {
    costs: &'a [f64],
    n: usize,
    column_of: Vec<usize>,
    row_of: Vec<usize>,
    /// The prices v of the columns; those of the rows follow from their pairs.
    prices: Vec<f64>,
}

/// One search for the nearest free column.
struct Search {
    /// Length of the shortest path to each column; ∞ again once it is final.
    length: Vec<f64>,
    /// The row before each column on that path.
    before: Vec<usize>,
    /// The prices of the columns whose length is not final, −∞ for the others.
    open: Vec<f64>,
    /// Columns of final length, nearest first.
    reached: Vec<(usize, f64)>,
}

impl Search {
    fn new(n: usize) -> Self {
        Self {
            length: vec![0.0; n],
            before: vec![FREE; n],
            open: vec![0.0; n],
            reached: Vec::with_capacity(n),
        }
    }

    fn restart(&mut self, prices: &[f64]) {
        self.length.fill(f64::INFINITY);
        self.open.copy_from_slice(prices);
        self.reached.clear();
    }

    /// Lengthens the paths through `row`, which `from` leads to, and closes the nearest column.
    fn nearest(&mut self, row: usize, costs: &[f64], from: f64) -> (usize, f64) {
        let mut least = f64::INFINITY;
        let columns = costs.iter().zip(&self.open).zip(&mut self.length).zip(&mut self.before);
        // Without branches, so that it runs several columns at a time.
        for (((cost, price), length), before) in columns {
            let through = cost - price + from;
            let shorter = through < *length;
            *length = if shorter { through } else { *length };
            *before = if shorter { row } else { *before };
            least = if *length < least { *length } else { least };
        }
        // There is one: a row without a partner leaves a column without one.
        let column = self.length.iter().position(|length| *length <= least).unwrap_or(0);
        self.length[column] = f64::INFINITY;
        self.open[column] = f64::NEG_INFINITY;
        (column, least)
    }
}

impl<'a> Matching<'a> {
    /// The price of each column is its least cost, and it gets that row if nobody has it.
    fn reduced(costs: &'a [f64], n: usize) -> Self {
        let mut prices = vec![f64::INFINITY; n];
        let mut cheapest = vec![FREE; n];
        for (row, costs) in costs.chunks_exact(n).enumerate() {
            for ((cost, price), cheapest) in costs.iter().zip(&mut prices).zip(&mut cheapest) {
                if *cost < *price {
                    (*price, *cheapest) = (*cost, row);
                }
            }
        }
        let (mut column_of, mut row_of) = (vec![FREE; n], vec![FREE; n]);
        for (column, row) in cheapest.into_iter().enumerate() {
            if column_of[row] == FREE {
                (column_of[row], row_of[column]) = (column, row);
            }
        }
        Self { costs, n, column_of, row_of, prices }
    }

    fn costs_of(&self, row: usize) -> &'a [f64] {
        &self.costs[row * self.n..(row + 1) * self.n]
    }

    /// Gives a free row a column, by the shortest path of exchanges from it to a free column.
    fn augment(&mut self, free: usize, search: &mut Search) {
        search.restart(&self.prices);
        let (mut row, mut from) = (free, 0.0);
        let (end, total) = loop {
            let (column, length) = search.nearest(row, self.costs_of(row), from);
            if self.row_of[column] == FREE {
                break (column, length);
            }
            search.reached.push((column, length));
            row = self.row_of[column];
            from = length - (self.costs_of(row)[column] - self.prices[column]);
        };
        for &(column, length) in &search.reached {
            self.prices[column] += length - total;
        }
        let mut column = end;
        loop {
            let row = search.before[column];
            self.row_of[column] = row;
            std::mem::swap(&mut self.column_of[row], &mut column);
            if row == free {
                break;
            }
        }
    }
}
