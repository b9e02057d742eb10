//! Masks: filling where one is true, and the places where numbers are not zero.

/// Steps of two strided arrays of one shape.
fn walk(shape: &[usize], a: &[usize], b: &[usize], mut row: impl FnMut(usize, usize)) {
    if shape.contains(&0) {
        return;
    }
    let outer = shape.len().saturating_sub(1);
    let mut index = vec![0; outer];
    let (mut at_a, mut at_b) = (0, 0);
    loop {
        row(at_a, at_b);
        let mut dim = outer;
        loop {
            if dim == 0 {
                return;
            }
            dim -= 1;
            index[dim] += 1;
            at_a += a[dim];
            at_b += b[dim];
            if index[dim] < shape[dim] {
                break;
            }
            at_a -= a[dim] * index[dim];
            at_b -= b[dim] * index[dim];
            index[dim] = 0;
        }
    }
}

fn reach(shape: &[usize], strides: &[usize]) -> usize {
    if shape.contains(&0) { 0 } else { shape.iter().zip(strides).map(|(n, s)| (n - 1) * s).sum::<usize>() + 1 }
}

/// Writes `value` wherever the mask's byte is not 0.
///
/// # Panics
/// If the shape reaches beyond a slice or there is not a stride for each size.
pub fn masked_fill<T: Copy>(
    to: &mut [T],
    to_strides: &[usize],
    mask: &[u8],
    mask_strides: &[usize],
    shape: &[usize],
    value: T,
) {
    assert!(to_strides.len() == shape.len() && mask_strides.len() == shape.len(), "a stride for each size");
    assert!(reach(shape, to_strides) <= to.len() && reach(shape, mask_strides) <= mask.len(), "slices cover the shape");
    let size = shape.last().copied().unwrap_or(1);
    let (s, m) = (to_strides.last().copied().unwrap_or(0), mask_strides.last().copied().unwrap_or(0));
    walk(shape, to_strides, mask_strides, |at, mask_at| {
        if s == 1 && m == 1 {
            let row = to[at..at + size].iter_mut().zip(&mask[mask_at..mask_at + size]);
            row.for_each(|(x, &flag)| *x = if flag != 0 { value } else { *x });
        } else {
            for i in 0..size {
                if mask[mask_at + i * m] != 0 {
                    to[at + i * s] = value;
                }
            }
        }
    });
}

/// The indices of all elements that are not zero (a NaN is not), in row-major order: as many
/// numbers for each as there are dimensions.
///
/// # Panics
/// If the shape reaches beyond the slice or there is not a stride for each size.
pub fn nonzero<T: Copy + PartialEq + Default>(from: &[T], shape: &[usize], strides: &[usize]) -> (usize, Vec<i64>) {
    assert!(strides.len() == shape.len() && reach(shape, strides) <= from.len(), "the slice covers the shape");
    let zero = T::default();
    let size = shape.last().copied().unwrap_or(1);
    let stride = strides.last().copied().unwrap_or(0);
    let (mut count, mut found) = (0, Vec::new());
    let outer_shape = &shape[..shape.len().saturating_sub(1)];
    let mut row_number = 0usize;
    walk(shape, strides, strides, |at, _| {
        let mut prefix = None;
        for i in 0..size {
            if from[at + i * stride] != zero {
                count += 1;
                if shape.is_empty() {
                    continue;
                }
                // The row's own indices, worked out only for rows that have any.
                let prefix = prefix.get_or_insert_with(|| unravel(row_number, outer_shape));
                found.extend_from_slice(prefix);
                found.push(i as i64);
            }
        }
        row_number += 1;
    });
    (count, found)
}

fn unravel(mut number: usize, shape: &[usize]) -> Vec<i64> {
    let mut index = vec![0; shape.len()];
    for dim in (0..shape.len()).rev() {
        index[dim] = (number % shape[dim]) as i64;
        number /= shape[dim];
    }
    index
}
