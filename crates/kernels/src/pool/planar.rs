//! Numbers moved within their image by index: the gradient of maximum pooling, its gradient, and
//! unpooling.

use crate::element::Element;
use crate::window::{Compute, Planes, Real, split};

/// Images and, for each number of the smaller ones, its place in the larger ones' `size`.
fn check(small: Planes, large: Planes, indices: &[i64], lens: [usize; 2]) {
    assert!(small.outer == large.outer && small.inner == large.inner, "different numbers of images");
    assert!(lens == [small.len(), large.len()] && indices.len() == small.len(), "lengths that the sizes do not give");
}

/// `output[i] = input[indices[i]]`, within each image.
///
/// # Panics
/// If lengths do not fit, or an index lies outside its image.
pub fn gather_planes<T: Element>(from: Planes, to: Planes, indices: &[i64], input: &[T], output: &mut [T]) {
    check(to, from, indices, [output.len(), input.len()]);
    let inner = to.inner;
    split(output, to.block().max(1), to.block(), |block, output| {
        let indices = &indices[block * to.block()..][..to.block()];
        let input = &input[block * from.block()..][..from.block()];
        for (i, (out, &index)) in output.iter_mut().zip(indices).enumerate() {
            *out = input[index as usize * inner + i % inner];
        }
    });
}

/// `output[indices[i]] += input[i]` from zero, within each image; in order, so that the sums are
/// the same bits for any number of threads.
///
/// # Panics
/// If lengths do not fit, or an index lies outside its image.
pub fn scatter_add_planes<T: Real>(from: Planes, to: Planes, indices: &[i64], input: &[T], output: &mut [T]) {
    check(from, to, indices, [input.len(), output.len()]);
    let inner = to.inner;
    split(output, to.block().max(1), to.block() + 2 * from.block(), |block, output| {
        let indices = &indices[block * from.block()..][..from.block()];
        let input = &input[block * from.block()..][..from.block()];
        if size_of::<T>() == size_of::<T::Wide>() {
            output.fill(T::narrow(T::Wide::ZERO));
            for (index, input) in indices.chunks_exact(inner).zip(input.chunks_exact(inner)) {
                for (channel, (&index, &value)) in index.iter().zip(input).enumerate() {
                    let at = &mut output[index as usize * inner + channel];
                    *at = T::narrow(at.widen() + value.widen());
                }
            }
        } else {
            let mut sums = vec![T::Wide::ZERO; output.len()];
            for (i, (&index, &value)) in indices.iter().zip(input).enumerate() {
                sums[index as usize * inner + i % inner] += value.widen();
            }
            output.iter_mut().zip(sums).for_each(|(out, sum)| *out = T::narrow(sum));
        }
    });
}

/// `output[indices[i]] = input[i]`, zero elsewhere, within each image; the last of several wins.
///
/// # Panics
/// If lengths do not fit, or an index lies outside its image.
pub fn scatter_planes<T: Element>(from: Planes, to: Planes, indices: &[i64], input: &[T], output: &mut [T]) {
    check(from, to, indices, [input.len(), output.len()]);
    let inner = to.inner;
    split(output, to.block().max(1), to.block() + from.block(), |block, output| {
        output.fill(T::default());
        let indices = &indices[block * from.block()..][..from.block()];
        let input = &input[block * from.block()..][..from.block()];
        for (i, (&index, &value)) in indices.iter().zip(input).enumerate() {
            output[index as usize * inner + i % inner] = value;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scattering_undoes_and_sums_what_gathering_took() {
        for inner in [1, 3] {
            let large = Planes { outer: 2, size: [1, 2, 3], inner };
            let small = large.resized([1, 1, 4]);
            let indices: Vec<i64> = (0..small.len()).map(|i| [5, 0, 5, 2][i / inner % 4]).collect();
            let input: Vec<f32> = (0..large.len()).map(|i| i as f32).collect();
            let mut taken = vec![0.0; small.len()];
            gather_planes(large, small, &indices, &input, &mut taken);
            assert_eq!(taken[inner], 0.0);
            assert_eq!(taken[0], (5 * inner) as f32);
            let (mut sums, mut last) = (vec![9.0; large.len()], vec![9.0; large.len()]);
            scatter_add_planes(small, large, &indices, &taken, &mut sums);
            scatter_planes(small, large, &indices, &taken, &mut last);
            for (i, (&x, (&sum, &last))) in input.iter().zip(sums.iter().zip(&last)).enumerate() {
                let times = [1.0, 0.0, 1.0, 0.0, 0.0, 2.0][i / inner % 6];
                assert_eq!((sum, last), (x * times, if times > 0.0 { x } else { 0.0 }));
            }
        }
    }
}
