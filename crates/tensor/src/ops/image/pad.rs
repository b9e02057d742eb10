//! Padding.

use crate::autograd::Recorder;
use crate::{Error, MemoryFormat, Result, Scalar, Shape, Tensor};

/// The shape after padding the last dimensions, and for each dimension how far the image moves and
/// what is cut off its front.
fn padded(shape: &Shape, pad: &[isize]) -> Result<Shape> {
    if !pad.len().is_multiple_of(2) {
        return Err(Error::runtime(format!("Length of pad must be even but instead it equals {}", pad.len())));
    }
    if pad.len() / 2 > shape.len() {
        return Err(Error::runtime(format!(
            "Length of pad should be no more than twice the number of dimensions of the input. Pad length is {} while the input has {} dimensions.",
            pad.len(),
            shape.len()
        )));
    }
    let mut result = shape.to_vec();
    for (i, sides) in pad.chunks(2).enumerate() {
        let dim = shape.len() - 1 - i;
        let size = shape[dim] as i128 + sides[0] as i128 + sides[1] as i128;
        // One side after the other is cut off before anything is added.
        if (shape[dim] as i128) + (sides[0].min(0) as i128) + (sides[1].min(0) as i128) < 0 {
            return Err(Error::runtime("narrow(): length must be non-negative."));
        }
        result[dim] = usize::try_from(size).map_err(|_| Error::memory("Storage size calculation overflowed"))?;
    }
    let result = Shape::from(result);
    result.checked_numel()?;
    Ok(result)
}

impl Tensor {
    /// Continues the last dimensions with a number: `pad` holds how many before and after the last
    /// dimension, then the one before it, and so on; negative numbers cut off.
    ///
    /// # Errors
    /// If there are more pairs than dimensions, or more is cut off than there is.
    pub fn constant_pad_nd(&self, pad: &[isize], value: impl Into<Scalar>) -> Result<Tensor> {
        let shape = self.shape();
        let result_shape = padded(&shape, pad)?;
        let format = match self.suggested_format() {
            MemoryFormat::Preserve => MemoryFormat::Contiguous,
            format => format,
        };
        let result = Tensor::empty_in_format(&result_shape, self.dtype(), format)?;
        crate::autograd::no_grad(|| -> Result<()> {
            // Where something is only cut off, all of the result is image.
            if pad.iter().any(|&side| side > 0) {
                result.fill_raw(value)?;
            }
            let (mut from, mut to) = (self.clone(), result.clone());
            for (i, sides) in pad.chunks(2).enumerate() {
                let dim = shape.len() - 1 - i;
                // What is cut off the image, and where the rest lands.
                let (cut, at) = ((-sides[0]).max(0), sides[0].max(0));
                let kept = shape[dim] as isize - cut - (-sides[1]).max(0);
                if kept <= 0 {
                    return Ok(());
                }
                from = from.narrow(dim as isize, cut, kept as usize)?;
                to = to.narrow(dim as isize, at, kept as usize)?;
            }
            to.copy_raw(&from)?;
            Ok(())
        })?;
        if let Some(recorder) = Recorder::new("ConstantPadNdBackward0", &[self]) {
            let back: Vec<isize> = pad.iter().map(|&side| -side).collect();
            recorder.finish(&result, move |_, grad| Ok(vec![Some(grad.constant_pad_nd(&back, 0.0)?)]));
        }
        Ok(result)
    }
}
