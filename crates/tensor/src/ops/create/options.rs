//! What a factory may be asked for besides a shape.

use crate::{DType, MemoryFormat, Tensor};

/// Dtype, memory format and place in the graph of a new tensor. Where a factory takes these, a
/// [`DType`] will do.
#[derive(Clone, Copy, Debug, Default)]
pub struct TensorOptions {
    /// The dtype; by default what the factory finds right (the default dtype, most often).
    pub dtype: Option<DType>,
    /// The memory format; contiguous by default, and that of the model in the `…_like` factories.
    pub memory_format: Option<MemoryFormat>,
    /// Whether operators on the tensor are recorded.
    pub requires_grad: bool,
}

impl From<DType> for TensorOptions {
    fn from(dtype: DType) -> Self {
        TensorOptions { dtype: Some(dtype), ..Default::default() }
    }
}

impl From<Option<DType>> for TensorOptions {
    fn from(dtype: Option<DType>) -> Self {
        TensorOptions { dtype, ..Default::default() }
    }
}

impl TensorOptions {
    /// The dtype, or the default one.
    pub(crate) fn dtype_or_default(&self) -> DType {
        self.dtype.unwrap_or_else(crate::get_default_dtype)
    }

    /// Gives a new tensor what remains of the options.
    ///
    /// # Errors
    /// If a gradient is asked of a dtype that has none.
    pub(crate) fn finish(&self, tensor: Tensor) -> crate::Result<Tensor> {
        if self.requires_grad {
            if !tensor.dtype().is_floating_point() {
                return Err(crate::Error::runtime(
                    "Only Tensors of floating point and complex dtype can require gradients",
                ));
            }
            tensor.meta_mut(|m| m.requires_grad = true);
        }
        Ok(tensor)
    }
}
