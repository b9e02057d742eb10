//! Another shape in place, with more memory where it is needed.

use super::like_layout;
use crate::{Array, Error, Layout, MemoryFormat, Result, Shape, Storage, Tensor};

impl Tensor {
    /// Gives this tensor another shape. The numbers in its memory stay; what is added is unspecified.
    ///
    /// # Errors
    /// If the tensor requires a gradient, the format does not fit or there is not enough memory.
    pub fn resize_(&self, shape: impl Into<Shape>, format: Option<MemoryFormat>) -> Result<Tensor> {
        if self.requires_grad() {
            return Err(Error::runtime("cannot resize variables that require grad"));
        }
        let shape = shape.into();
        shape.checked_numel()?;
        let array = self.array();
        if shape == *array.shape() && format.is_none() {
            return Ok(self.clone());
        }
        let layout = match format {
            None => Layout::contiguous(shape),
            Some(MemoryFormat::Preserve) => return Err(Error::runtime("Unsupported memory format Preserve")),
            Some(format) => like_layout(&Layout::contiguous(shape), format)?,
        };
        let layout = Layout::strided(layout.shape().clone(), layout.strides(), array.layout().offset());
        let overflow = || Error::memory(format!("Storage size calculation overflowed with sizes={}", layout.shape()));
        let end = layout.end().and_then(|end| end.checked_mul(array.dtype().size())).ok_or_else(overflow)?;
        let storage = if end <= array.storage().len() {
            array.storage().clone()
        } else {
            let mut bytes = array.storage().to_bytes();
            bytes.resize(end, 0);
            Storage::from_bytes(&bytes)?
        };
        self.replace_array(Array::new(storage, layout, array.dtype())?);
        Ok(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use crate::{MemoryFormat, Tensor};

    #[test]
    fn numbers_stay_where_they_are() {
        let x = Tensor::from_slice(&[1i64, 2, 3, 4], [2, 2]).unwrap();
        assert_eq!(x.resize_([3], None).unwrap().to_vec::<i64>().unwrap(), [1, 2, 3]);
        assert_eq!(x.resize_([2, 3], None).unwrap().to_vec::<i64>().unwrap()[..4], [1, 2, 3, 4]);
        let x = Tensor::from_slice(&[1.0, 2.0], [2]).unwrap();
        x.resize_([1, 2, 1, 1], Some(MemoryFormat::ChannelsLast)).unwrap();
        assert!(x.is_contiguous_in(MemoryFormat::ChannelsLast));
        assert!(x.requires_grad_(true).unwrap().resize_([1], None).is_err());
    }
}
