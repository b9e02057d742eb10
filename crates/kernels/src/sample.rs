//! Weighted sums of pixels at points of an image: what sampling at a flow field comes down to.
//!
//! Each point has a few taps: a pixel, or none, and a weight. The sum is linear in the pixels and in
//! the weights, so its gradients are two more passes over the same taps, and each of the three
//! passes ([`gather`], [`scatter`], [`products`]) is the derivative of the other two.

use crate::window::{Compute, TASK, split, split_chunks2};

/// Sizes of images, `(images, channels, pixels)`, and of taps, `(images, taps, points)`, both dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// How many images.
    pub images: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Pixels of a channel.
    pub pixels: usize,
    /// Taps of a point.
    pub taps: usize,
    /// Points of an image.
    pub points: usize,
}

impl Sizes {
    fn check(&self, pixels: usize, values: usize, taps: [usize; 2]) {
        assert_eq!(pixels, self.images * self.channels * self.pixels, "numbers of images");
        assert_eq!(values, self.images * self.channels * self.points, "a number for each point and channel");
        assert_eq!(taps, [self.images * self.taps * self.points; 2], "a pixel and a weight for each tap");
    }

    /// The part of all taps that belongs to an image.
    fn of_image<'a, T>(&self, taps: &'a [T], image: usize) -> &'a [T] {
        let length = self.taps * self.points;
        &taps[image * length..][..length]
    }
}

/// A pixel; none has the value zero.
#[inline(always)]
fn pixel<W: Compute>(plane: &[W], place: i64) -> W {
    // Negative places are beyond every slice's end.
    plane.get(place as usize).copied().unwrap_or(W::ZERO)
}

/// `output[c, p] = Σ weight[t, p] · image[c, place[t, p]]` for each image; a negative place is no
/// pixel, whose value is zero.
///
/// # Panics
/// If a slice's length is not what the sizes say.
pub fn gather<W: Compute>(sizes: Sizes, image: &[W], (places, weights): (&[i64], &[W]), output: &mut [W]) {
    sizes.check(image.len(), output.len(), [places.len(), weights.len()]);
    if output.is_empty() {
        return;
    }
    split(output, sizes.points, sizes.points * sizes.taps, |plane, output| {
        let of = plane / sizes.channels;
        let (places, weights) = (sizes.of_image(places, of), sizes.of_image(weights, of));
        let pixels = &image[plane * sizes.pixels..][..sizes.pixels];
        output.fill(W::ZERO);
        for (places, weights) in places.chunks_exact(output.len()).zip(weights.chunks_exact(output.len())) {
            for (out, (&place, &weight)) in output.iter_mut().zip(places.iter().zip(weights)) {
                *out += pixel(pixels, place) * weight;
            }
        }
    });
}

/// `image[c, place[t, p]] += weight[t, p] · grad[c, p]`, from zero, for each image.
///
/// # Panics
/// If a slice's length is not what the sizes say.
pub fn scatter<W: Compute>(sizes: Sizes, grad: &[W], (places, weights): (&[i64], &[W]), image: &mut [W]) {
    sizes.check(image.len(), grad.len(), [places.len(), weights.len()]);
    if image.is_empty() {
        return;
    }
    split(image, sizes.pixels, sizes.pixels + sizes.points * sizes.taps, |plane, pixels| {
        let of = plane / sizes.channels;
        let (places, weights) = (sizes.of_image(places, of), sizes.of_image(weights, of));
        let grad = &grad[plane * sizes.points..][..sizes.points];
        pixels.fill(W::ZERO);
        for tap in 0..sizes.taps {
            let taps = tap * sizes.points..(tap + 1) * sizes.points;
            for (&grad, (&place, &weight)) in grad.iter().zip(places[taps.clone()].iter().zip(&weights[taps])) {
                if let Some(pixel) = pixels.get_mut(place as usize) {
                    *pixel += grad * weight;
                }
            }
        }
    });
}

/// `output[t, p] = Σ grad[c, p] · image[c, place[t, p]]` for each image.
///
/// # Panics
/// If a slice's length is not what the sizes say.
pub fn products<W: Compute>(sizes: Sizes, grad: &[W], image: &[W], places: &[i64], output: &mut [W]) {
    sizes.check(image.len(), grad.len(), [places.len(), output.len()]);
    if output.is_empty() {
        return;
    }
    let Sizes { channels, pixels, points, taps, .. } = sizes;
    // Points of a task: enough to be worth a thread, whatever the number of channels.
    let piece = TASK.div_ceil(channels.max(1)).min(points);
    for (row, output) in output.chunks_exact_mut(points).enumerate() {
        let of = row / taps;
        let places = &places[row * points..][..points];
        split_chunks2((output, piece), (&mut [] as &mut [u8], 0), piece * channels, |part, output, _| {
            let first = part * piece;
            output.fill(W::ZERO);
            for plane in of * channels..(of + 1) * channels {
                let image = &image[plane * pixels..][..pixels];
                let grad = &grad[plane * points + first..];
                for ((out, &grad), &place) in output.iter_mut().zip(grad).zip(&places[first..]) {
                    *out += grad * pixel(image, place);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 29 + seed * 7) % 97) as f64 / 9.0 - 5.0).collect()
    }

    #[test]
    fn the_three_passes_are_one_sum() {
        for (images, channels, pixels, taps, points) in
            [(2, 3, 7, 4, 5), (1, 1, 1, 1, 1), (1, 70, 50, 2, 900), (2, 0, 3, 1, 4)]
        {
            let sizes = Sizes { images, channels, pixels, taps, points };
            let image = numbers(images * channels * pixels, 1);
            let grad = numbers(images * channels * points, 2);
            let weights = numbers(images * taps * points, 3);
            let places: Vec<i64> = (0..weights.len()).map(|i| (i * 5 % (pixels + 1)) as i64 - 1).collect();
            let (mut out, mut of_image) = (vec![0.0; grad.len()], vec![0.0; image.len()]);
            let mut of_weight = vec![0.0; weights.len()];
            for n in 0..images {
                for t in 0..taps {
                    for p in 0..points {
                        let tap = (n * taps + t) * points + p;
                        for c in (0..channels).filter(|_| places[tap] >= 0) {
                            let (x, y) =
                                ((n * channels + c) * pixels + places[tap] as usize, (n * channels + c) * points + p);
                            out[y] += weights[tap] * image[x];
                            of_image[x] += weights[tap] * grad[y];
                            of_weight[tap] += grad[y] * image[x];
                        }
                    }
                }
            }
            let close = |got: &[f64], want: &[f64]| got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-9);
            let mut got = vec![f64::NAN; out.len()];
            gather(sizes, &image, (&places, &weights), &mut got);
            assert!(close(&got, &out));
            let mut got = vec![f64::NAN; of_image.len()];
            scatter(sizes, &grad, (&places, &weights), &mut got);
            assert!(close(&got, &of_image));
            let mut got = vec![f64::NAN; of_weight.len()];
            products(sizes, &grad, &image, &places, &mut got);
            assert!(close(&got, &of_weight));
        }
    }
}
