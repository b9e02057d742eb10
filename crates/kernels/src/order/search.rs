//! Binary search.

use crate::element::Element;
use crate::parallel;
use crate::scratch::Target;

/// Sorted rows, and how to search them.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a, T> {
    /// Rows of `width` ascending numbers each, one for each row of values, or one for all.
    pub boundaries: &'a [T],
    /// The length of a row.
    pub width: usize,
    /// Places in the row in ascending order of its numbers, where it is not sorted itself.
    pub sorter: Option<&'a [i64]>,
    /// Whether a value goes after the boundaries that are equal to it, not before them.
    pub right: bool,
}

/// Values that one task finds places for.
const PER_TASK: usize = 4096;

/// For each value, how many boundaries of its row come before it. There are `per_row` values to a row
/// of boundaries.
///
/// # Panics
/// If there are not as many places as values, too few boundaries, or the sorter points outside a row.
pub fn search<T: Element>(search: &Search<'_, T>, values: &[T], per_row: usize, places: &mut [i64]) {
    assert_eq!(values.len(), places.len(), "places for values");
    let (width, target) = (search.width, Target(places.as_mut_ptr()));
    parallel::run(values.len().div_ceil(PER_TASK), |task| {
        for (i, &value) in values.iter().enumerate().skip(task * PER_TASK).take(PER_TASK) {
            let start = i.checked_div(per_row).unwrap_or(0) * width;
            let row = &search.boundaries[start..start + width];
            let sorter = search.sorter.map(|sorter| &sorter[start..start + width]);
            let (mut low, mut high) = (0, width);
            while low < high {
                let middle = low + (high - low) / 2;
                let boundary = row[sorter.map_or(middle, |sorter| sorter[middle] as usize)];
                // A value that compares with nothing goes to the end.
                let stop = if search.right { boundary > value } else { boundary >= value };
                if stop {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            // SAFETY: the place of a value that is this task's.
            unsafe { target.at(i).write(low as i64) };
        }
    });
}
