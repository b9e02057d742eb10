//! The sum of a channel: what a convolution's bias gets as its gradient.

use crate::autograd::Recorder;
use crate::{Result, Tensor};

impl Tensor {
    /// The sum over all dimensions but the second.
    pub(crate) fn sum_channels(&self) -> Result<Tensor> {
        let output = Tensor::empty([self.shape()[1]], self.dtype())?;
        self.backend().channel_sum(&self.array(), &output.array())?;
        if let Some(recorder) = Recorder::new("SumBackward1", &[self]) {
            let shape = self.shape();
            recorder.finish(&output, move |_, grad| {
                let mut one = vec![1; shape.len()];
                one[1] = shape[1];
                Ok(vec![Some(grad.reshape_to(&one)?.expand_to(&shape)?)])
            });
        }
        Ok(output)
    }
}
