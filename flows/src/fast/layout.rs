//! Where the parameters of a model stand in one flat vector.

use crate::params::{Params, to_f64};
use std::collections::HashMap;

/// Places of the trainable parameters, in the order of [`Params::read_flat`], and room after them
/// for what kernels prepare.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    params: &'a Params,
    places: HashMap<&'a str, (usize, usize)>,
    end: usize,
}

impl<'a> Layout<'a> {
    pub(super) fn new(params: &'a Params) -> Self {
        let (mut places, mut end) = (HashMap::new(), 0);
        for param in params.trainable() {
            let count = param.var().elem_count();
            places.insert(param.name(), (end, count));
            end += count;
        }
        Self { params, places, end }
    }

    /// Where the parameter of that name starts; nothing when it has another number of entries.
    pub(super) fn place(&self, name: &str, count: usize) -> Option<usize> {
        let (start, found) = *self.places.get(name)?;
        (found == count).then_some(start)
    }

    /// The values of a buffer.
    pub(super) fn buffer(&self, name: &str) -> Option<Vec<f64>> {
        to_f64(self.params.get(name)?.var()).ok()
    }

    /// Room for `count` prepared numbers.
    pub(super) fn reserve(&mut self, count: usize) -> usize {
        self.end += count;
        self.end - count
    }

    /// Parameters and prepared numbers so far.
    pub(super) fn len(&self) -> usize {
        self.end
    }
}
