//! Weighted sums of pixels at points, as an operator of pixels and weights.

use crate::autograd::Recorder;
use crate::backend::Sampling;
use crate::{Result, Tensor};

/// Where taps find their pixels: places `(N, taps, points)`, negative for no pixel, in images of so
/// many pixels.
#[derive(Clone)]
pub(super) struct Places {
    pub(super) places: Tensor,
    pub(super) pixels: usize,
}

impl Places {
    /// The sums `(N, C, points)` over the taps of a pixel of `(N, C, pixels)` times its weight
    /// `(N, taps, points)`.
    pub(super) fn sum(&self, image: &Tensor, weight: &Tensor) -> Result<Tensor> {
        self.pass(Sampling::Gather, [image, weight])
    }

    /// One of the three passes, recorded: the gradients of each are the other two.
    fn pass(&self, how: Sampling, operands: [&Tensor; 2]) -> Result<Tensor> {
        let [first, second] = [operands[0].contiguous()?, operands[1].contiguous()?];
        let (taps, shape) = (self.places.shape(), first.shape());
        let out = match how {
            Sampling::Gather => Tensor::empty([taps[0], shape[1], taps[2]], first.dtype())?,
            Sampling::Scatter => Tensor::empty([taps[0], shape[1], self.pixels], first.dtype())?,
            Sampling::Products => Tensor::empty(&taps, first.dtype())?,
        };
        first.backend().sample_pixels(how, &self.places.array(), [&first.array(), &second.array()], &out.array())?;
        if let Some(mut recorder) = Recorder::new("GridSamplerBackward0", &[&first, &second]) {
            let saved = [recorder.save(&first), recorder.save(&second)];
            let places = self.clone();
            recorder.finish(&out, move |ctx, grad| {
                let [first, second] = [ctx.saved(saved[0])?, ctx.saved(saved[1])?];
                let needs = [ctx.needs(0), ctx.needs(1)];
                let gradients = match how {
                    // Of the image, and of the weight.
                    Sampling::Gather => [
                        needs[0].then(|| places.pass(Sampling::Scatter, [grad, &second])),
                        needs[1].then(|| places.pass(Sampling::Products, [grad, &first])),
                    ],
                    // Of the gradient at the points, and of the weight.
                    Sampling::Scatter => [
                        needs[0].then(|| places.pass(Sampling::Gather, [grad, &second])),
                        needs[1].then(|| places.pass(Sampling::Products, [&first, grad])),
                    ],
                    // Of the gradient at the points, and of the image.
                    Sampling::Products => [
                        needs[0].then(|| places.pass(Sampling::Gather, [&second, grad])),
                        needs[1].then(|| places.pass(Sampling::Scatter, [&first, grad])),
                    ],
                };
                gradients.into_iter().map(Option::transpose).collect()
            });
        }
        Ok(out)
    }
}
